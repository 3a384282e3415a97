from __future__ import annotations

import itertools

import numpy as np
import pytest

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.measures.noise_spectrum import BAND_EDGES, NoiseSpectrum, noise_spectrum

SPACING = (2.0, 0.75, 0.75)


@pytest.fixture(scope="module")
def noisy() -> CTVolume:
    hu = -850 + np.random.default_rng(0).normal(0, 30, (20, 96, 96))
    return CTVolume(np.rint(hu).astype(np.int16), SPACING, name="noise")


def everywhere(volume: CTVolume) -> np.ndarray:
    return np.ones(volume.shape, dtype=bool)


def with_stripes(volume: CTVolume, amplitude_hu: float, cycles_per_mm: float) -> CTVolume:
    y = np.arange(volume.shape[1]) * volume.spacing[1]
    stripes = amplitude_hu * np.cos(2 * np.pi * cycles_per_mm * y)[None, :, None]
    return CTVolume(np.rint(volume.hu + stripes).astype(np.int16), volume.spacing)


def test_the_bands_of_white_noise_add_up_to_its_strength(noisy):
    found = noise_spectrum(noisy, with_stripes(noisy, 20, 0.45), everywhere(noisy))
    # The corners beyond the last edge hold the rest.
    assert 26 < np.sqrt(np.nansum(np.square(found.noise_hu))) <= 30.5
    assert all(np.isfinite(found.noise_hu))


def test_a_change_lies_in_the_band_of_its_frequency(noisy):
    found = noise_spectrum(noisy, with_stripes(noisy, 20, 0.45), everywhere(noisy))
    band = [low <= 0.45 < high for low, high in itertools.pairwise(BAND_EDGES)].index(True)
    assert found.change_hu[band] == pytest.approx(20 / np.sqrt(2), rel=0.05)
    # The window spreads a little of it into the bands beside; whole HU make a little white noise.
    assert max(v for i, v in enumerate(found.change_hu) if abs(i - band) > 1) < 0.5
    assert found.peak_ratio > 3


def test_anatomy_that_stays_from_slice_to_slice_is_no_noise(noisy):
    steep = CTVolume(noisy.hu + np.linspace(0, 600, 96).astype(np.int16)[None, :, None], SPACING)
    plain, found = (noise_spectrum(v, v, everywhere(v)) for v in (noisy, steep))
    assert found.noise_hu == pytest.approx(plain.noise_hu, rel=0.02)
    assert found.change_hu == (0.0,) * (len(BAND_EDGES) - 1)


def test_bands_that_coarse_pixels_cannot_hold_are_left_out(noisy):
    coarse = CTVolume(noisy.hu, (2.0, 1.5, 1.5))
    found = noise_spectrum(coarse, coarse, everywhere(coarse))
    assert [np.isnan(v) for v in found.noise_hu] == [low >= 1 / 3 for low in BAND_EDGES[:-1]]


def test_scans_are_pooled_by_their_patches():
    a = NoiseSpectrum((3.0, float("nan")), (0.0, float("nan")), 2.0, 300)
    b = NoiseSpectrum((1.0, 5.0), (4.0, 2.0), 1.0, 100)
    both = NoiseSpectrum.pooled([a, b])
    assert both.noise_hu == pytest.approx((np.sqrt((9 * 3 + 1) / 4), 5.0))
    assert both.change_hu == pytest.approx((2.0, 2.0))
    assert (both.peak_ratio, both.patches) == (2.0, 400)


def test_what_cannot_be_compared_is_refused(noisy):
    with pytest.raises(ProtectionError, match="other voxel positions"):
        noise_spectrum(noisy, CTVolume(noisy.hu[1:], SPACING), everywhere(noisy))
    with pytest.raises(ProtectionError, match="no square of 24 mm"):
        noise_spectrum(noisy, noisy, np.zeros(noisy.shape, dtype=bool))


def test_every_square_in_the_region_is_looked_at_in_all_slices_that_have_two_neighbours(noisy):
    # Squares of 24 mm are 32 pixels wide: 3 x 3 of them in each of 18 slices.
    assert noise_spectrum(noisy, noisy, everywhere(noisy)).patches == 18 * 9
    nearly, hardly = np.zeros(noisy.shape, dtype=bool), np.zeros(noisy.shape, dtype=bool)
    nearly[5, :32, :30] = True
    hardly[5, :32, :28] = True
    assert noise_spectrum(noisy, noisy, nearly).patches == 1
    with pytest.raises(ProtectionError, match="no square"):
        noise_spectrum(noisy, noisy, hardly)


def test_the_peak_is_over_the_noise(noisy):
    changed = with_stripes(noisy, 20, 0.45)
    found = noise_spectrum(noisy, changed, everywhere(noisy)).peak_ratio
    stripes = changed.hu - noisy.hu
    halved = CTVolume(np.rint((noisy.hu + 850) / 2 - 850).astype(np.int16), SPACING)
    twice = noise_spectrum(halved, CTVolume(halved.hu + stripes, SPACING), everywhere(noisy)).peak_ratio
    assert twice == pytest.approx(2 * found, rel=0.03)


def test_pixels_may_be_wider_than_high(noisy):
    wide = CTVolume(noisy.hu, (2.0, 0.75, 1.5))
    found = noise_spectrum(wide, with_stripes(wide, 20, 0.25), everywhere(wide))
    # The columns cannot hold a third of a cycle per mm.
    assert [np.isnan(v) for v in found.noise_hu] == [low >= 1 / 3 for low in BAND_EDGES[:-1]]
    assert found.change_hu[2] == pytest.approx(20 / np.sqrt(2), rel=0.05)
