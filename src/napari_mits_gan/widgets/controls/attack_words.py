"""How an attack is called in the list, in messages and in tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_mits_gan.session import BUILT_IN, Detection, Injection

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action

WORDS: dict[Action, str] = {"inject": "Inject", "remove": "Remove"}


def attack_words(number: int, injection: Injection, detection: Detection | None = None) -> str:
    """An attack in one line, with what the detector finds where that is known.

    Examples
    --------
    >>> attack_words(1, Injection("inject", (76, 227, 158)), Detection(0.02, 0.97, 0.5))
    '1. Inject at z 76, y 227, x 158 — detector: nodule 0.97 (before 0.02)'
    """
    z, y, x = injection.at
    place = f"{number}. {WORDS[injection.action]} at z {z}, y {y}, x {x}"
    return place if detection is None else f"{place} — detector: {detection}"


def attack_details(injection: Injection, detection: Detection | None = None) -> str:
    """Which attacker made an attack, and what the detector finds."""
    made_by = "built in" if injection.attacker == BUILT_IN else injection.attacker
    lines = [f"Attacker: {made_by}"]
    if detection is not None:
        lines.append(f"With the attack {detection.words} ({detection.after:.2f})")
        lines.append(f"Without it {detection.words_before} ({detection.before:.2f})")
        lines.append(f"The detector reports a nodule from {detection.threshold:.2f} on")
    return "\n".join(lines)
