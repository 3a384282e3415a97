"""The regular grid behind a stack of slices, from their positions and orientation alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.tilt import LEAST_TILT, MOST_TILT, following
from napari_mits_gan.errors import ReadError

GAP_TOLERANCE = 0.2
"""A gap between neighbouring slices may differ from the usual one by this part of it."""
GRID_TOLERANCE = 0.1
"""A slice may lie this part of the spacing off the regular grid (positions are often rounded to 0.1 mm)."""
SIDEWAYS_TOLERANCE = 0.25
"""Slices may be shifted against each other, in their plane, by this part of a pixel."""
LEAST_TILT_OF_ROUNDED_DIRECTIONS = 1.0
"""The same where directions are stated with two decimals, which turns them by up to 0.7 degrees."""
SAME_PLACE_MM = 0.005
"""Slices closer than this lie at the same place."""


@dataclass(frozen=True)
class Plane:
    """Where one slice lies.

    Parameters
    ----------
    position : tuple of float
        Centre of its first pixel, (x, y, z), LPS, mm.
    row : tuple of float
        Unit vector along a row (towards higher columns).
    column : tuple of float
        Unit vector along a column (towards higher rows).
    pixel_spacing : tuple of float
        Distance in mm between rows, and between columns.
    """

    position: tuple[float, float, float]
    row: tuple[float, float, float]
    column: tuple[float, float, float]
    pixel_spacing: tuple[float, float]


@dataclass(frozen=True)
class Grid:
    """A regular grid of slices.

    Parameters
    ----------
    order : tuple of int
        Number, in the sequence given, of the slice at z = 0, 1, 2, …
    spacing : tuple of float
        mm between voxel centres along (z, y, x).
    origin : tuple of float
        Centre of voxel (0, 0, 0), (x, y, z), LPS, mm.
    direction : ndarray of float, shape (3, 3)
        Column i is the unit vector, LPS, of array axis i of (z, y, x).
    shift_mm : tuple of float
        How many mm each slice lies further along (y, x) than the one before; other than (0, 0) where the gantry was
        tilted, so that the slices have to be moved before they form the grid.
    drift_mm : float
        How far the first and the last slice are shifted against each other in their plane, where that is too little for
        a tilt and `direction` was made to follow it.
    """

    order: tuple[int, ...]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: NDArray[np.float64]
    shift_mm: tuple[float, float] = (0.0, 0.0)
    drift_mm: float = 0.0

    @property
    def tilt_degrees(self) -> float:
        """The angle by which the gantry was tilted."""
        return _degrees(self.shift_mm, self.spacing[0])


def unit_axes(plane: Plane) -> NDArray[np.float64]:
    """Columns: the unit vectors of z (normal), y and x of a slice, exactly orthogonal and right-handed (x, y, z)."""
    row = np.asarray(plane.row, dtype=np.float64)
    column = np.asarray(plane.column, dtype=np.float64)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if not all(abs(length - 1) < 1e-2 for length in lengths) or abs(row @ column) > 1e-2:
        raise ReadError(
            "The slices state row and column directions that are not at right angles (or no unit vectors), so they "
            "cannot be placed; open another series."
        )
    x = row / lengths[0]
    y = column - (column @ x) * x
    y /= np.linalg.norm(y)
    return np.stack([np.cross(x, y), y, x], axis=1)


def grid_of(planes: Sequence[Plane], names: Sequence[str], thickness_mm: float | None = None) -> Grid:
    """The regular grid on which slices lie.

    Parameters
    ----------
    planes : sequence of Plane
        Slices of the same orientation, in any order.
    names : sequence of str
        What to call each slice in an error.
    thickness_mm : float, optional
        Spacing along z to take if there is only one slice, where no position can tell; 1 mm if it is not given either.

    Returns
    -------
    Grid

    Raises
    ------
    ReadError
        If slices are missing, lie at the same place, are irregularly spaced, or are shifted sideways irregularly.
    """
    axes = unit_axes(planes[0])
    positions = np.array([plane.position for plane in planes], dtype=np.float64)
    along = positions @ axes[:, 0]
    order = np.argsort(along, kind="stable")
    rows_mm, columns_mm = planes[0].pixel_spacing
    step = (thickness_mm or 1.0) if len(planes) == 1 else _step(along[order], [names[i] for i in order])
    shift, drift = (0.0, 0.0), 0.0
    first, last = positions[order[0]], positions[order[-1]]
    if len(planes) > 1:
        shift = _shift(positions[order], axes, along[order], min(rows_mm, columns_mm))
        if shift != (0.0, 0.0) and _degrees(shift, step) < _least_tilt(planes[0]):
            drift, shift = math.hypot(*shift) * (len(planes) - 1), (0.0, 0.0)
            axes = following(last - first, axes)
            step = float(np.linalg.norm(last - first)) / (len(planes) - 1)
    return Grid(
        order=tuple(int(i) for i in order),
        spacing=(float(step), float(rows_mm), float(columns_mm)),
        origin=(float(first[0]), float(first[1]), float(first[2])),
        direction=axes,
        shift_mm=shift,
        drift_mm=drift,
    )


def _degrees(shift_mm: tuple[float, float], step_mm: float) -> float:
    return math.degrees(math.atan2(math.hypot(*shift_mm), step_mm))


def _least_tilt(plane: Plane) -> float:
    rounded = all(abs(100 * v - round(100 * v)) < 1e-6 for v in (*plane.row, *plane.column))
    return LEAST_TILT_OF_ROUNDED_DIRECTIONS if rounded else LEAST_TILT


def _step(along: NDArray[np.float64], names: Sequence[str]) -> float:
    """Distance between neighbouring slices in mm; `along` ascends."""
    gaps = np.diff(along)
    same = int(np.count_nonzero(gaps < SAME_PLACE_MM))
    if gaps.max() < SAME_PLACE_MM and gaps.min() > SAME_PLACE_MM / 100:
        raise ReadError(
            f"The slices lie only {float(np.median(gaps)):.2g} mm apart, which no CT can resolve: the positions are "
            "not in mm, or are those of another scanner; open another series."
        )
    if same:
        at = int(np.argmax(gaps < SAME_PLACE_MM))
        raise ReadError(
            f"At least {same} slices lie where another lies too ({names[at]} and {names[at + 1]}, for instance): the "
            "series holds several times, reconstructions or copies; put the slices of one into a folder and open that."
            if same > 1
            else f"Two slices lie at the same place ({names[at]} and {names[at + 1]}): keep one of them and open the "
            "series again."
        )
    usual = float(np.median(gaps))
    odd = np.flatnonzero(np.abs(gaps - usual) > GAP_TOLERANCE * usual)
    if odd.size:
        # Missing slices leave gaps that are whole multiples of the smallest usual gap; anything else is irregular.
        base = float(gaps.min())
        multiples = gaps / base
        single = np.count_nonzero(np.rint(multiples) == 1)
        if np.all(np.abs(multiples - np.rint(multiples)) < GAP_TOLERANCE) and single >= odd.size:
            missing = int(np.rint(multiples).sum()) - gaps.size
            at = int(np.argmax(multiples))
            if missing > along.size:
                raise ReadError(
                    f"Slices of the series lie {gaps[at]:.4g} mm apart ({names[at]} and {names[at + 1]}), so it "
                    f"is no one scan (its slices lie {base:.4g} mm apart); put each part into a folder of its own."
                )
            raise ReadError(
                f"{missing} slice(s) are missing: the slices lie {base:.4g} mm apart, but there are {gaps[at]:.4g} mm "
                f"between {names[at]} and {names[at + 1]}; add the missing files and open the series again."
            )
        at = int(odd[0])
        raise ReadError(
            f"The slices are irregularly spaced: usually {usual:.4g} mm apart, but {gaps[at]:.4g} mm between "
            f"{names[at]} and {names[at + 1]}; open a series with regular spacing."
        )
    step = float(along[-1] - along[0]) / (along.size - 1)
    off = np.abs(along - along[0] - step * np.arange(along.size))
    if off.max() > GRID_TOLERANCE * step:
        at = int(np.argmax(off))
        raise ReadError(
            f"The slices are irregularly spaced: {names[at]} lies {off[at]:.3g} mm off a regular grid ({step:.4g} mm); "
            "open a series with regular spacing."
        )
    return step


def _shift(
    positions: NDArray[np.float64], axes: NDArray[np.float64], along: NDArray[np.float64], pixel_mm: float
) -> tuple[float, float]:
    """How many mm each slice is shifted in its plane, along (y, x), against the one before; 0 for what is no tilt."""
    sideways = (positions - positions[0]) @ axes[:, 1:]
    if np.abs(sideways).max() <= SIDEWAYS_TOLERANCE * pixel_mm:
        return 0.0, 0.0
    # Where the gantry is tilted, the table moves the patient past it along a straight line.
    per_mm = sideways[-1] / (along[-1] - along[0])
    tilt = float(np.degrees(np.arctan(np.linalg.norm(per_mm))))
    straight = np.abs(sideways - np.outer(along - along[0], per_mm)).max() <= SIDEWAYS_TOLERANCE * pixel_mm
    if straight and tilt <= MOST_TILT:
        per_slice = sideways[-1] / (len(along) - 1)
        return float(per_slice[0]), float(per_slice[1])
    if straight:
        raise ReadError(
            f"The slices are shifted against each other as if the gantry was tilted by {tilt:.1f} degrees, which is "
            "more than any can be; open a series whose slices lie above each other."
        )
    raise ReadError(
        f"The slices are shifted sideways against each other by up to {np.abs(sideways).max():.3g} mm, so they do not "
        "form a grid; open a series whose slices share one field of view."
    )
