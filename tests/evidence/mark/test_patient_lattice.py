"""The lattice lies in the patient: the same cells at the same places, however the array lies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.mark.patient_lattice import Pitch, pitch_of
from napari_mits_gan.evidence.mark.pattern import VoxelPattern, keyed_layer

ALL = (slice(None),) * 3
LAYER = keyed_layer(bytes(range(32)))


def _pattern(volume: CTVolume, pitch: Pitch) -> np.ndarray:
    return np.stack(list(VoxelPattern(volume, pitch, LAYER, ALL)))


def _volume(origin: tuple[float, float, float] = (-20.0, -15.0, 40.0)) -> CTVolume:
    return CTVolume(np.zeros((10, 40, 48), np.int16), (2.0, 0.8, 0.7), origin)


@given(
    low=st.tuples(st.integers(0, 4), st.integers(0, 20), st.integers(0, 20)),
    shape=st.tuples(st.integers(1, 5), st.integers(2, 20), st.integers(2, 28)),
)
@settings(max_examples=15, deadline=None)
def test_a_cropped_scan_has_the_pattern_of_the_whole_one(
    low: tuple[int, int, int], shape: tuple[int, int, int]
) -> None:
    volume, pitch = _volume(), pitch_of((2.0, 0.8, 0.7))
    box = Box(low, shape)

    np.testing.assert_allclose(
        _pattern(volume.crop(box), pitch), _pattern(volume, pitch)[box.slices()], rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mirrored_array_whose_geometry_says_so_has_the_mirrored_pattern(axis: int) -> None:
    volume = _volume()
    corner = [0, 0, 0]
    corner[axis] = volume.shape[axis] - 1
    direction = volume.direction.copy()
    direction[:, axis] *= -1
    z, y, x = corner
    mirrored = replace(volume, origin=volume.world_from_voxel((z, y, x)), direction=direction)
    pitch = pitch_of(volume.spacing)

    np.testing.assert_allclose(_pattern(mirrored, pitch), np.flip(_pattern(volume, pitch), axis), rtol=1e-3, atol=1e-3)


def test_the_pattern_has_an_rms_of_one_and_no_mean_over_a_centimetre() -> None:
    pattern = _pattern(_volume(), Pitch(2.5, 1.0))

    assert pattern.std() == pytest.approx(1, abs=0.05)
    assert np.abs(pattern.reshape(10, 4, 10, 4, 12).mean(axis=(2, 4))).max() < 0.15


def test_far_from_the_scanner_s_middle_there_is_a_pattern_too() -> None:
    assert _pattern(_volume((-5000.0, 3000.0, -12000.0)), Pitch(2.5, 1.0)).std() > 0.8


@pytest.mark.parametrize(
    ("spacing", "pitch"),
    [((0.6, 0.5, 0.5), Pitch(1.0, 1.0)), ((2.5, 0.98, 0.98), Pitch(2.5, 1.0)), ((8.0, 1.2, 1.2), Pitch(10.0, 1.5))],
)
def test_cells_are_as_small_as_the_voxels_can_carry(spacing: tuple[float, float, float], pitch: Pitch) -> None:
    assert pitch_of(spacing) == pitch
