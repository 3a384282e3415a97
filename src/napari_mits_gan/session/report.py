"""A session as one HTML page with pictures: what was attacked, what the protection did to it, what a check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_mits_gan.ct.constants import LUNG_WINDOW_HU, SIMULATED_ATTACK
from napari_mits_gan.pages import page as html
from napari_mits_gan.pages.picture import scaled, windowed
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.attack_verdicts import as_rows

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.session.attack_verdicts import AttackVerdict
    from napari_mits_gan.session.model import Session, Version

SIDE_MM = 96.0
"""Side of what a picture shows."""
PIXELS = 240
UNKNOWN = "–"
_VERSIONS: tuple[Version, ...] = ("original", "protected")
_TITLES = {
    "number": "#",
    "action": "action",
    "z": "z",
    "y": "y",
    "x": "x",
    "place": "place",
    "score_before": "detector before",
    "score_original": "attacked original",
    "score_protected": "attacked protected",
    "deviation": "deviation",
    "disrupted": "disrupted",
    "core_hu_original": "core, original (HU)",
    "core_hu_protected": "core, protected (HU)",
    "found": "found by the check",
    "healed": "healed",
}
_EXPLANATION = (
    "Detector: a score from 0 to 1. Deviation: mean squared difference of what is painted into either version, in "
    "normalised units, each attack on its own; it counts as disrupted from 0.0125 on. Core: mean HU of the middle "
    "10 mm after the attack. Pictures are axial, in the lung window."
)


def session_report(session: Session, verdicts: Sequence[AttackVerdict], progress: Progress = silent) -> str:
    """One HTML page that needs nothing else.

    Parameters
    ----------
    session : Session
        With a scan.
    verdicts : sequence of AttackVerdict
        What became of the attacks.
    progress : callable
        Told how many attacks are pictured.

    Returns
    -------
    str
        Nothing in it names the patient; every picture of an attack says that it is simulated.
    """
    scan = session.required("original")
    size = " × ".join(map(str, scan.shape))
    spacing = " × ".join(f"{mm:.4g}" for mm in scan.spacing)
    parts = [
        html.headline(_headline(verdicts)),
        html.facts([("voxels (z, y, x)", size), ("spacing (z, y, x)", f"{spacing} mm"), *_protection(session)]),
        html.paragraph(f"{SIMULATED_ATTACK}: attacks were made on purpose, to show what becomes of them."),
        html.table(list(_TITLES.values()), [[_cell(row, name) for name in _TITLES] for row in as_rows(verdicts)]),
        html.paragraph(_EXPLANATION),
    ]
    attacked = {version: session.attacked(version) for version in _VERSIONS if session.volume(version) is not None}
    for number, verdict in enumerate(verdicts, start=1):
        progress(number - 1, len(verdicts))
        injection = verdict.injection
        z, y, x = injection.at
        parts.append(html.heading(f"{number}. {injection.action} at z {z}, y {y}, x {x}"))
        for version, volume in attacked.items():
            parts.append(_figure(session.required(version), injection.at, f"{version} scan"))
            parts.append(_figure(volume, injection.at, f"{SIMULATED_ATTACK} on the {version} scan"))
    progress(len(verdicts), max(len(verdicts), 1))
    if (found := session.examined) is not None:
        parts.append(html.heading("Evidence"))
        parts.append(html.headline(found.headline, alarm=found.state != "intact"))
        parts.append(html.bullets(found.sentences))
    return html.page(f"What became of the attacks on {scan.name}", parts)


def _headline(verdicts: Sequence[AttackVerdict]) -> str:
    compared = [verdict.disrupted for verdict in verdicts if verdict.disrupted is not None]
    if not compared:
        return f"{len(verdicts)} simulated attacks; there is no protected version to compare with."
    return f"{sum(compared)} of {len(compared)} simulated attacks are disrupted by the protection."


def _protection(session: Session) -> list[tuple[str, object]]:
    record = session.protection_record
    if record is None:
        return [("protection", "none")]
    return [("protection", record.get("method")), ("largest change", f"{record.get('max_change_hu')} HU")]


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row[name]
    if value is None:
        return UNKNOWN
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _figure(volume: CTVolume, at: Voxel, caption: str) -> str:
    """The axial slice around a voxel; black beyond the scan."""
    z, y, x = at
    _, dy, dx = volume.spacing
    rows, columns = (round(SIDE_MM / 2 / step) for step in (dy, dx))
    cut = np.full((2 * rows, 2 * columns), LUNG_WINDOW_HU[0])
    top, left = max(0, rows - y), max(0, columns - x)
    there = volume.hu[z, max(0, y - rows) : y + rows, max(0, x - columns) : x + columns]
    cut[top : top + there.shape[0], left : left + there.shape[1]] = there
    return html.figure(scaled(windowed(cut), (dy, dx), PIXELS), caption)
