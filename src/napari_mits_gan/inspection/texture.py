"""The texture of a scan's noise, block by block, against that of the scan's other lung at the same depth.

The noise of a scanner looks alike all over the lungs: each spatial frequency has its share, and slices resemble their
neighbours as far as they overlap. What was painted, smoothed, resampled or pasted has another mixture. Natural
photographs are told from painted ones the same way, by the statistics of residuals (Fridrich, Kodovský, 'Rich models
for steganalysis of digital images', IEEE Trans. Inf. Forensics Secur. 7:868, 2012).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from napari_mits_gan.inspection.blocks import BLOCK, block_mean
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.progress import Progress, silent

FREQUENCIES = BLOCK * BLOCK
FEATURES = 2 * FREQUENCIES + 3
"""For each frequency its power and how it goes on in the next slice; how peaked the noise is; its level, twice."""
_POOL_MM, _NARROW_MM = 3.5, 2.0
"""Standard deviations of the Gaussians that these are measured under."""
_MARGIN_MM = 5.0
"""Not looked at where the scan ends: beyond, the residual is not that of a scanner."""
_SLAB_MM = 15.0
"""The usual texture is that of the slices within this distance."""
_FEWEST_BLOCKS, _MOST_BLOCKS = 50, 4000
"""Less lung at a depth is not looked at; of more, some is enough to know the usual texture."""
_FURTHEST = 12.0
"""Features are cut off this many standard deviations away."""
_LEAST_HU = -960.0
"""Mean of a block: air is often cut off at the least HU that a scan stores, and has no noise."""


@dataclass(frozen=True, eq=False)
class Texture:
    """The texture of the lungs of a scan.

    Parameters
    ----------
    inside : ndarray of bool, shape (z, rows, columns)
        Blocks that lie in lung.
    features : ndarray of float32, shape (n, FEATURES)
        Of these n blocks, in standard deviations over the scan's lungs from the median at the same depth.
    """

    inside: NDArray[np.bool_]
    features: NDArray[np.float32]


def texture(scan: ExaminedScan, *, progress: Progress = silent) -> Texture:
    """Measure the texture of the noise in a scan's lungs."""
    inside = (block_mean(scan.lungs.view(np.uint8)) > 0.99) & (block_mean(scan.hu) > _LEAST_HU)
    for axis, (n, mm) in enumerate(zip(inside.shape, scan.spacing, strict=True)):
        margin = 1 + round(_MARGIN_MM / mm / (1 if axis == 0 else BLOCK))
        np.moveaxis(inside, axis, 0)[[*range(min(margin, n)), *range(max(0, n - margin), n)]] = False
    found = np.empty((np.count_nonzero(inside), FEATURES), dtype=np.float32)
    for number, coefficient in enumerate(_coefficients(scan.residual)):
        progress(number, FREQUENCIES)
        next_slice = np.concatenate([coefficient[1:], coefficient[-2:-1]])
        next_slice *= coefficient
        np.square(coefficient, out=coefficient)
        power = scan.smoothed(coefficient, _POOL_MM)[inside]
        found[:, number] = np.log(power + 1e-3)
        found[:, FREQUENCIES + number] = scan.smoothed(next_slice, _POOL_MM)[inside] / (power + 1e-2)
    size = np.concatenate([block_mean(np.abs(slice_)[None]) for slice_ in scan.residual])
    found[:, -3] = scan.smoothed(size, _POOL_MM)[inside]
    for place, sigma_mm in ((-2, _NARROW_MM), (-1, _POOL_MM)):
        found[:, place] = 0.5 * np.log(scan.smoothed(scan.power, sigma_mm)[inside] + 1e-4)
    inside, found = _against_depth(scan, inside, found)
    progress(FREQUENCIES, FREQUENCIES)
    return Texture(inside, found)


def _coefficients(residual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Discrete cosine transform of each block; shape (FREQUENCIES, z, rows, columns)."""
    depth, *size = residual.shape
    rows, columns = (-(-n // BLOCK) for n in size)
    along = fft.dct(np.eye(BLOCK), axis=0, norm="ortho")
    both = np.kron(along, along).astype(np.float32)
    out = np.empty((FREQUENCIES, depth, rows * columns), dtype=np.float32)
    whole = np.zeros((rows * BLOCK, columns * BLOCK), dtype=np.float32)
    for z, slice_ in enumerate(residual):
        whole[: size[0], : size[1]] = slice_
        blocks = whole.reshape(rows, BLOCK, columns, BLOCK).transpose(1, 3, 0, 2).reshape(FREQUENCIES, -1)
        out[:, z] = both @ blocks
    return out.reshape(FREQUENCIES, depth, rows, columns)


def _against_depth(
    scan: ExaminedScan, inside: NDArray[np.bool_], values: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """The values less their median in the slices around, over their spread; and of which blocks they are."""
    ends = np.concatenate([[0], np.cumsum(inside.sum(axis=(1, 2)))])
    kept = inside.copy()
    for z, usual in enumerate(_medians(scan, values, ends)):
        if usual is None:
            kept[z] = False
        else:
            values[ends[z] : ends[z + 1]] -= usual
    values = values[kept[inside]]
    if len(values):
        values /= 1.4826 * np.median(np.abs(values[:: max(1, len(values) // 50_000)]), axis=0) + 1e-6
    np.clip(values, -_FURTHEST, _FURTHEST, out=values)
    return kept, values


def _medians(
    scan: ExaminedScan, values: NDArray[np.float32], ends: NDArray[np.int64]
) -> list[NDArray[np.float32] | None]:
    found: list[NDArray[np.float32] | None] = []
    for z in range(len(ends) - 1):
        around = scan.depth(z, _SLAB_MM)
        some = values[ends[around.start] : ends[min(around.stop, len(ends) - 1)]]
        few = len(some) < _FEWEST_BLOCKS or ends[z] == ends[z + 1]
        found.append(None if few else np.median(some[:: max(1, len(some) // _MOST_BLOCKS)], axis=0))
    return found
