"""How sensitive an attacker is to plane waves, against waves that are really added to a scan."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from napari_mits_gan.attack.ctgan.attacker import CTGAN, scan_tensor
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, Cancelled
from napari_mits_gan.evaluation.disruption.fourier_sensitivity import (
    CYCLES_IN,
    FourierSensitivity,
    Wave,
    fourier_sensitivity,
)
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks


def measured(attacker: CTGAN, scan: CTVolume, sites: list[tuple[int, int, int]], wave: Wave, rms_hu: float) -> float:
    """Mean deviation when the wave is added to the attacker's cubes, over a cosine and a sine."""
    axis = 2 * np.pi / CYCLES_IN * torch.arange(32)
    phase = wave[0] * axis[:, None, None] + wave[1] * axis[None, :, None] + wave[2] * axis
    found = []
    with torch.inference_mode():
        cubes = attacker.tampering.cut_at_1mm(scan_tensor(scan), sites, scan.spacing)
        before = attacker.tampering.painted_core(cubes)
        for change in (torch.cos(phase), torch.sin(phase)):
            after = attacker.tampering.painted_core(cubes + 2**0.5 * rms_hu * change)
            found.append(float((after - before).square().mean()))
    return float(np.mean(found))


@pytest.fixture(scope="module")
def fixed_window(small_chest) -> tuple[CTGAN, list[tuple[int, int, int]], FourierSensitivity]:
    """An attacker without histogram equalisation, sites, and its sensitivity there; 192 probes leave 7 %."""
    attacker = CTGAN.load("inject-fixed-window", "cpu")
    sites = random_lung_clicks(small_chest, 4, seed=1)
    return attacker, sites, fourier_sensitivity(attacker, small_chest, sites, probes=48)


@pytest.mark.parametrize("wave", [(0.0, 0.0, 0.0), (0.0, 7.5, 0.0), (0.0, 0.0, 3.0), (1.0, -2.0, 0.5)])
def test_the_sensitivity_to_a_wave_is_what_a_small_wave_causes(small_chest, fixed_window, wave):
    attacker, sites, sensitivity = fixed_window
    reached = measured(attacker, small_chest, sites, wave, 2.0)
    assert sensitivity.deviation(wave, 2.0) == pytest.approx(reached, rel=0.25)


def test_the_upper_bound_is_reached_by_its_wave(small_chest):
    attacker = CTGAN.load("inject", "cpu")
    sites = random_lung_clicks(small_chest, 6, seed=2)
    sensitivity = fourier_sensitivity(attacker, small_chest, sites, probes=16)
    most, reached = (
        sensitivity.upper_bound(1.0),
        measured(attacker, small_chest, sites, sensitivity.strongest_wave(), 1.0),
    )
    assert reached == pytest.approx(most, rel=0.4)
    for wave in ((0.0, 0.0, 0.0), (0.0, 3.0, 0.0), (4.0, 4.0, 4.0)):
        assert measured(attacker, small_chest, sites, wave, 1.0) < reached / 3


def sensitivity_to(waves: dict[tuple[int, int, int], float]) -> FourierSensitivity:
    values = np.zeros((64, 64, 64))
    for (z, y, x), value in waves.items():
        values[z, y, x] = values[-z, -y, -x] = value
    return FourierSensitivity(values, 1)


def test_the_strongest_wave_and_the_one_that_keeps_local_means():
    sensitivity = sensitivity_to({(24, 2, 0): 4e-5, (0, 3, 30): 1e-5})
    assert sensitivity.strongest_wave() == (6.0, 0.5, 0.0)
    assert sensitivity.strongest_wave(keep_local_mean=True) == (0.0, 0.75, 7.5)
    assert sensitivity.upper_bound(20) == pytest.approx(4e-5 * 400)
    assert sensitivity.upper_bound(20, keep_local_mean=True) == pytest.approx(1e-5 * 400)
    assert sensitivity.minimum_budget_hu(0.0125) == pytest.approx((0.0125 / 4e-5) ** 0.5)


def test_nothing_is_enough_without_any_sensitivity():
    sensitivity = sensitivity_to({})
    assert sensitivity.upper_bound(40) == 0
    assert sensitivity.minimum_budget_hu() == float("inf")


@given(st.tuples(*[st.integers(-32, 31)] * 3), st.floats(1e-8, 1e-3))
def test_a_wave_and_its_opposite_are_one(steps, value):
    z, y, x = steps
    sensitivity = sensitivity_to({steps: value})
    wave = (z / 4, y / 4, x / 4)
    assert sensitivity.deviation(wave, 3.0) == pytest.approx(9 * value)
    assert sensitivity.deviation((-wave[0], -wave[1], -wave[2]), 3.0) == pytest.approx(9 * value)
    assert sensitivity.deviation(sensitivity.strongest_wave(), 3.0) == pytest.approx(9 * value)


def test_scans_are_pooled_by_their_places():
    one, other = sensitivity_to({(0, 30, 0): 3e-5}), sensitivity_to({(0, 30, 0): 6e-5})
    pooled = FourierSensitivity.pooled([one, dataclasses.replace(other, sites=2)])
    assert pooled.sites == 3
    assert pooled.deviation((0, 7.5, 0), 1.0) == pytest.approx(5e-5)


@pytest.mark.parametrize("wave", [(0.0, 0.0, 0.0), (0.0, 7.5, 0.0), (2.0, -3.0, 5.0)])
def test_a_blur_weakens_a_wave_as_scipy_does(wave):
    voxel, sigma = (1.25, 0.75, 0.5), 0.6
    # 128 voxels hold whole cycles of each.
    z, y, x = (np.arange(128) * 2 * np.pi * c * size / CYCLES_IN for c, size in zip(wave, voxel, strict=True))
    change = np.cos(z[:, None, None] + y[:, None] + x)
    blurred = ndimage.gaussian_filter(change, sigma, mode="wrap", truncate=6)
    left = np.square(blurred).mean() / np.square(change).mean()
    sensitivity = FourierSensitivity(np.ones((64, 64, 64)), 1)
    assert sensitivity.after_blur(sigma, voxel).deviation(wave, 1.0) == pytest.approx(left, rel=1e-3)


def test_a_blur_leaves_out_what_thick_slices_cannot_hold():
    sensitivity = FourierSensitivity(np.ones((64, 64, 64)), 1).after_blur(0.5, (2.5, 0.75, 0.75))
    assert sensitivity.deviation((3.0, 0.0, 0.0), 1.0) > 0
    assert sensitivity.deviation((3.5, 0.0, 0.0), 1.0) == 0


def test_the_spectrum_of_a_real_gradient_is_symmetric(small_chest, attackers):
    values = fourier_sensitivity(attackers["inject"], small_chest, [(20, 32, 19)], probes=2).per_hu2
    mirrored = np.roll(values[::-1, ::-1, ::-1], (1, 1, 1), axis=(0, 1, 2))
    np.testing.assert_allclose(values, mirrored, rtol=1e-3, atol=1e-12)


def test_the_same_seed_gives_the_same_answer(small_chest, attackers):
    sites = [(20, 32, 19)]
    first, second, third = (
        fourier_sensitivity(attackers["inject"], small_chest, sites, probes=1, seed=seed).per_hu2 for seed in (0, 0, 1)
    )
    assert np.array_equal(first, second)
    assert not np.allclose(first, third, rtol=1e-2)


def test_it_can_be_cancelled_and_wants_a_place(small_chest, attackers):
    def stop(done: int, total: int, /) -> None:
        raise Cancelled(f"{done} of {total}")

    with pytest.raises(Cancelled, match="1 of 1"):
        fourier_sensitivity(attackers["inject"], small_chest, [(20, 32, 19)], probes=1, progress=stop)
    with pytest.raises(AttackError, match="no site"):
        fourier_sensitivity(attackers["inject"], small_chest, [])
