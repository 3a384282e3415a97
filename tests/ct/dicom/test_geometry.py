"""The grid behind positions and orientations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_mits_gan.ct.dicom.geometry import Plane, grid_of, unit_axes
from napari_mits_gan.errors import ReadError

rotations = st.tuples(*[st.floats(-np.pi, np.pi)] * 3).map(lambda a: Rotation.from_euler("xyz", a).as_matrix())
distances = st.floats(0.3, 8)


def _planes(axes: np.ndarray, step: float, pixel: tuple[float, float], count: int, shear: float = 0.0) -> list[Plane]:
    normal, column, row = axes.T
    return [
        Plane(tuple(10.0 + z * (step * normal + shear * column)), tuple(row), tuple(column), pixel)
        for z in range(count)
    ]


def _axes(rotation: np.ndarray) -> np.ndarray:
    row, column = rotation[:, 0], rotation[:, 1]
    return np.stack([np.cross(row, column), column, row], axis=1)


def _names(planes: list[Plane]) -> list[str]:
    return [f"{i}.dcm" for i in range(len(planes))]


@given(rotations, distances, distances, distances, st.permutations(range(7)))
def test_any_orientation_and_file_order_gives_the_grid(rotation, step, rows, columns, order) -> None:
    axes = _axes(rotation)
    planes = _planes(axes, step, (rows, columns), len(order))
    grid = grid_of([planes[i] for i in order], _names(planes), thickness_mm=99.0)
    assert [order[i] for i in grid.order] == list(range(len(order)))
    np.testing.assert_allclose(grid.direction, axes, atol=1e-9)
    np.testing.assert_allclose(grid.spacing, (step, rows, columns), rtol=1e-9)
    np.testing.assert_allclose(grid.origin, planes[0].position, atol=1e-9)
    assert np.linalg.det(grid.direction[:, ::-1]) == pytest.approx(1)  # (x, y, z) is right-handed


@given(rotations, distances, st.permutations(range(6)))
def test_a_missing_slice_is_never_overlooked(rotation, step, order) -> None:
    planes = _planes(_axes(rotation), step, (0.7, 0.7), 8)
    kept = [p for z, p in enumerate(planes) if z not in (3, 4)]
    with pytest.raises(ReadError, match=r"2 slice\(s\) are missing"):
        grid_of([kept[i] for i in order], _names(kept))


@given(rotations, st.floats(2, 35), st.sampled_from([-1, 1]))
def test_a_tilted_gantry_shifts_each_slice_by_as_much(rotation, degrees, sign) -> None:
    shear = sign * 2.5 * np.tan(np.radians(degrees))
    planes = _planes(_axes(rotation), 2.5, (0.7, 0.7), 12, shear=shear)
    grid = grid_of(planes, _names(planes))
    np.testing.assert_allclose(grid.shift_mm, (shear, 0), atol=1e-9)
    assert grid.tilt_degrees == pytest.approx(degrees)
    assert grid.spacing[0] == pytest.approx(2.5)


@given(rotations)
def test_what_no_gantry_can_be_tilted_by_is_refused(rotation) -> None:
    planes = _planes(_axes(rotation), 2.5, (0.7, 0.7), 12, shear=2.5 * np.tan(np.radians(50)))
    with pytest.raises(ReadError, match=r"tilted by 50\.0 degrees"):
        grid_of(planes, _names(planes))


@given(rotations, st.floats(0.5, 5), st.integers(0, 6))
def test_two_slices_at_one_place_are_refused(rotation, step, which) -> None:
    planes = _planes(_axes(rotation), step, (0.7, 0.7), 7)
    with pytest.raises(ReadError, match="Two slices lie at the same place"):
        grid_of([*planes, planes[which]], _names([*planes, planes[which]]))


def test_irregular_spacing_is_refused() -> None:
    planes = _planes(np.eye(3)[:, ::-1], 2.0, (0.7, 0.7), 8)
    moved = Plane((10.0, 10.0, planes[3].position[2] + 0.9), planes[3].row, planes[3].column, (0.7, 0.7))
    with pytest.raises(ReadError, match="irregularly spaced"):
        grid_of([*planes[:3], moved, *planes[4:]], _names(planes))


def test_spacing_that_drifts_slowly_is_refused() -> None:
    along = np.cumsum(np.linspace(1.0, 1.15, 60))
    planes = [Plane((0, 0, float(z)), (1, 0, 0), (0, 1, 0), (0.7, 0.7)) for z in along]
    with pytest.raises(ReadError, match="irregularly spaced"):
        grid_of(planes, _names(planes))


def test_positions_rounded_to_a_tenth_of_a_millimetre_are_regular() -> None:
    planes = [Plane((0, 0, round(0.625 * z, 1)), (1, 0, 0), (0, 1, 0), (0.7, 0.7)) for z in range(65)]
    assert grid_of(planes, _names(planes)).spacing[0] == pytest.approx(0.625, abs=2e-3)


def test_slices_shifted_sideways_without_a_tilt_are_refused() -> None:
    planes = _planes(np.eye(3)[:, ::-1], 2.0, (0.7, 0.7), 6)
    moved = Plane((13.0, 10.0, planes[2].position[2]), planes[2].row, planes[2].column, (0.7, 0.7))
    with pytest.raises(ReadError, match=r"shifted sideways .* 3 mm"):
        grid_of([*planes[:2], moved, *planes[3:]], _names(planes))


def test_a_single_slice_takes_its_thickness_for_want_of_anything_better() -> None:
    planes = _planes(np.eye(3)[:, ::-1], 2.0, (0.8, 0.7), 1)
    assert grid_of(planes, ["one"], thickness_mm=3.0).spacing == (3.0, 0.8, 0.7)
    assert grid_of(planes, ["one"]).spacing[0] == 1.0


def test_directions_that_are_no_plane_are_refused() -> None:
    with pytest.raises(ReadError, match="right angles"):
        unit_axes(Plane((0, 0, 0), (1, 0, 0), (1, 0, 0), (1, 1)))


@given(rotations, st.floats(-0.45, 0.45).filter(lambda d: abs(d) > 0.01), st.integers(4, 300), st.floats(0.5, 3))
def test_less_than_a_gantry_tilts_moves_no_slice(rotation, degrees, count, step) -> None:
    axes = _axes(rotation)
    shear = step * np.tan(np.radians(degrees))
    planes = _planes(axes, step, (0.7, 0.8), count, shear=shear)
    grid = grid_of(planes, _names(planes))
    assert grid.shift_mm == (0.0, 0.0)
    np.testing.assert_allclose(grid.direction.T @ grid.direction, np.eye(3), atol=1e-9)
    # Every slice's first voxel lies where its header says, or within a quarter of a pixel of it.
    for z, i in enumerate(grid.order):
        there = np.array(grid.origin) + z * grid.spacing[0] * grid.direction[:, 0]
        assert np.linalg.norm(there - planes[i].position) <= 0.25 * 0.7 + 1e-6
    drift = abs(shear) * (count - 1)
    assert grid.drift_mm == pytest.approx(drift if drift > 0.25 * 0.7 else 0, abs=1e-6)


@given(rotations, st.integers(20, 300))
def test_directions_rounded_to_two_decimals_are_no_tilt(rotation, count) -> None:
    axes = _axes(rotation)
    planes = [
        Plane(p.position, tuple(np.round(p.row, 2)), tuple(np.round(p.column, 2)), p.pixel_spacing)
        for p in _planes(axes, 1.0, (0.7, 0.7), count)
    ]
    assume(abs(np.dot(planes[0].row, planes[0].column)) < 0.0099)  # beyond this they are no right angles any more
    grid = grid_of(planes, _names(planes))
    assert grid.shift_mm == (0.0, 0.0)
    assert np.abs(grid.direction - axes).max() < 0.02
    assert grid.spacing[0] == pytest.approx(1.0, rel=1e-3)


def test_slices_that_no_scanner_can_resolve_are_refused_as_such() -> None:
    planes = _planes(np.eye(3)[:, ::-1], 0.004, (0.7, 0.7), 8)
    with pytest.raises(ReadError, match=r"only 0\.004 mm apart"):
        grid_of(planes, _names(planes))
