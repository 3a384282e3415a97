"""Slices of a tilted gantry, moved within their planes until they lie straight above each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.rescale import to_hu

_FILL_HU = -2048
_WHOLE = 1e-4
"""Parts of a pixel below this are none."""


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
    """

    slices: int
    rows: int
    columns: int
    shift: tuple[float, float]

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
        self, z: int, hu: NDArray[np.int16], padding: NDArray[np.bool_] | None, image: CTSlice
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
        image : CTSlice
            The slice, which says what it can store.

        Returns
        -------
        hu : ndarray of int16, shape `self.shape[1:]`
            Those that the slice can store; its filler where it does not reach, and for its padding.
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
        fill = fill_hu(image)
        out = np.full(self.shape[1:], fill, np.int16)
        unmeasured = np.ones(self.shape[1:], bool)
        out[places[0], places[1]] = np.where(missing, fill, self._storable(values, image))
        unmeasured[places[0], places[1]] = missing
        return out, unmeasured

    @staticmethod
    def _storable(values: NDArray[np.floating], image: CTSlice) -> NDArray[np.int16]:
        """Mixed values as the export will have to store them, so that it is no other scan than the one shown."""
        hu, _ = to_hu(image.storage.stored(np.rint(values).astype(np.int16)), image.rescale)
        return hu

    @staticmethod
    def _mixed(values: NDArray[np.floating], axis: int, part: float) -> NDArray[np.floating]:
        before, after = (values[:-1], values[1:]) if axis == 0 else (values[:, :-1], values[:, 1:])
        return before * part + after * (1 - part)

    @staticmethod
    def _either(missing: NDArray[np.bool_], axis: int) -> NDArray[np.bool_]:
        return missing[:-1] | missing[1:] if axis == 0 else missing[:, :-1] | missing[:, 1:]


def stored_fill(image: CTSlice) -> int:
    """The stored value of what a slice does not cover: its own padding, or the nearest that there is to -2048 HU."""
    if image.padding:
        return image.padding[0].filler
    return int(image.storage.stored(np.array([_FILL_HU], np.int16))[0])


def fill_hu(image: CTSlice) -> int:
    """The HU of `stored_fill`."""
    return int(to_hu(np.array([stored_fill(image)]), image.rescale)[0][0])
