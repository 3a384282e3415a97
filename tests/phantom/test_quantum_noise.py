import numpy as np
import pytest

from napari_mits_gan.phantom.canvas import Grid
from napari_mits_gan.phantom.noise import BETWEEN_SLICES, amplitude, quantum_noise

GRID = Grid((24, 128, 128), (2.0, 1.3, 1.3))


@pytest.fixture(scope="module")
def noise():
    return quantum_noise(GRID, np.random.default_rng(0))


def test_it_has_mean_zero_and_deviation_one(noise):
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(1, abs=0.02)


def test_its_power_rises_with_frequency_and_falls_again(noise):
    power = np.mean(np.abs(np.fft.fft2(noise)) ** 2, axis=0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128, 1.3), np.fft.fftfreq(128, 1.3)))
    band = [power[(frequency >= low) & (frequency < low + 0.05)].mean() for low in (0.01, 0.06, 0.15, 0.33)]
    assert band[0] < band[1] < band[2] > band[3]


def test_neighbouring_pixels_are_correlated_and_slices_only_a_little(noise):
    in_plane = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    between = np.corrcoef(noise[1:].ravel(), noise[:-1].ravel())[0, 1]
    assert in_plane > 0.05
    assert between == pytest.approx(BETWEEN_SLICES / (1 + BETWEEN_SLICES**2), abs=0.03)


def test_no_power_at_frequency_zero_so_that_local_means_stay():
    assert amplitude(GRID)[0, 0] == 0
