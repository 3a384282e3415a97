"""Sampling a scan at 1 mm: lengths are those of the patient, at any spacing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.isotropic import cube_at_1mm
from napari_mits_gan.ct.volume import CTVolume

SPACING = st.floats(0.5, 4.0)


@settings(max_examples=25, deadline=None)
@given(spacing=st.tuples(SPACING, SPACING, SPACING), offset=st.tuples(*3 * (st.floats(-0.5, 0.5),)))
def test_a_ramp_is_sampled_at_whole_millimetres_from_the_place(spacing, offset):
    shape = tuple(int(60 / s) + 12 for s in spacing)
    grid = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    slope = np.array([11.0, -7.0, 5.0])
    hu = sum(a * g for a, g in zip(slope, grid, strict=True))
    volume = CTVolume(np.round(hu).astype(np.int16), spacing)
    at = [n // 2 + o for n, o in zip(shape, offset, strict=True)]
    cube = cube_at_1mm(volume, at, 17)
    middle = (slope * np.asarray(at) * spacing).sum()
    wanted = middle + sum(a * (g - 8) for a, g in zip(slope, np.indices(cube.shape), strict=True))
    assert np.abs(cube - wanted).max() < 2


def test_the_scans_own_voxels_are_kept_at_1_mm():
    hu = np.random.default_rng(0).integers(-1000, 500, (30, 31, 32)).astype(np.int16)
    cube = cube_at_1mm(CTVolume(hu, (1.0, 1.0, 1.0)), (15, 14, 16), 11)
    np.testing.assert_allclose(cube, hu[10:21, 9:20, 11:22], atol=1)


def test_the_border_is_repeated():
    volume = CTVolume(np.full((8, 8, 8), -850, np.int16), (1.0, 1.0, 1.0))
    assert cube_at_1mm(volume, (0, 0, 7), 15) == pytest.approx(-850, abs=1e-2)
