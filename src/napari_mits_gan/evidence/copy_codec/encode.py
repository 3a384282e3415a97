"""From a scan to the bytes of its recovery copy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import container, region_grid
from napari_mits_gan.evidence.copy_codec.plan import Plan
from napari_mits_gan.evidence.copy_codec.rate import fit_into
from napari_mits_gan.evidence.copy_codec.side_by_side import side_by_side
from napari_mits_gan.evidence.copy_codec.slab import Slab, pack_bytes
from napari_mits_gan.evidence.copy_codec.wavelet import forward
from napari_mits_gan.progress import Progress, silent

_GRID_SHARE = 0.02
"""Share of the budget that the region map may take before a coarser one is chosen."""


def encode_copy(
    hu: NDArray[np.int16], regions: NDArray[np.uint8], max_bytes: int, progress: Progress = silent
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
    box = _box(regions)
    fineness, grid = _grid(regions[box], max_bytes)
    slabs = _slabs(hu[box], regions[box], grid, fineness, container.plan_of(box))
    contents = container.Contents(
        shape=(hu.shape[0], hu.shape[1], hu.shape[2]),
        box=box,
        fill=_fill(hu, regions, box),
        fineness=fineness,
        grid=grid,
    )
    return fit_into(contents, slabs, max_bytes, progress)


def _box(regions: NDArray[np.uint8]) -> container.Box:
    """The smallest box with everything that is not air; empty where all is."""
    inside = [np.flatnonzero(regions.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    z, y, x = (slice(int(i[0]), int(i[-1]) + 1) if len(i) else slice(0, 0) for i in inside)
    return z, y, x


def _fill(hu: NDArray[np.int16], regions: NDArray[np.uint8], box: container.Box) -> int:
    """The median outside the box, or of what air there is."""
    outside = np.ones(hu.shape, bool)
    outside[box] = False
    values = hu[outside] if outside.any() else hu[regions == region_grid.AIR]
    return int(np.median(values)) if len(values) else 0


def _grid(regions: NDArray[np.uint8], max_bytes: int) -> tuple[int, region_grid.Grid]:
    """The finest region map that takes little of the budget."""
    for fineness in range(region_grid.GRIDS):
        grid = region_grid.grid_of(regions, fineness)
        if len(pack_bytes(region_grid.pack(grid))) <= _GRID_SHARE * max_bytes:
            break
    return fineness, grid


def _slabs(
    hu: NDArray[np.int16],
    regions: NDArray[np.uint8],
    grid: region_grid.Grid,
    fineness: int,
    plan: Plan,
) -> list[Slab]:
    """Every slab's coefficients. Air is kept within the range of the body, so that padding makes no edges."""
    if not hu.size:
        return []
    body = hu[regions != region_grid.AIR]
    low, high = body.min(), body.max()

    def one(place: slice) -> Slab:
        air = regions[place] == region_grid.AIR
        voxels = np.where(air, np.clip(hu[place], low, high), hu[place]).astype(np.float32, copy=False)
        return Slab(plan.bands(place), forward(voxels, plan.levels), plan.regions(grid, fineness, place))

    return side_by_side(one, plan.slabs)
