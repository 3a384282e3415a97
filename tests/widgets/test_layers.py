from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Points

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.marks import mark_options, set_points
from napari_mits_gan.widgets.layers.volume_layer import (
    AFFINE_KEY,
    SIMULATED_ATTACK_KEY,
    VOLUME_KEY,
    affine_lps,
    grid_options,
    layer_data,
    layer_name,
)


@pytest.fixture
def oblique() -> CTVolume:
    angle = np.deg2rad(20)
    direction = np.array([[0, 0, 1.0], [-np.sin(angle), np.cos(angle), 0], [np.cos(angle), np.sin(angle), 0]])
    return CTVolume(
        np.zeros((3, 4, 5), dtype=np.int16), (2.5, 0.7, 0.8), origin=(10, -20, 30), direction=direction, name="oblique"
    )


def test_a_layer_shares_the_voxels_of_the_volume(scan):
    data, _, kind = layer_data(scan)
    assert kind == "image"
    assert np.shares_memory(data, scan.hu)


def test_world_coordinates_of_an_axial_layer_are_the_scanners(scan):
    _, options, _ = layer_data(scan)
    assert options["scale"] == (2.0, 1.0, 1.0)
    assert options["translate"] == (10.0, -45.0, -60.0)
    assert options["units"] == ("mm", "mm", "mm")
    assert options["contrast_limits"] == (-1350.0, 150.0)


def test_an_oblique_scan_is_shown_straight_and_keeps_its_matrix(oblique):
    _, options, _ = layer_data(oblique)
    assert "affine" not in options
    assert "rotate" not in options
    assert options["scale"] == (2.5, 0.7, 0.8)
    voxel = (1.0, 2.0, 3.0)
    world = options["metadata"][AFFINE_KEY] @ [*voxel, 1.0]
    assert np.allclose(world[:3], oblique.world_from_voxel(voxel))
    assert np.allclose(affine_lps(oblique)[3], [0, 0, 0, 1])
    assert len(grid_options(oblique)["translate"]) == 3


def test_a_tampered_scan_says_so_in_name_and_metadata(scan):
    tampered = scan.with_hu(scan.hu, Step("attack", {"action": "inject", "at": [1, 2, 3]}))
    _, options, _ = layer_data(tampered)
    assert layer_name(tampered).startswith("SIMULATED ATTACK")
    assert options["name"] == layer_name(tampered)
    assert options["metadata"][SIMULATED_ATTACK_KEY] is True
    assert options["metadata"]["history"][0]["at"] == [1, 2, 3]
    assert options["metadata"][VOLUME_KEY] is tampered


INJECTED, REMOVED, ELSEWHERE = (
    Injection("inject", (20, 45, 34)),
    Injection("remove", (10, 40, 86)),
    Injection("inject", (39, 50, 90)),  # at the end: fewer slices have its ring
)


@pytest.mark.parametrize(
    "changed", [{}, {"current_size": 99, "current_border_color": "white", "current_symbol": "cross"}]
)
@pytest.mark.parametrize("after", [(INJECTED,), (REMOVED,), (INJECTED, REMOVED), (ELSEWHERE, REMOVED, INJECTED), ()])
@pytest.mark.parametrize("before", [(), (INJECTED,), (REMOVED, ELSEWHERE)])
def test_rings_that_are_given_other_places_look_as_if_they_were_new(scan, before, after, changed):
    layer = Points(**grid_options(scan), **mark_options(scan, before))
    for name, value in changed.items():  # what the user sets in the layer's controls is for points to come
        setattr(layer, name, value)
    wanted = mark_options(scan, after)
    set_points(layer, wanted)
    new = Points(**grid_options(scan), **wanted)
    for name in ("data", "size", "border_color", "border_width", "face_color", "symbol"):
        np.testing.assert_array_equal(getattr(layer, name), getattr(new, name), err_msg=name)
