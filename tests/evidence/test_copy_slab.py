"""One slab as symbols: what becomes of a coefficient, what is told of its size, and how large all will be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_mits_gan.evidence.copy_codec.contexts import CONTEXTS, FEATURES
from napari_mits_gan.evidence.copy_codec.frequencies import codes_of, frequencies_of
from napari_mits_gan.evidence.copy_codec.quantisation import step_of
from napari_mits_gan.evidence.copy_codec.region_grid import AIR, BODY, LUNGS, grid_of
from napari_mits_gan.evidence.copy_codec.slab import Slab
from napari_mits_gan.evidence.copy_codec.slab_encoder import Model, code
from napari_mits_gan.evidence.copy_codec.wavelet import Levels, bands_of

SHAPE, STEP = (8, 32, 32), 500
BANDS = bands_of(SHAPE, Levels.of(SHAPE))
FINEST = len(BANDS) - 1


def halves(number: int) -> np.ndarray:
    """Lungs at the left, body at the right, air in the last column."""
    region = np.full(BANDS[number].shape, BODY, np.uint8)
    region[:, :, : region.shape[2] // 2] = LUNGS
    region[:, :, -1] = AIR
    return region


def slab_of(in_lungs: float, elsewhere: float) -> Slab:
    """The finest band holds these multiples of the step, the others nothing."""
    coefficients = [np.zeros(band.shape, np.float32) for band in BANDS]
    region = halves(FINEST)
    coefficients[FINEST][:] = np.where(region == LUNGS, in_lungs, elsewhere) * step_of(STEP)
    coefficients[FINEST][region == AIR] = 0
    return Slab(BANDS, coefficients, halves)


@pytest.fixture
def model() -> Model:
    return Model(np.ones((len(BANDS), 4, FEATURES), np.int16))


def test_the_mean_beyond_a_magnitude_is_told_for_the_lungs_and_elsewhere(model: Model) -> None:
    centres = code(slab_of(1.3, -2.2), STEP, model).centres[FINEST]
    assert centres.tolist() == [[round(0.3 * 256), 0, 0], [0, round(0.2 * 256), 0]]


@pytest.mark.parametrize(("worth", "ones"), [(0.65, True), (0.75, False)])
def test_a_one_is_coded_where_it_is_worth_it(model: Model, worth: float, ones: bool) -> None:
    found = code(slab_of(0.7, 0.0), STEP, replace(model, worth=np.full(CONTEXTS, worth, np.float32)))
    assert found.counts[:, 1].sum() == (np.count_nonzero(halves(FINEST) == LUNGS) if ones else 0)
    assert len(found.signs) == found.counts[:, 1:].sum()


def test_signs_are_those_of_what_is_not_zero_and_air_is_left_out(model: Model) -> None:
    found = code(slab_of(1.0, -1.0), STEP, model)
    region = halves(FINEST)
    assert np.count_nonzero(~found.signs) == np.count_nonzero(region == LUNGS)
    assert np.count_nonzero(found.signs) == np.count_nonzero(region == BODY)
    assert sum(len(token) for token, _ in found.chunks) == sum(
        np.count_nonzero(halves(n) != AIR) if 0 < band.level < 3 else int(np.prod(band.shape)) * (band.level > 0)
        for n, band in enumerate(BANDS)
    )


def test_bits_and_activity_are_those_of_the_lungs_and_of_the_rest(model: Model) -> None:
    in_lungs, elsewhere = slab_of(3.0, 0.0), slab_of(0.0, 3.0)
    for slab, part in ((in_lungs, 0), (elsewhere, 1)):
        activity = slab.activity(STEP)
        assert activity[part] > 0
        assert activity[1 - part] == 0
        found = code(slab, STEP, model)
        bits = found.bits_by_region(frequencies_of(codes_of(found.counts)))
        assert bits[part] > np.count_nonzero(found.signs >= 0) > bits[1 - part] >= 0


def test_the_activity_is_the_sum_of_the_formula() -> None:
    many = np.count_nonzero(halves(FINEST) == LUNGS)
    assert slab_of(3.0, 0.0).activity(STEP)[0] == pytest.approx(many * np.log2(1 + 4 * 9.0), rel=0.1)


def test_a_cell_is_lung_from_a_seventh_of_its_voxels_on() -> None:
    regions = np.full((2, 8, 8), AIR, np.uint8)
    regions[:, 0, :] = BODY
    regions[:, 0, :] = LUNGS
    regions[:, 1, :2] = LUNGS
    assert grid_of(regions, 0).item() == LUNGS  # 20 of 128 voxels
    regions[:, 1, 1] = AIR
    assert grid_of(regions, 0).item() == BODY  # 18 of 128
    regions[:] = AIR
    assert grid_of(regions, 0).item() == AIR
