"""From a scan to the bytes of its recovery copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import container, region_grid
from napari_mits_gan.evidence.copy_codec.rate import fit_into
from napari_mits_gan.evidence.copy_codec.side_information import pack_bytes
from napari_mits_gan.evidence.copy_codec.slab import Slab
from napari_mits_gan.evidence.copy_codec.wavelet import Array, forward
from napari_mits_gan.evidence.side_by_side import side_by_side
from napari_mits_gan.progress import Progress, part_of, silent

_GRID_SHARE = 0.02
"""Share of the budget that the region map may take before a coarser one is chosen."""
_TRANSFORM_SHARE = 0.25
"""Of the time that encoding takes."""


def encode_copy(
    hu: NDArray[np.int16],
    regions: NDArray[np.uint8],
    max_bytes: int,
    progress: Progress = silent,
    known: NDArray[np.bool_] | None = None,
) -> bytes:
    """Encode a scan as well as fits into a budget.

    Parameters
    ----------
    hu : ndarray of int16, shape (z, y, x)
        The scan.
    regions : ndarray of uint8, shape (z, y, x)
        0: air outside the body, or padding (no promise made); 1: body; 2: lungs and their surroundings (finest).
    max_bytes : int
        The copy is never longer, and seldom much shorter.
    progress : Progress
        Told how far the work is; may raise to stop.
    known : ndarray of bool, shape (z, y, x), or None
        Voxels that the reader knows from elsewhere: the copy makes them what spends the fewest bytes.

    Returns
    -------
    bytes
        For `decode_copy`. The same for the same scan and budget.

    Raises
    ------
    EvidenceError
        Where not even the coarsest copy fits, or the scan has a side of more than 65535 voxels.
    """
    if hu.ndim != 3 or hu.shape != regions.shape or 0 in hu.shape or max(hu.shape) > container.LARGEST_SIDE:
        raise EvidenceError(f"no recovery copy can be made of a scan of shape {hu.shape}: 1 to 65535 voxels a side")
    progress(0, 1)
    box = _box(regions)
    fill = _fill(hu, regions, known)
    progress(0, 1)
    fineness, grid = _grid(regions[box], max_bytes)
    progress(0, 1)
    plan = container.plan_of(box)
    parts = _Parts(hu[box], regions[box], None if known is None else known[box], fill)

    def one(place: slice) -> Slab:
        coefficients = forward(parts.voxels(place), plan.levels)
        return Slab.weighted(plan.bands(place), coefficients, plan.regions(grid, fineness, place))

    slabs = side_by_side(one, plan.slabs if 0 not in plan.shape else [], part_of(progress, 0, _TRANSFORM_SHARE))
    contents = container.Contents(
        shape=(hu.shape[0], hu.shape[1], hu.shape[2]),
        box=box,
        fill=fill,
        fineness=fineness,
        grid=grid,
    )
    return fit_into(contents, slabs, max_bytes, part_of(progress, _TRANSFORM_SHARE, 1))


def _box(regions: NDArray[np.uint8]) -> container.Box:
    """The smallest box with everything that is not air; empty where all is."""
    inside = [np.flatnonzero(regions.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    z, y, x = (slice(int(i[0]), int(i[-1]) + 1) if len(i) else slice(0, 0) for i in inside)
    return z, y, x


def _fill(hu: NDArray[np.int16], regions: NDArray[np.uint8], known: NDArray[np.bool_] | None) -> int:
    """The median of the air, in every fourth slice; 0 where there is none."""
    air = regions[::4] == region_grid.AIR
    if known is not None:
        air &= ~known[::4]
    values = hu[::4][air]
    return int(np.median(values)) if len(values) else 0


def _grid(regions: NDArray[np.uint8], max_bytes: int) -> tuple[int, region_grid.Grid]:
    """The finest region map that takes little of the budget."""
    for fineness in range(region_grid.GRIDS):
        grid = region_grid.grid_of(regions, fineness)
        if len(pack_bytes(region_grid.pack(grid))) <= _GRID_SHARE * max_bytes:
            break
    return fineness, grid


class _Parts:
    """Voxels to be transformed: air within the range of the body, known voxels like air, so that neither makes edges.

    Parameters
    ----------
    hu, regions, known
        As `encode_copy` has them, of the box.
    fill : int
        HU of the air.
    """

    def __init__(
        self, hu: NDArray[np.int16], regions: NDArray[np.uint8], known: NDArray[np.bool_] | None, fill: int
    ) -> None:
        self._hu, self._regions, self._known, self._fill = hu, regions, known, np.int16(fill)
        self._low, self._high = np.int16(32767), np.int16(-32768)
        for z in range(len(hu)):  # slice by slice, so that no copy of the scan is made
            body = regions[z] != region_grid.AIR
            if known is not None:
                body &= ~known[z]
            self._low = min(self._low, np.where(body, hu[z], np.int16(32767)).min(initial=32767))
            self._high = max(self._high, np.where(body, hu[z], np.int16(-32768)).max(initial=-32768))

    def voxels(self, place: slice) -> Array:
        """The voxels of one slab."""
        out = np.empty((place.stop - place.start, *self._hu.shape[1:]), np.float32)
        for i, z in enumerate(range(place.start, place.stop)):
            values = self._hu[z]
            if self._known is not None:
                values = np.where(self._known[z], self._fill, values)
            if self._low <= self._high:
                air = self._regions[z] == region_grid.AIR
                values = np.where(air, np.clip(values, self._low, self._high), values)
            out[i] = values
        return out
