"""A grid in mm on which tissues are painted, with partial volume at their edges."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

Field = NDArray[np.float32]
"""One number for each voxel, shape (z, y, x) or broadcast to it."""

FAR_MM = 30.0
"""Distances are only known near a surface; further away they are at least this."""


@dataclass(frozen=True)
class Grid:
    """Voxels in millimetres: x to the patient's left, y to the back, z to the head; x = y = 0 in the middle.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along (z, y, x).
    spacing : tuple of float
        Their distance along (z, y, x) in mm.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    z: Field = field(init=False)
    y: Field = field(init=False)
    x: Field = field(init=False)

    def __post_init__(self) -> None:
        (nz, ny, nx), (sz, sy, sx) = self.shape, self.spacing
        object.__setattr__(self, "z", (np.arange(nz, dtype=np.float32) * sz)[:, None, None])
        object.__setattr__(self, "y", ((np.arange(ny, dtype=np.float32) - (ny - 1) / 2) * sy)[None, :, None])
        object.__setattr__(self, "x", ((np.arange(nx, dtype=np.float32) - (nx - 1) / 2) * sx)[None, None, :])

    @property
    def edge_mm(self) -> float:
        """Over how many mm a surface fades from one tissue into the next."""
        return 1.2 * self.spacing[2]

    def voxel(self, place_mm: ArrayLike) -> NDArray[np.float64]:
        """Voxel (z, y, x), not rounded, of places (z, y, x) in mm, shape (..., 3)."""
        first = np.array([self.z[0, 0, 0], self.y[0, 0, 0], self.x[0, 0, 0]], dtype=float)
        return (np.asarray(place_mm, dtype=float) - first) / np.asarray(self.spacing)

    def place(self, voxel: ArrayLike) -> NDArray[np.float64]:
        """Place (z, y, x) in mm of voxels (z, y, x), shape (..., 3)."""
        first = np.array([self.z[0, 0, 0], self.y[0, 0, 0], self.x[0, 0, 0]], dtype=float)
        return np.asarray(voxel, dtype=float) * np.asarray(self.spacing) + first

    def box(self, low_mm: ArrayLike, high_mm: ArrayLike) -> tuple[slice, slice, slice]:
        """The voxels between two corners (z, y, x) in mm, cut at the grid's border."""
        low = np.maximum(np.floor(self.voxel(low_mm)).astype(int), 0)
        high = np.minimum(np.ceil(self.voxel(high_mm)).astype(int) + 1, self.shape)
        z, y, x = (slice(int(a), max(int(a), int(b))) for a, b in zip(low, high, strict=True))
        return z, y, x

    def inside(self, distance: Field) -> Field:
        """Share of each voxel inside a surface, 0 to 1, from the signed distance to it in mm (negative inside)."""
        return np.clip(0.5 - distance / self.edge_mm, 0.0, 1.0)


def paint(hu: Field, coverage: Field, tissue_hu: float | Field) -> None:
    """Replace, in place, the share `coverage` (0 to 1) of each voxel by a tissue of `tissue_hu`."""
    hu += coverage * (tissue_hu - hu)


def ellipse(u: Field, v: Field, a: Field | float, b: Field | float, power: float = 2.0) -> Field:
    """Radial distance in mm to a (super-)ellipse with half axes `a` and `b`, negative inside."""
    length = np.hypot(u, v)
    ratio = (np.abs(u / a) ** power + np.abs(v / b) ** power) ** (1 / power)
    return (length * (1 - 1 / np.maximum(ratio, 1e-3))).astype(np.float32)


def ellipsoid(
    grid: Grid, centre: tuple[float, float, float], half_axes: tuple[float, float, float], turn_deg: float = 0.0
) -> Field:
    """Distance in mm to an ellipsoid, negative inside; `centre` and `half_axes` are (z, y, x) in mm.

    `turn_deg` turns it about the z axis, from the patient's left towards the back.
    """
    angle = np.deg2rad(turn_deg)
    z, y, x = grid.z - centre[0], grid.y - centre[1], grid.x - centre[2]
    u, v = x * np.cos(angle) + y * np.sin(angle), -x * np.sin(angle) + y * np.cos(angle)
    length = np.sqrt(z * z + y * y + x * x)
    ratio = np.sqrt((z / half_axes[0]) ** 2 + (v / half_axes[1]) ** 2 + (u / half_axes[2]) ** 2)
    return (length * (1 - 1 / np.maximum(ratio, 1e-3))).astype(np.float32)


def along_segment(
    grid: Grid, box: tuple[slice, slice, slice], start: NDArray[np.float64], end: NDArray[np.float64]
) -> tuple[Field, Field]:
    """In a box: distance in mm to the line from `start` to `end`, and where along it (0 to 1) the nearest point is."""
    offset = [grid.z[box[0]] - start[0], grid.y[:, box[1]] - start[1], grid.x[:, :, box[2]] - start[2]]
    line = end - start
    share = sum(o * step for o, step in zip(offset, line, strict=True)) / max(float(line @ line), 1e-6)
    share = np.clip(share, 0.0, 1.0)
    squared = sum((o - share * step) ** 2 for o, step in zip(offset, line, strict=True))
    return np.sqrt(squared).astype(np.float32), share.astype(np.float32)


def tube(grid: Grid, places_mm: ArrayLike, radii_mm: ArrayLike) -> Field:
    """Distance in mm to a tube, negative inside, along places (n, 3) in (z, y, x) mm with the given radii."""
    places, radii = np.asarray(places_mm, dtype=float), np.asarray(radii_mm, dtype=float)
    radii = np.broadcast_to(radii, len(places))
    distance = np.full(grid.shape, FAR_MM, dtype=np.float32)
    for start, end, first, last in zip(places[:-1], places[1:], radii[:-1], radii[1:], strict=True):
        reach = max(first, last) + FAR_MM
        box = grid.box(np.minimum(start, end) - reach, np.maximum(start, end) + reach)
        away, share = along_segment(grid, box, start, end)
        distance[box] = np.minimum(distance[box], away - (first + (last - first) * share))
    return distance
