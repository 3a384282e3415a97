"""Healing a tampered scan from the copy that its seal carries."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.evidence import fountain
from napari_mits_gan.evidence.check import check
from napari_mits_gan.evidence.copy_object import unpack_copy
from napari_mits_gan.evidence.encrypted import decrypt
from napari_mits_gan.evidence.examine import Examination
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.lattice import SealError
from napari_mits_gan.evidence.layout import SIDE
from napari_mits_gan.evidence.verdict import Kind, Verdict
from napari_mits_gan.progress import Progress, part_of, silent

_CHECK_SHARE = 0.15
"""Of the time that healing takes."""


@dataclass(frozen=True, eq=False)
class Recovery:
    """A healed scan.

    Parameters
    ----------
    volume : CTVolume
        The scan as it was sealed, lying as it did then: authentic blocks to the bit, the others from the copy.
    healed : ndarray of bool, shape (z, y, x)
        Voxels of `volume` that come from the copy.
    tampered_hu : ndarray of int16, shape (z, y, x)
        What was there before, slice by slice in the order of `volume`; the healed HU in slices that were missing.
    verdict : Verdict
        What the check found.
    """

    volume: CTVolume
    healed: NDArray[np.bool_]
    tampered_hu: NDArray[np.int16]
    verdict: Verdict

    @property
    def difference_hu(self) -> NDArray[np.int32]:
        """The tampered scan less the healed one, shape (z, y, x); 0 where nothing was healed; made anew each time."""
        return np.subtract(self.tampered_hu, self.volume.hu, dtype=np.int32)


def recover(volume: CTVolume, key: SealKey, *, progress: Progress = silent) -> Recovery:
    """Heal a tampered scan.

    Parameters
    ----------
    volume : CTVolume
        A sealed scan, tampered with or not.
    key : SealKey
        The key that it was sealed with.
    progress : Progress
        Called with the steps done and their number; may raise `Cancelled`.

    Returns
    -------
    Recovery
        Slices are in the order in which they were sealed: moved ones put back, doubled and added ones dropped, missing
        ones made from the copy.

    Raises
    ------
    SealError
        If there is no seal of this key, it carries no copy, or too much of the scan was changed.
    """
    checked = check(volume, key, part_of(progress, 0, _CHECK_SHARE))
    verdict, seen, order = checked.verdict, checked.seen, checked.order
    if seen is None or order is None:
        raise SealError(verdict.findings[0].sentence)
    header = seen.found.header
    values = np.zeros(header.shape, np.int16)
    bad = np.ones(header.shape, bool)
    for z, number in seen.chosen().items():
        progress(round(1000 * _CHECK_SHARE), 1000)
        values[z] = _fitted(seen.slice_values(number), header.shape[1:])
        bad[z] = _voxels(~seen.good[number], seen)
    for number, z in order.replaced.items():
        values[z] = _fitted(seen.slice_values(number), header.shape[1:])
    current = seen.found.lattice.hu(values)
    hu = current.copy()
    if bad.any():
        copy = _copy(seen, part_of(progress, _CHECK_SHARE, 1))
        np.copyto(hu, copy, where=bad)
        del copy
    missing = sorted(set(range(header.shape[0])) - {*seen.chosen(), *order.replaced.values()})
    current[missing] = hu[missing]
    progress(1000, 1000)
    return Recovery(_volume(volume, hu, bad, seen, verdict), bad, current, verdict)


def _copy(seen: Examination, progress: Progress) -> NDArray[np.int16]:
    """The scan's copy, in HU."""
    index, reader, header = seen.index, seen.reader, seen.found.header
    if index is None:
        raise SealError("So much of this scan was changed that not even the seal's index is left; it cannot be healed.")
    if not index.copy_bytes:
        raise SealError("This scan was sealed for detection only: it carries no copy to heal it from.")
    numbers, symbols = [], []
    chosen = seen.chosen()
    for done, (z, number) in enumerate(chosen.items()):
        here = reader.read(seen.slice_values(number))
        rows = np.flatnonzero(seen.good[number] & (reader.slots.numbers[z] >= header.index_blocks))
        which, what = here.symbols(rows, z)
        numbers.append(which)
        symbols.append(what)
        progress(done * 1000 // (4 * len(chosen)), 1000)
    first = header.index_blocks * reader.layout.slots
    try:
        data = fountain.decode(
            index.copy_bytes,
            reader.layout.symbol_bytes,
            np.concatenate(numbers) - first,
            np.concatenate(symbols),
            part_of(progress, 0.25, 0.5),
        )
    except fountain.NotEnoughSymbolsError:
        raise SealError(
            "Too much of this scan was changed to heal it: less of the copy is left than is needed to read it."
        ) from None
    plain = decrypt(data, reader.keys.copy)
    copy, filler = unpack_copy(plain, header.shape, part_of(progress, 0.5, 1))
    if filler is not None:
        copy[filler] = header.lattice.hu(np.array([index.filler], np.int16))[0]
    return copy


def _fitted(values: NDArray[np.int16], size: tuple[int, ...]) -> NDArray[np.int16]:
    if values.shape == size:
        return values
    out = np.zeros(size, np.int16)
    ny, nx = (min(a, b) for a, b in zip(values.shape, size, strict=True))
    out[:ny, :nx] = values[:ny, :nx]
    return out


def _voxels(blocks: NDArray[np.bool_], seen: Examination) -> NDArray[np.bool_]:
    grid = seen.reader.grid
    wide = blocks.reshape(grid.rows, grid.columns).repeat(SIDE, axis=0).repeat(SIDE, axis=1)
    return wide[: grid.shape[1], : grid.shape[2]]


def _volume(
    volume: CTVolume, hu: NDArray[np.int16], healed: NDArray[np.bool_], seen: Examination, verdict: Verdict
) -> CTVolume:
    geometry = seen.index.geometry if seen.index is not None else None
    lies_same = seen.found.orientation.is_same and volume.shape == hu.shape
    edited = any(f.kind in (Kind.GEOMETRY, Kind.TURNED) for f in verdict.findings)
    padding = None
    if seen.index is not None and volume.padding is not None:
        filler = seen.found.lattice.hu(np.array([seen.index.filler], np.int16))[0]
        padding = np.asarray(hu == filler)
    step = Step("recovery", {"healed_voxels": int(healed.sum())})
    changed = replace(
        volume,
        hu=hu,
        padding=padding if padding is not None and padding.any() else None,
        source=volume.source if lies_same and not edited else None,
        history=(*volume.history, step),
    )
    if geometry is None:
        return changed
    return replace(
        changed,
        spacing=geometry.spacing,
        origin=geometry.origin,
        direction=geometry.direction,
    )
