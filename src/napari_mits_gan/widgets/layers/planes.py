"""Axial, coronal, sagittal: which axes of a scan are drawn, which way round, and the letters at a panel's edges.

As radiologists look at CT: head and front are up, the patient's right is at the left; in sagittal slices the front is
at the left.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume

Plane = Literal["axial", "coronal", "sagittal"]
PLANES: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
_LETTERS = (("R", "L"), ("A", "P"), ("F", "H"))
"""Towards minus and plus of the world's x, y and z (LPS)."""
_ACROSS = {"axial": 2, "coronal": 1, "sagittal": 0}
"""The world axis that a plane lies across."""
_NAMED_FROM = 0.25
"""Cosine from which on a direction is named: an oblique edge gets two letters."""


@dataclass(frozen=True)
class Upright:
    """How two axes of a scan are drawn upright.

    Parameters
    ----------
    vertical : {"up", "down"}
        Where the index of the axis drawn vertically grows.
    horizontal : {"left", "right"}
        Where the index of the other axis grows.
    top, bottom, left, right : str
        Which way the patient lies at the panel's edges: letters of L, R, A, P, H, F.
    """

    vertical: Literal["up", "down"]
    horizontal: Literal["left", "right"]
    top: str
    bottom: str
    left: str
    right: str


def axes_of(volume: CTVolume) -> tuple[int, int, int]:
    """The array axes that lie most nearly along the world's x, y and z."""
    cosines = np.abs(volume.direction)
    best = max(permutations(range(3)), key=lambda axes: sum(cosines[world, axes[world]] for world in range(3)))
    return (best[0], best[1], best[2])


def order_of(volume: CTVolume, plane: Plane) -> tuple[int, int, int]:
    """The array axes of a plane: the one that it lies across, then those drawn vertically and horizontally."""
    x, y, z = axes_of(volume)
    return {"axial": (z, y, x), "coronal": (y, z, x), "sagittal": (x, z, y)}[plane]


def plane_across(volume: CTVolume, axis: int) -> Plane:
    """The plane that lies across an array axis."""
    world = axes_of(volume).index(axis)
    return next(plane for plane in PLANES if _ACROSS[plane] == world)


def upright(volume: CTVolume, vertical: int, horizontal: int) -> Upright:
    """How to draw two array axes so that head or front is up, and right or front at the left.

    Parameters
    ----------
    volume : CTVolume
        The scan.
    vertical, horizontal : int
        The array axes drawn vertically and horizontally.
    """
    down, across = volume.direction[:, vertical], volume.direction[:, horizontal]
    axes = axes_of(volume)
    # Upwards lies the head (plus z), or the front (minus y), or the right (minus x); at the left likewise.
    grows_up = _grows_towards(down, axes.index(vertical), plus=axes.index(vertical) == 2)
    grows_left = _grows_towards(across, axes.index(horizontal), plus=axes.index(horizontal) == 2)
    top = down if grows_up else -down
    left = across if grows_left else -across
    return Upright(
        vertical="up" if grows_up else "down",
        horizontal="left" if grows_left else "right",
        top=letters(top),
        bottom=letters(-top),
        left=letters(left),
        right=letters(-left),
    )


def letters(direction: NDArray[np.floating]) -> str:
    """Which way a direction (x, y, z), LPS, points in the patient: "L", or "LH" for an oblique one."""
    order = np.argsort(-np.abs(direction))
    named = [int(world) for world in order if abs(direction[world]) >= _NAMED_FROM]
    return "".join(_LETTERS[world][int(direction[world] > 0)] for world in named)


def _grows_towards(direction: NDArray[np.floating], world: int, *, plus: bool) -> bool:
    return bool((direction[world] > 0) == plus)
