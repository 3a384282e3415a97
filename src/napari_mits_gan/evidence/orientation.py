"""The 48 ways to turn and mirror a volume without resampling it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.index import Geometry

_AXES = ("z", "y", "x")


@dataclass(frozen=True)
class Orientation:
    """Which axis becomes which, and which are then reversed.

    Parameters
    ----------
    axes : tuple of int
        Axis i of the result is axis `axes[i]` of the array.
    flipped : tuple of bool
        Whether axis i of the result is reversed.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    flipped: tuple[bool, bool, bool] = (False, False, False)

    @property
    def is_same(self) -> bool:
        """Whether nothing is turned."""
        return self.axes == (0, 1, 2) and not any(self.flipped)

    def turn(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """A view of the array, turned."""
        steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)
        return array.transpose(self.axes)[steps]

    def back(self, array: NDArray[np.generic]) -> NDArray[np.generic]:
        """A view of a turned array as it was."""
        steps = tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flipped)
        return array[steps].transpose(np.argsort(self.axes))

    def turn_geometry(self, geometry: Geometry, shape: tuple[int, ...]) -> Geometry:
        """The geometry of the turned array; `shape` is the array's before."""
        spacing, direction = np.asarray(geometry.spacing), np.asarray(geometry.direction)
        origin = np.asarray(geometry.origin, float).copy()
        axes = list(self.axes)
        turned = direction[:, axes].copy()
        for axis, flip in enumerate(self.flipped):
            if flip:
                source = axes[axis]
                origin += direction[:, source] * spacing[source] * (shape[source] - 1)
                turned[:, axis] *= -1
        z, y, x = (float(s) for s in spacing[axes])
        return Geometry((z, y, x), (float(origin[0]), float(origin[1]), float(origin[2])), turned)

    def with_reversed_slices(self) -> Orientation:
        """The same with the slices in the other order."""
        return replace(self, flipped=(not self.flipped[0], *self.flipped[1:]))

    def describe(self) -> str:
        """In words, what was done to the scan to make this orientation necessary."""
        words = []
        if self.axes != (0, 1, 2):
            words.append("its axes were exchanged (" + ", ".join(_AXES[a] for a in self.axes) + " for z, y, x)")
        names = [name for name, flip in zip(("z", "y", "x"), self.flipped, strict=True) if flip]
        if names:
            words.append(f"it was mirrored along {' and '.join(names)}")
        return " and ".join(words) or "it was not turned"


def in_plane() -> Iterator[Orientation]:
    """The eight that keep slices slices, the untouched one first."""
    for axes in ((0, 1, 2), (0, 2, 1)):
        for y, x in product((False, True), repeat=2):
            yield Orientation(axes, (False, y, x))


def across_planes() -> Iterator[Orientation]:
    """Those that make slices of other planes; whether these are then reversed is left open."""
    for axes in permutations(range(3)):
        if axes[0] != 0:
            for y, x in product((False, True), repeat=2):
                yield Orientation(axes, (False, y, x))  # type: ignore[arg-type]
