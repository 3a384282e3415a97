"""How an attack is called in the list, in messages and in tooltips."""

from __future__ import annotations

from napari_mits_gan.session import BUILT_IN, Action, Injection, Verdict

WORDS: dict[Action, str] = {"inject": "Inject", "remove": "Remove"}


def attack_words(number: int, injection: Injection, verdict: Verdict | None = None) -> str:
    """An attack in one line, with what the judge says of it where that is known.

    Examples
    --------
    >>> attack_words(1, Injection("inject", (76, 227, 158)), Verdict(0.02, 0.97, 0.5))
    '1. Inject at z 76, y 227, x 158 — judge: nodule 0.97 (before 0.02)'
    """
    z, y, x = injection.at
    place = f"{number}. {WORDS[injection.action]} at z {z}, y {y}, x {x}"
    return place if verdict is None else f"{place} — judge: {verdict}"


def attack_details(injection: Injection, verdict: Verdict | None = None) -> str:
    """Which attacker made an attack, and the verdict in full."""
    made_by = "built in" if injection.attacker == BUILT_IN else injection.attacker
    lines = [f"Attacker: {made_by}"]
    if verdict is not None:
        lines.append(f"With the attack {verdict.words} ({verdict.after:.2f})")
        lines.append(f"Without it {verdict.words_before} ({verdict.before:.2f})")
        lines.append(f"The judge sees a nodule from {verdict.threshold:.2f} on")
    return "\n".join(lines)
