"""What a check found, as a page to read: each finding with the slice it lies in, what was there, and the difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import SIMULATED_ATTACK
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.recover import Recovery
from napari_mits_gan.evidence.verdict import Box, Verdict
from napari_mits_gan.pages import page as html
from napari_mits_gan.pages.picture import diverging, outlined, scaled, windowed

MOST_PICTURED = 20
"""Findings that are shown in pictures; all are told in words."""
_SLICE_PIXELS, _CLOSE_UP_PIXELS = 420, 300
_CLOSE_UP_MM = 64.0
_DIFFERENCE_HU = 400.0


def report_page(
    volume: CTVolume,
    verdict: Verdict,
    recovery: Recovery | None = None,
    *,
    manifest: Sequence[str] | None = None,
) -> str:
    """The report as an HTML page that needs nothing but itself; it names no patient.

    Parameters
    ----------
    volume : CTVolume
        The scan that was checked.
    verdict : Verdict
        What the check found in it.
    recovery : Recovery or None
        The healed scan, where there is one: what was there is shown beside what is.
    manifest : sequence of str or None
        What the check of the manifest found; None where there was none.
    """
    alarm = not verdict.is_intact or bool(manifest)
    parts = [html.headline(verdict.headline, alarm=alarm)]
    if volume.is_tampered:
        parts.append(
            html.paragraph(f"{SIMULATED_ATTACK}: this scan was changed on purpose, to show what the check finds.")
        )
    size = " × ".join(map(str, volume.shape))
    spacing = " × ".join(f"{mm:g}" for mm in volume.spacing)
    parts.append(html.facts(_facts(verdict, size, spacing)))
    if verdict.notes:
        parts.append(html.bullets(verdict.notes))
    parts += _manifest(manifest)
    if verdict.findings:
        parts.append(html.heading(f"Findings ({len(verdict.findings)})"))
        parts.append(
            html.paragraph("Slices, rows and columns are counted from 0; pictures are axial, in the lung window.")
        )
        parts += _findings(volume, verdict, _comparable(volume, recovery))
    return html.page("Check of a sealed scan", parts)


def _facts(verdict: Verdict, size: str, spacing: str) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = [("voxels (z, y, x)", size), ("spacing (z, y, x)", f"{spacing} mm")]
    if verdict.bits:
        found += [
            ("seal", "in the lowest bit" if verdict.bits == 1 else f"in the lowest {verdict.bits} bits"),
            ("blocks not as sealed", f"{verdict.changed_blocks} of {verdict.blocks}"),
            ("can be healed", "yes" if verdict.can_be_healed else "no"),
        ]
    return found


def _manifest(found: Sequence[str] | None) -> list[str]:
    if found is None:
        none = "None beside the scan, so a whole series replaced by another sealed one would not be seen."
        return [html.heading("Manifest"), html.paragraph(none)]
    return [html.heading("Manifest"), html.bullets(found) if found else html.paragraph("As it was signed.")]


def _comparable(volume: CTVolume, recovery: Recovery | None) -> Recovery | None:
    """The recovery, if its slices are those of the scan, in the same order and lying the same way."""
    if recovery is None or recovery.volume.shape != volume.shape:
        return None
    return recovery if np.array_equal(recovery.tampered_hu, volume.hu) else None


def _findings(volume: CTVolume, verdict: Verdict, recovery: Recovery | None) -> list[str]:
    parts, pictured = [], 0
    changed = verdict.changed_voxels() if verdict.bits else np.zeros(volume.shape, bool)
    for number, finding in enumerate(verdict.findings, 1):
        parts.append(html.heading(f"{number}. {finding.kind.value}"))
        parts.append(html.paragraph(finding.sentence))
        if finding.box is not None and pictured < MOST_PICTURED:
            parts += _pictures(volume, finding.box, changed, recovery)
            pictured += 1
    left = sum(finding.box is not None for finding in verdict.findings) - pictured
    if left > 0:
        parts.append(html.paragraph(f"{left} more findings are told without a picture."))
    return parts


def _pictures(volume: CTVolume, box: Box, changed: NDArray[np.bool_], recovery: Recovery | None) -> list[str]:
    z = _slice_to_show(changed, box, recovery)
    pixel_mm = volume.spacing[1], volume.spacing[2]
    whole = outlined(windowed(volume.hu[z]), changed[z])
    parts = [html.figure(scaled(whole, pixel_mm, _SLICE_PIXELS), f"Slice {z}; outlined: not as sealed")]
    near = _around(box, volume)

    def close_up(picture: NDArray[np.uint8], caption: str) -> str:
        return html.figure(scaled(picture[near], pixel_mm, _CLOSE_UP_PIXELS), caption)

    parts.append(close_up(windowed(volume.hu[z]), "As it is now"))
    if recovery is not None:
        difference = recovery.difference_hu[z]
        parts.append(close_up(windowed(recovery.volume.hu[z]), "Healed: what was sealed"))
        legend = f"Now minus healed; full colour at {_DIFFERENCE_HU:g} HU"
        parts.append(close_up(diverging(difference, _DIFFERENCE_HU), legend))
    return parts


def _slice_to_show(changed: NDArray[np.bool_], box: Box, recovery: Recovery | None) -> int:
    """The slice of the box that was changed most in HU; where that is not known, the middle one of those changed."""
    (z0, z1), rows, columns = box
    within = slice(z0, z1), slice(*rows), slice(*columns)
    if recovery is not None:
        difference = np.subtract(recovery.tampered_hu[within], recovery.volume.hu[within], dtype=np.float32)
        return z0 + int(np.argmax(np.abs(difference).sum(axis=(1, 2))))
    slices = np.flatnonzero(changed[within].any(axis=(1, 2)))
    return z0 + (int(slices[slices.size // 2]) if slices.size else (z1 - z0) // 2)


def _around(box: Box, volume: CTVolume) -> tuple[slice, slice]:
    """Rows and columns of the box and what lies around it, 64 mm at least."""
    found = []
    for (low, high), size, mm in zip(box[1:], volume.shape[1:], volume.spacing[1:], strict=True):
        wanted = min(size, max(round(_CLOSE_UP_MM / mm), round(1.25 * (high - low))))
        first = min(max(0, (low + high - wanted) // 2), size - wanted)
        found.append(slice(first, first + wanted))
    return found[0], found[1]
