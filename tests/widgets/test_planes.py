"""Axial, coronal and sagittal slices: upright whatever the scan's axes are, with the patient's sides named."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.marks import RADIUS_MM, mark_options
from napari_mits_gan.widgets.layers.planes import PLANES, axes_of, letters, order_of, plane_across, upright
from napari_mits_gan.widgets.layers.view import voxel_at, world_of

EDGES = {"axial": ("A", "P", "R", "L"), "coronal": ("H", "F", "R", "L"), "sagittal": ("H", "F", "A", "P")}
"""Top, bottom, left, right, as radiologists have them."""


def scan_along(axes, signs) -> CTVolume:
    """A scan whose array axes lie along the given world axes, turned by the signs."""
    direction = np.zeros((3, 3))
    for column, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        direction[axis, column] = sign
    return CTVolume(np.zeros((4, 5, 6), np.int16), (2.0, 1.0, 0.5), origin=(3.0, -7.0, 11.0), direction=direction)


@pytest.mark.parametrize("axes", list(permutations(range(3))))
@pytest.mark.parametrize("signs", list(product((1, -1), repeat=3)))
def test_every_scan_is_drawn_upright_in_every_plane(axes, signs):
    volume = scan_along(axes, signs)
    for plane in PLANES:
        across, vertical, horizontal = order_of(volume, plane)
        assert sorted((across, vertical, horizontal)) == [0, 1, 2]
        assert plane_across(volume, across) == plane
        drawn = upright(volume, vertical, horizontal)
        assert (drawn.top, drawn.bottom, drawn.left, drawn.right) == EDGES[plane]
        # the letters are true: a step towards an edge is a step in the patient that way
        step = np.zeros(3)
        step[vertical] = -1 if drawn.vertical == "down" else 1
        moved = np.subtract(volume.world_from_voxel(tuple(step)), volume.world_from_voxel((0, 0, 0)))
        assert letters(moved / np.linalg.norm(moved)) == drawn.top


def test_oblique_edges_have_two_letters_and_slightly_turned_ones_one():
    def turned(degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return CTVolume(
            np.zeros((2, 2, 2), np.int16), (1, 1, 1), direction=np.array([[0, -s, c], [0, c, s], [1.0, 0, 0]])
        )

    assert upright(turned(5), 1, 2).left == "R"
    assert upright(turned(30), 1, 2).left == "RA"
    assert axes_of(turned(30)) == (2, 1, 0)


def test_voxels_and_world_are_each_others_inverse():
    volume = scan_along((2, 1, 0), (1, -1, 1))
    assert voxel_at(volume, world_of(volume, (3, 1, 2))) == pytest.approx((3, 1, 2))


@pytest.mark.parametrize("across", [0, 1, 2])
def test_a_ring_in_each_plane_is_the_outline_of_one_ball(across):
    volume = CTVolume(np.zeros((60, 80, 90), np.int16), (2.0, 1.0, 0.7))
    at = (30, 40, 45)
    options = mark_options(volume, [Injection("inject", at)], across)
    data, radius_mm = options["data"], options["size"] * 0.7 / 2
    away_mm = np.abs(data[:, across] - at[across]) * volume.spacing[across]
    np.testing.assert_allclose(np.hypot(away_mm, radius_mm), RADIUS_MM)
    others = [axis for axis in range(3) if axis != across]
    assert (data[:, others] == np.array(at)[others]).all()
    assert len(set(data[:, across])) == len(data)


def test_the_3d_view_has_one_ring_for_each_attack():
    volume = CTVolume(np.zeros((60, 80, 90), np.int16), (2.0, 1.0, 0.7))
    assert len(mark_options(volume, [Injection("inject", (30, 40, 45))], None)["data"]) == 1
