"""What the protection and the seal did to each simulated attack: one line of figures for each."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.session.detection import Detection
    from napari_mits_gan.session.model import Session, Version
    from napari_mits_gan.session.replay import Injection, PaintedCore

LUNG, OUTSIDE_LUNGS, OUTSIDE_BODY = "lung", "outside the lungs", "outside the body"


@dataclass(frozen=True)
class AttackVerdict:
    """What became of one attack; None where that is not known.

    Parameters
    ----------
    injection : Injection
        The attack.
    place : str or None
        "lung", "outside the lungs" or "outside the body"; None until the scan's lungs were found.
    original, protected : Detection or None
        What the detector finds at the site of either version, without and with the attack.
    deviation : float or None
        Mean squared difference of what the attacker painted into the core of either version, in normalised units, 0 to
        1; each attack on its own.
    disrupted : bool or None
        Whether that exceeds 0.0125.
    core_hu_original, core_hu_protected : float or None
        Mean HU of the middle of the core, about 10 mm wide, after the attack on either version.
    found : bool or None
        Whether all that the attack changed on the version shown lies in blocks that the last check names.
    healed : bool or None
        Whether the last recovery replaced all of that.
    """

    injection: Injection
    place: str | None = None
    original: Detection | None = None
    protected: Detection | None = None
    deviation: float | None = None
    disrupted: bool | None = None
    core_hu_original: float | None = None
    core_hu_protected: float | None = None
    found: bool | None = None
    healed: bool | None = None


def attack_verdicts(session: Session, progress: Progress = silent) -> tuple[AttackVerdict, ...]:
    """A verdict for each attack in the list; what is known is not computed again.

    Parameters
    ----------
    session : Session
        With a scan. Neither is the detector asked here, nor are lungs looked for: what was found is taken.
    progress : callable
        Told how many attacks are done, of how many.

    Raises
    ------
    ReplayError, WeightsError
        If an attack cannot be made.
    """
    original, injections = session.original, session.injections
    if original is None or not injections:
        return ()
    there_is_protected = session.protected is not None
    places = _places(original, injections)
    found = []
    for row, injection in enumerate(injections):
        progress(row, len(injections))
        first = _core(session, "original", injection)
        second = _core(session, "protected", injection) if there_is_protected else None
        deviation, disrupted = _deviation(first, second)
        named, healed = _found_and_healed(session, row)
        found.append(
            AttackVerdict(
                injection=injection,
                place=places[row],
                original=_detection(session, "original", row),
                protected=_detection(session, "protected", row) if there_is_protected else None,
                deviation=deviation,
                disrupted=disrupted,
                core_hu_original=first.mean_hu,
                core_hu_protected=None if second is None else second.mean_hu,
                found=named,
                healed=healed,
            )
        )
    progress(len(injections), len(injections))
    return tuple(found)


def _places(scan: CTVolume, injections: Sequence[Injection]) -> list[str | None]:
    """Whether each lies in a lung, in the rest of the body, or outside of it; None while the lungs are not known."""
    from napari_mits_gan.ct.anatomy import anatomy_known, body_mask, lung_mask

    if not anatomy_known(scan):
        return [None] * len(injections)
    lungs, body = lung_mask(scan), body_mask(scan)
    return [LUNG if lungs[i.at] else OUTSIDE_LUNGS if body[i.at] else OUTSIDE_BODY for i in injections]


COLUMNS = (
    "number",
    "action",
    "attacker",
    "z",
    "y",
    "x",
    "place",
    "score_before",
    "score_original",
    "score_protected",
    "seen_from",
    "deviation",
    "disrupted",
    "core_hu_original",
    "core_hu_protected",
    "found",
    "healed",
)
"""Of the CSV file; scores are the detector's, 0 to 1, which reports a nodule from `seen_from` on."""


def as_rows(verdicts: Sequence[AttackVerdict]) -> list[dict[str, Any]]:
    """Verdicts as dictionaries by `COLUMNS`, JSON-serialisable; what is not known is None."""
    rows = []
    for number, verdict in enumerate(verdicts, start=1):
        injection, original, protected = verdict.injection, verdict.original, verdict.protected
        known = original or protected
        values = (
            number,
            injection.action,
            injection.attacker,
            *injection.at,
            verdict.place,
            None if known is None else round(known.before, 4),
            None if original is None else round(original.after, 4),
            None if protected is None else round(protected.after, 4),
            None if known is None else round(known.threshold, 4),
            None if verdict.deviation is None else round(verdict.deviation, 6),
            verdict.disrupted,
            None if verdict.core_hu_original is None else round(verdict.core_hu_original, 1),
            None if verdict.core_hu_protected is None else round(verdict.core_hu_protected, 1),
            verdict.found,
            verdict.healed,
        )
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def to_csv(verdicts: Sequence[AttackVerdict]) -> str:
    """Verdicts as a CSV table with a line of titles; what is not known stays empty."""
    lines = io.StringIO()
    writer = csv.DictWriter(lines, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in as_rows(verdicts):
        writer.writerow({name: {True: "yes", False: "no"}[v] if isinstance(v, bool) else v for name, v in row.items()})
    return lines.getvalue()


def _core(session: Session, version: Version, injection: Injection) -> PaintedCore:
    """What the attacker paints at its site of a version that nobody else attacked."""
    replay = session.replay(version)
    if injection not in replay.cores:
        from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
        from napari_mits_gan.session.replay import PaintedCore

        attacker = session.networks.attacker(injection.action, injection.attacker)
        made = inpainted_cores(attacker, replay.base, [injection.at])
        # The core is 20 mm wide; what is looked at is the middle of it.
        middle = made.after_hu[0][tuple(slice(n // 4, n - n // 4) for n in made.after_hu[0].shape)]
        replay.cores[injection] = PaintedCore(made.normalised[0], float(middle.mean()))
    return replay.cores[injection]


def _deviation(first: PaintedCore, second: PaintedCore | None) -> tuple[float | None, bool | None]:
    if second is None:
        return None, None
    from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, deviation

    value = float(deviation(second.normalised[np.newaxis], first.normalised[np.newaxis])[0])
    return value, value > DISRUPTED_ABOVE


def _detection(session: Session, version: Version, row: int) -> Detection | None:
    return session.replay(version).detections.get(session.injections[: row + 1])


def _found_and_healed(session: Session, row: int) -> tuple[bool | None, bool | None]:
    examined = session.examined
    if examined is None or examined.changed is None:
        return None, None
    region, changed = session.replay(session.shown).changed_by(row)
    named = examined.changed[region]
    found = bool(changed.any() and named[changed].all())
    recovery = examined.recovery
    if recovery is None or recovery.healed.shape != examined.changed.shape:
        return found, None
    return found, bool(changed.any() and recovery.healed[region][changed].all())
