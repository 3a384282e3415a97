"""How an attack, and what became of it, is called in the list, in messages and in tooltips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_mits_gan.session import BUILT_IN, AttackVerdict, Injection

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action

WORDS: dict[Action, str] = {"inject": "Inject", "remove": "Remove"}
LUNG = "lung"


def attack_words(number: int, injection: Injection) -> str:
    """An attack in one line.

    Examples
    --------
    >>> attack_words(1, Injection("inject", (76, 227, 158)))
    '1. Inject at z 76, y 227, x 158'
    """
    z, y, x = injection.at
    return f"{number}. {WORDS[injection.action]} at z {z}, y {y}, x {x}"


def detector_words(verdict: AttackVerdict) -> str:
    """What the detector finds before the attack, after it on the original, and on the protected scan.

    Examples
    --------
    >>> from napari_mits_gan.session import Detection
    >>> detector_words(AttackVerdict(Injection("inject", (1, 2, 3)), original=Detection(0.02, 0.97, 0.5)))
    'detector before: no nodule (0.02), attacked original: nodule (0.97)'
    """
    known = verdict.original or verdict.protected
    if known is None:
        return ""
    told = [f"detector before: {_seen(known.seen_before)} ({known.before:.2f})"]
    if verdict.original is not None:
        told.append(f"attacked original: {_seen(verdict.original.seen)} ({verdict.original.after:.2f})")
    if verdict.protected is not None:
        told.append(f"attacked protected: {_seen(verdict.protected.seen)} ({verdict.protected.after:.2f})")
    return ", ".join(told)


def deviation_words(verdict: AttackVerdict) -> str:
    """How far the attack on the protected scan deviates, and whether that counts as disrupted."""
    if verdict.deviation is None:
        return ""
    return f"deviation {verdict.deviation:.4f}, {'disrupted' if verdict.disrupted else 'not disrupted'}"


def warning_words(verdict: AttackVerdict) -> str:
    """What the figures of this attack must not be taken for; empty where nothing is wrong."""
    if verdict.place not in (None, LUNG):
        return (
            f"This place lies {verdict.place}: attackers and detector are made for lungs, so the result says nothing "
            "about an attack."
        )
    known = verdict.original or verdict.protected
    if known is None:
        return ""
    if verdict.injection.action == "remove" and not known.seen_before:
        return "The detector saw no nodule here before, so there was none to remove."
    if verdict.injection.action == "inject" and known.seen_before:
        return "The detector saw a nodule here before, so one seen now is no success of the attack."
    return ""


def row_words(number: int, verdict: AttackVerdict) -> str:
    """An attack and what became of it, in the lines of the list."""
    lines = [attack_words(number, verdict.injection)]
    if verdict.place not in (None, LUNG):
        lines[0] += f" · {verdict.place}"
    detector, deviates = detector_words(verdict), deviation_words(verdict)
    lines += [_capital(words) for words in (detector, deviates) if words]
    return "\n".join(lines)


def details(verdict: AttackVerdict) -> str:
    """Which attacker made an attack, and all that is known of it: a tooltip."""
    injection = verdict.injection
    lines = [f"Attacker: {'built in' if injection.attacker == BUILT_IN else injection.attacker}"]
    if (warning := warning_words(verdict)) != "":
        lines.append(warning)
    if (detector := detector_words(verdict)) != "":
        known = verdict.original or verdict.protected
        lines.append(_capital(detector))
        lines.append("" if known is None else f"It reports a nodule from a score of {known.threshold:.2f} on")
    if (deviates := deviation_words(verdict)) != "":
        lines.append(f"{_capital(deviates)} (an attack counts as disrupted from 0.0125 on)")
    return "\n".join(line for line in lines if line)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _seen(seen: bool) -> str:
    return "nodule" if seen else "no nodule"
