"""Noise of another texture than the lung's around was painted, smoothed or resampled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.nodules.in_scan import DrawnNodule
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.noise_texture import NoiseTexture
from napari_mits_gan.inspection.texture_network import TEXTURE_WEIGHTS, load_texture
from noisy_chest import make_lung_block, told_to_be_lung

SITE = (22, 60, 75)
BALL = (slice(12, 33), slice(42, 79), slice(57, 94))


@pytest.fixture(scope="module")
def lung():
    return make_lung_block()


def traces(volume):
    """What an untouched scan shows in fewer than one of a hundred cases."""
    method = NoiseTexture()
    found = method.traces(ExaminedScan.of(told_to_be_lung(volume)))
    return [trace for trace in found if method.false_alarms_per_scan(trace.score) < 1e-2]


def away_mm(volume, one, other):
    return float(np.linalg.norm((np.array(one) - other) * volume.spacing))


def test_a_removal_is_found_without_knowing_where_its_noise_came_from(lung, monkeypatch):
    monkeypatch.setattr("napari_mits_gan.attack.ctgan.pipeline.noise_spot", lambda shape: (18, 30, 30))
    first, *_ = traces(CTGAN.load("remove", "cpu").tamper(lung, SITE))
    assert first.kind == "unlike noise"
    assert away_mm(lung, first.at, SITE) < 16


def test_smoothed_lung_is_found_where_it_is(lung):
    hu = lung.hu.copy()
    hu[BALL] = np.round(ndimage.gaussian_filter(hu.astype(float), 0.8))[BALL]
    first, *_ = traces(replace(lung, hu=hu))
    assert away_mm(lung, first.at, SITE) < 8


def test_untouched_noise_is_no_trace(lung):
    assert traces(lung) == []


def test_a_nodule_in_untouched_noise_is_no_trace(lung):
    assert traces(DrawnNodule().tamper(lung, SITE)) == []


def test_the_shipped_weights_are_small_and_tell_what_they_were_trained_on():
    assert TEXTURE_WEIGHTS.stat().st_size < 2_000_000
    trained = load_texture().metadata
    assert not {"LIDC-IDRI-0001", "RIDER-Pilot-0117"} & set(trained["scans"])
    assert trained["forgers"]
