"""How an attacker answers to plane waves, against waves that are really added to a scan."""

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
from napari_mits_gan.evaluation.clicks import random_lung_clicks
from napari_mits_gan.evaluation.wave_response import CYCLES_IN, Wave, WaveResponse, wave_response


def measured(attacker: CTGAN, scan: CTVolume, places: list[tuple[int, int, int]], wave: Wave, rms_hu: float) -> float:
    """Mean deviation when the wave is added to the attacker's cubes, over a cosine and a sine."""
    axis = 2 * np.pi / CYCLES_IN * torch.arange(32)
    phase = wave[0] * axis[:, None, None] + wave[1] * axis[None, :, None] + wave[2] * axis
    found = []
    with torch.inference_mode():
        cubes = attacker.tampering.cut_at_1mm(scan_tensor(scan), places, scan.spacing)
        before = attacker.tampering.painted_core(cubes)
        for change in (torch.cos(phase), torch.sin(phase)):
            after = attacker.tampering.painted_core(cubes + 2**0.5 * rms_hu * change)
            found.append(float((after - before).square().mean()))
    return float(np.mean(found))


@pytest.mark.parametrize("wave", [(0.0, 0.0, 0.0), (0.0, 7.5, 0.0), (0.0, 0.0, 3.0), (1.0, -2.0, 0.5)])
def test_the_answer_to_a_wave_is_what_a_small_wave_does(small_chest, wave):
    attacker = CTGAN.load("inject-fixed-window", "cpu")
    places = random_lung_clicks(small_chest, 4, seed=1)
    response = wave_response(attacker, small_chest, places, probes=48)
    # 192 probes leave 7 %.
    assert response.to(wave, 2.0) == pytest.approx(measured(attacker, small_chest, places, wave, 2.0), rel=0.25)


def test_the_ceiling_is_reached_by_its_wave(small_chest):
    attacker = CTGAN.load("inject", "cpu")
    places = random_lung_clicks(small_chest, 6, seed=2)
    response = wave_response(attacker, small_chest, places, probes=16)
    most, reached = response.ceiling(1.0), measured(attacker, small_chest, places, response.strongest(), 1.0)
    assert reached == pytest.approx(most, rel=0.4)
    for wave in ((0.0, 0.0, 0.0), (0.0, 3.0, 0.0), (4.0, 4.0, 4.0)):
        assert measured(attacker, small_chest, places, wave, 1.0) < reached / 3


def response_to(waves: dict[tuple[int, int, int], float]) -> WaveResponse:
    values = np.zeros((64, 64, 64))
    for (z, y, x), value in waves.items():
        values[z, y, x] = values[-z, -y, -x] = value
    return WaveResponse(values, 1)


def test_the_strongest_wave_and_the_one_that_keeps_local_means():
    response = response_to({(24, 2, 0): 4e-5, (0, 3, 30): 1e-5})
    assert response.strongest() == (6.0, 0.5, 0.0)
    assert response.strongest(keep_local_mean=True) == (0.0, 0.75, 7.5)
    assert response.ceiling(20) == pytest.approx(4e-5 * 400)
    assert response.ceiling(20, keep_local_mean=True) == pytest.approx(1e-5 * 400)
    assert response.least_hu(0.0125) == pytest.approx((0.0125 / 4e-5) ** 0.5)


def test_nothing_is_enough_where_nothing_is_answered_to():
    response = response_to({})
    assert response.ceiling(40) == 0
    assert response.least_hu() == float("inf")


@given(st.tuples(*[st.integers(-32, 31)] * 3), st.floats(1e-8, 1e-3))
def test_a_wave_and_its_opposite_are_one(steps, value):
    z, y, x = steps
    response = response_to({steps: value})
    wave = (z / 4, y / 4, x / 4)
    assert response.to(wave, 3.0) == pytest.approx(9 * value)
    assert response.to((-wave[0], -wave[1], -wave[2]), 3.0) == pytest.approx(9 * value)
    assert response.to(response.strongest(), 3.0) == pytest.approx(9 * value)


def test_scans_are_pooled_by_their_places():
    one, other = response_to({(0, 30, 0): 3e-5}), response_to({(0, 30, 0): 6e-5})
    pooled = WaveResponse.pooled([one, dataclasses.replace(other, places=2)])
    assert pooled.places == 3
    assert pooled.to((0, 7.5, 0), 1.0) == pytest.approx(5e-5)


@pytest.mark.parametrize("wave", [(0.0, 0.0, 0.0), (0.0, 7.5, 0.0), (2.0, -3.0, 5.0)])
def test_a_blur_weakens_a_wave_as_scipy_does(wave):
    voxel, sigma = (1.25, 0.75, 0.5), 0.6
    # 128 voxels hold whole cycles of each.
    z, y, x = (np.arange(128) * 2 * np.pi * c * size / CYCLES_IN for c, size in zip(wave, voxel, strict=True))
    change = np.cos(z[:, None, None] + y[:, None] + x)
    blurred = ndimage.gaussian_filter(change, sigma, mode="wrap", truncate=6)
    left = np.square(blurred).mean() / np.square(change).mean()
    response = WaveResponse(np.ones((64, 64, 64)), 1)
    assert response.after_blur(sigma, voxel).to(wave, 1.0) == pytest.approx(left, rel=1e-3)


def test_a_blur_leaves_out_what_thick_slices_cannot_hold():
    response = WaveResponse(np.ones((64, 64, 64)), 1).after_blur(0.5, (2.5, 0.75, 0.75))
    assert response.to((3.0, 0.0, 0.0), 1.0) > 0
    assert response.to((3.5, 0.0, 0.0), 1.0) == 0


def test_the_spectrum_of_a_real_gradient_is_symmetric(small_chest, attackers):
    values = wave_response(attackers["inject"], small_chest, [(20, 32, 19)], probes=2).per_hu2
    mirrored = np.roll(values[::-1, ::-1, ::-1], (1, 1, 1), axis=(0, 1, 2))
    np.testing.assert_allclose(values, mirrored, rtol=1e-3, atol=1e-12)


def test_the_same_seed_gives_the_same_answer(small_chest, attackers):
    places = [(20, 32, 19)]
    first, second, third = (
        wave_response(attackers["inject"], small_chest, places, probes=1, seed=seed).per_hu2 for seed in (0, 0, 1)
    )
    assert np.array_equal(first, second)
    assert not np.allclose(first, third, rtol=1e-2)


def test_it_can_be_cancelled_and_wants_a_place(small_chest, attackers):
    def stop(done: int, total: int, /) -> None:
        raise Cancelled(f"{done} of {total}")

    with pytest.raises(Cancelled, match="1 of 1"):
        wave_response(attackers["inject"], small_chest, [(20, 32, 19)], probes=1, progress=stop)
    with pytest.raises(AttackError, match="no place"):
        wave_response(attackers["inject"], small_chest, [])
