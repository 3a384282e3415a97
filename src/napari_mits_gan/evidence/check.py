"""Checking a sealed scan: is it what was sealed, and if not, what was done to it?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence import findings as find
from napari_mits_gan.evidence import fountain
from napari_mits_gan.evidence.examine import UNPLACED, Examination, examine
from napari_mits_gan.evidence.find_seal import find_seal
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.mark.detect import examine_mark
from napari_mits_gan.evidence.mark.findings import mark_findings
from napari_mits_gan.evidence.slice_order import SliceOrder, slice_order
from napari_mits_gan.evidence.verdict import Finding, MarkReport, State, Verdict
from napari_mits_gan.progress import Progress, part_of, silent

_MOSTLY = 0.5
"""Share of the blocks from which on so much was changed that the mark is asked as well."""
_FINDING, _EXAMINING, _EXAMINING_AGAIN = 0.2, 0.9, 0.95
"""How far a check is when the seal is found, when all blocks were looked at, and when they were once more."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A check with all that healing needs of it."""

    verdict: Verdict
    seen: Examination | None = None
    order: SliceOrder | None = None


def verify(volume: CTVolume, key: SealKey, *, progress: Progress = silent) -> Verdict:
    """Check a scan against its seal; voxels and key suffice, no header is asked.

    Parameters
    ----------
    volume : CTVolume
        Any scan, in any container, turned or mirrored.
    key : SealKey
        The key that it was sealed with.
    progress : Progress
        Called with slices done and their number; may raise `Cancelled`.

    Returns
    -------
    Verdict
        Intact; tampered, with each finding in a sentence; or that no seal of this key was found.

    Examples
    --------
    >>> print(verify(read_ct("scans/chest"), read_key("hospital.key")).text())  # doctest: +SKIP
    """
    return check(volume, key, progress).verdict


def check(volume: CTVolume, key: SealKey, progress: Progress = silent) -> Checked:
    """Check a scan and keep what was seen."""
    found = find_seal(volume, key, progress=part_of(progress, 0, _FINDING))
    if found is None:
        nothing = Verdict(State.NO_SEAL, (find.no_seal_finding(volume),))
        return Checked(_with_mark(nothing, volume, key, part_of(progress, _FINDING, 1)))
    seen = examine(volume, found, key, part_of(progress, _FINDING, _EXAMINING))
    placed = seen.place[seen.place != UNPLACED]
    if len(placed) > 1 and np.count_nonzero(np.diff(placed) < 0) > (len(placed) - 1) / 2:
        reversed_ = found.orientation.with_reversed_slices()
        foreign = {len(found.values) - 1 - z: header for z, header in found.foreign.items()}
        found = replace(
            found,
            orientation=reversed_,
            values=found.values[::-1],
            agreement=found.agreement[::-1],
            foreign=foreign,
        )
        seen = examine(volume, found, key, part_of(progress, _EXAMINING, _EXAMINING_AGAIN))
    order = slice_order(seen.place.tolist(), seen.chosen(), found.header.shape[0])
    verdict = _verdict(volume, seen, order)
    if verdict.changed_blocks > _MOSTLY * verdict.blocks:
        verdict = _with_mark(verdict, volume, key, part_of(progress, _EXAMINING_AGAIN, 1))
    progress(1000, 1000)
    return Checked(verdict, seen, order)


def _with_mark(verdict: Verdict, volume: CTVolume, key: SealKey, progress: Progress) -> Verdict:
    """The verdict with what the mark says, of a scan of which the seal says little."""
    seen = examine_mark(volume, key, progress)
    if seen is None:
        return replace(verdict, mark=MarkReport(False), notes=(*verdict.notes, "No mark of this key was found either."))
    missing = tuple(mark_findings(volume, seen))
    places = sum(f.box is not None for f in missing)
    report = MarkReport(True, places, round(seen.found.sureness, 1))
    return replace(verdict, findings=(*verdict.findings, *missing), mark=report)


def _verdict(volume: CTVolume, seen: Examination, order: SliceOrder) -> Verdict:
    bad = find.bad_blocks(seen)
    geometry, notes = find.geometry_findings(volume, seen, order)
    found: list[Finding] = [
        *find.cut_findings(seen),
        *find.slice_findings(seen, order),
        *find.block_findings(seen, bad),
        *geometry,
        *find.index_findings(seen),
    ]
    left = copy_left(seen)
    copy_bytes = seen.index.copy_bytes if seen.index is not None else 0
    if seen.index is not None and not copy_bytes:
        notes.append("This seal is for detection only: it carries no copy to heal the scan from.")

    def mask() -> NDArray[np.bool_]:
        return find.changed_voxels(seen, bad, volume.shape)

    return Verdict(
        State.TAMPERED if found else State.INTACT,
        tuple(found),
        tuple(notes),
        seen.found.header.rule.bits,
        int(np.count_nonzero(seen.judged)),
        int(np.count_nonzero(bad)),
        left >= 1,
        copy_bytes,
        left,
        _mask=mask,
    )


def copy_left(seen: Examination) -> float:
    """Symbols of the copy that are left, as a multiple of what healing needs; 0 where there is no copy."""
    if seen.index is None or not seen.index.copy_bytes:
        return 0.0
    reader, header = seen.reader, seen.found.header
    there = 0
    for z, number in seen.chosen().items():
        rows = np.flatnonzero(seen.good[number] & (reader.slots.numbers[z] >= header.index_blocks))
        there += int(seen.held[number, rows].sum())
    return there / fountain.symbols_needed(seen.index.copy_bytes, reader.layout.symbol_bytes)
