"""Where slabs begin and end, and the bands they have: the same for encoder and decoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from napari_mits_gan.evidence.copy_codec.region_grid import Grid, cell_slices, region_of_coefficients
from napari_mits_gan.evidence.copy_codec.wavelet import Band, Levels, bands_of

_SLAB = 48
"""Slices transformed together, about: bounds memory, and slabs are coded side by side."""
_ALIGNED = 8


@dataclass(frozen=True)
class Plan:
    """How a box of this shape (z, y, x) is cut into slabs."""

    shape: tuple[int, int, int]

    @property
    def slabs(self) -> list[slice]:
        """The slices of each slab; all begin at a multiple of 8."""
        n = max(1, round(self.shape[0] / _SLAB))
        starts = [self.shape[0] * i // n // _ALIGNED * _ALIGNED for i in range(n)] + [self.shape[0]]
        return [slice(a, b) for a, b in pairwise(starts)]

    @property
    def levels(self) -> Levels:
        """Those that the smallest slab allows."""
        return Levels.of((min(s.stop - s.start for s in self.slabs), *self.shape[1:]))

    def bands(self, slab: slice) -> list[Band]:
        """The bands of one slab."""
        return bands_of((slab.stop - slab.start, *self.shape[1:]), self.levels)

    def regions(self, grid: Grid, fineness: int, slab: slice) -> Callable[[int], Grid]:
        """Tells the region of each coefficient of a band of one slab; `grid` covers the whole box."""
        slices = cell_slices(fineness)
        part = grid[slab.start // slices : -(-slab.stop // slices)]
        bands = self.bands(slab)
        return lambda number: region_of_coefficients(part, fineness, bands[number])
