"""Slices of a tilted gantry, moved within their planes until they lie straight above each other; from any file."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import ReadError

MOST_TILT = 40.0
"""Gantries tilt by up to 30 degrees."""
LEAST_TILT = 0.5
"""Gantries tilt in steps of half a degree or more; less is the rounding of positions and directions."""
FILL_HU = -2048
"""What no slice covers has these HU, or the nearest that there are."""
_MOST_GROWTH = 8
"""A whole body of 1.8 m, scanned with a tilt of 30 degrees, needs a grid of three times its slices' voxels."""
_WHOLE = 1e-4
"""Parts of a pixel below this are none."""


def whole_hu(values: NDArray[np.floating]) -> NDArray[np.int16]:
    """Mixed values as whole HU."""
    return np.rint(values).astype(np.int16)


def following(along: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors of (z, y, x), as columns, turned by as little as makes the first of them run along `along`."""
    z = along / np.linalg.norm(along)
    x = axes[:, 2] - (axes[:, 2] @ z) * z
    x /= np.linalg.norm(x)
    y = axes[:, 1] - (axes[:, 1] @ z) * z - (axes[:, 1] @ x) * x
    return np.stack([z, y / np.linalg.norm(y), x], axis=1)


@dataclass(frozen=True)
class Untilting:
    """A right-angled grid for slices each of which is shifted, in its plane, against the one before.

    The planes stay, and so does their distance; what moves are the slices within them. So a voxel is mixed from at most
    2 x 2 neighbours of its own slice (linear interpolation), and slice 0 stays as it is.

    Parameters
    ----------
    slices, rows, columns : int
        Size of the series.
    shift : tuple of float
        How many pixels each slice lies further along (y, x) than the one before.

    Raises
    ------
    ReadError
        If the grid that holds all slices would be many times as large as they are.
    """

    slices: int
    rows: int
    columns: int
    shift: tuple[float, float]

    def __post_init__(self) -> None:
        # A header may state any distances, and no grid may be made that only they ask for.
        if math.prod(self.shape) > _MOST_GROWTH * self.slices * self.rows * self.columns:
            raise ReadError(
                f"The slices are shifted against each other by {max(map(abs, self.shift)):.4g} pixels each, so far "
                "that hardly one lies above another; open a series whose slices share one field of view."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Size (z, y, x) of the grid that holds all slices."""
        before, after = self._margin(0), self._margin(1)
        return self.slices, self.rows + sum(before), self.columns + sum(after)

    @property
    def first(self) -> tuple[int, int]:
        """Pixel (y, x) of the grid in which the first pixel of slice 0 lies."""
        return self._margin(0)[0], self._margin(1)[0]

    def _margin(self, axis: int) -> tuple[int, int]:
        """Pixels to add before and after along an axis of the slice."""
        last = (self.slices - 1) * self.shift[axis]
        return max(0, math.ceil(-last - _WHOLE)), max(0, math.ceil(last - _WHOLE))

    def moved(
        self,
        z: int,
        hu: NDArray[np.int16],
        padding: NDArray[np.bool_] | None = None,
        fill: int = FILL_HU,
        rounded: Callable[[NDArray[np.floating]], NDArray[np.int16]] = whole_hu,
    ) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
        """One slice on the grid.

        Parameters
        ----------
        z : int
            Number of the slice.
        hu : ndarray of int16, shape (rows, columns)
            Its HU.
        padding : ndarray of bool, shape (rows, columns), or None
            Where it is padding.
        fill : int
            HU of what it does not cover.
        rounded : callable
            Makes HU that the slice can have of mixed ones.

        Returns
        -------
        hu : ndarray of int16, shape `self.shape[1:]`
            `fill` where the slice does not reach, and for its padding.
        padding : ndarray of bool, same shape
            True where nothing was measured, or where one of the neighbours that would be mixed is padding.
        """
        values: NDArray[np.floating] = hu.astype(np.float32)
        missing = np.zeros(hu.shape, bool) if padding is None else padding
        places = []
        for axis in (0, 1):
            offset = z * self.shift[axis] + self.first[axis]
            whole = math.floor(offset + _WHOLE)
            part = offset - whole
            if part > _WHOLE:
                values = self._mixed(values, axis, part)
                missing = self._either(missing, axis)
                whole += 1
            places.append(slice(whole, whole + values.shape[axis]))
        out = np.full(self.shape[1:], fill, np.int16)
        unmeasured = np.ones(self.shape[1:], bool)
        out[places[0], places[1]] = np.where(missing, fill, rounded(values))
        unmeasured[places[0], places[1]] = missing
        return out, unmeasured

    @staticmethod
    def _mixed(values: NDArray[np.floating], axis: int, part: float) -> NDArray[np.floating]:
        before, after = (values[:-1], values[1:]) if axis == 0 else (values[:, :-1], values[:, 1:])
        return before * part + after * (1 - part)

    @staticmethod
    def _either(missing: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
        return missing[:-1] | missing[1:] if axis == 0 else missing[:, :-1] | missing[:, 1:]
