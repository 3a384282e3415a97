"""A session as one HTML page with pictures: what was attacked, what the protection did to it, what a check found."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_mits_gan.ct.constants import LUNG_WINDOW_HU, SIMULATED_ATTACK
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.attack_verdicts import as_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
_STYLE = """
body { font-family: sans-serif; margin: 2em auto; max-width: 1100px; color: #222; }
table { border-collapse: collapse; } th, td { border: 1px solid #bbb; padding: 3px 8px; text-align: right; }
figure { display: inline-block; margin: 6px 12px 6px 0; } figcaption { font-size: 85%; } .attack { color: #a33a2c; }
"""


def html_report(session: Session, verdicts: Sequence[AttackVerdict], progress: Progress = silent) -> str:
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
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>MITS-GAN session</title>",
        f"<style>{_STYLE}</style></head><body><h1>What became of the attacks on {escape(scan.name)}</h1>",
        f"<p>{' × '.join(map(str, scan.shape))} voxels (z, y, x) of "
        f"{' × '.join(f'{s:.4g}' for s in scan.spacing)} mm. {escape(_protection(session))} "
        "The attacks are simulated; research software, not for clinical use.</p>",
        _table(as_rows(verdicts)),
        "<p>Detector: a score from 0 to 1. Deviation: mean squared difference of what is painted into either version, "
        "in normalised units, each attack on its own; it counts as disrupted from 0.0125 on. Core: mean HU of the "
        "middle 10 mm after the attack.</p>",
    ]
    attacked = {version: session.attacked(version) for version in _VERSIONS if session.volume(version) is not None}
    for number, verdict in enumerate(verdicts, start=1):
        progress(number - 1, len(verdicts))
        at = verdict.injection.at
        parts.append(f"<h2>{number}. {escape(verdict.injection.action)} at z {at[0]}, y {at[1]}, x {at[2]}</h2>")
        for version, volume in attacked.items():
            parts.append(_figure(session.required(version), at, f"{version} scan", is_attack=False))
            parts.append(_figure(volume, at, f"{SIMULATED_ATTACK} on the {version} scan", is_attack=True))
    progress(len(verdicts), max(len(verdicts), 1))
    if (found := session.examined) is not None:
        parts.append(f"<h2>Evidence</h2><p>{escape(found.headline)}</p><ul>")
        parts += [f"<li>{escape(finding.sentence)}</li>" for finding in found.verdict.findings]
        parts.append("</ul>")
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _protection(session: Session) -> str:
    record = session.protection_record
    if record is None:
        return "It is not protected."
    return f"Protected by {record.get('method')}, no voxel changed by more than {record.get('max_change_hu')} HU."


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in _TITLES.values())
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_cell(row[name]))}</td>" for name in _TITLES) + "</tr>" for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return UNKNOWN
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _figure(volume: CTVolume, at: Voxel, caption: str, *, is_attack: bool) -> str:
    data = base64.b64encode(_png(volume, at)).decode("ascii")
    kind = " class='attack'" if is_attack else ""
    text = escape(caption)
    return (
        f"<figure><img src='data:image/png;base64,{data}' width='{PIXELS}' height='{PIXELS}' alt='{text}'>"
        f"<figcaption{kind}>{text}</figcaption></figure>"
    )


def _png(volume: CTVolume, at: Voxel) -> bytes:
    """The axial slice around a voxel in the lung window; black beyond the scan."""
    z, y, x = at
    _, dy, dx = volume.spacing
    low, high = LUNG_WINDOW_HU
    rows, columns = (round(SIDE_MM / 2 / step) for step in (dy, dx))
    cut: NDArray[np.float64] = np.full((2 * rows, 2 * columns), low)
    top, left = max(0, rows - y), max(0, columns - x)
    there = volume.hu[z, max(0, y - rows) : y + rows, max(0, x - columns) : x + columns]
    cut[top : top + there.shape[0], left : left + there.shape[1]] = there
    grey = np.clip((cut - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grey).resize((PIXELS, PIXELS), Image.Resampling.BICUBIC).save(stream, format="PNG")
    return stream.getvalue()
