"""Nodules drawn into whole scans: where and as large as asked, at any spacing, and nothing else changes."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
from napari_mits_gan.attack.nodules.rules import NoduleShape, random_nodule
from napari_mits_gan.ct.image.labels import label_of
from napari_mits_gan.ct.volume import CTVolume

ROUND = NoduleShape(
    diameter_mm=12.0,
    solid_hu=40.0,
    rim_hu=float("nan"),
    elongation=(1.0, 1.0, 1.0),
    lobulation=0.0,
    spicules=0,
    edge_mm=0.7,
    seed=1,
)


def _lung(spacing: tuple[float, float, float], side_mm: float = 60) -> CTVolume:
    shape = tuple(int(side_mm / s) for s in spacing)
    hu = np.random.default_rng(0).normal(-870, 20, shape)
    return CTVolume(np.round(hu).astype(np.int16), spacing)


@settings(max_examples=20, deadline=None)
@given(
    spacing=st.tuples(st.floats(0.6, 3.0), st.floats(0.5, 1.2), st.floats(0.5, 1.2)),
    diameter_mm=st.floats(8, 20),
    shift=st.tuples(*3 * (st.integers(-3, 3),)),
)
def test_it_has_its_size_and_place_at_any_spacing(spacing, diameter_mm, shift):
    lung = _lung(spacing)
    at = tuple(n // 2 + s for n, s in zip(lung.shape, shift, strict=True))
    drawn = implant_in_scan(lung, dataclasses.replace(ROUND, diameter_mm=diameter_mm), at)
    inside = drawn.hu > -415
    volume_mm3 = inside.sum() * np.prod(spacing)
    assert (6 * volume_mm3 / np.pi) ** (1 / 3) == pytest.approx(diameter_mm, abs=1.2)
    off_mm = (np.argwhere(inside).mean(axis=0) - at) * spacing
    assert np.linalg.norm(off_mm) < 0.7


def test_nothing_gets_darker_and_what_is_far_stays():
    lung, rng = _lung((2.5, 0.7, 0.7), side_mm=90), np.random.default_rng(1)
    at = tuple(n // 2 for n in lung.shape)
    away_mm = np.linalg.norm((np.indices(lung.shape).T - at) * lung.spacing, axis=-1).T
    for _ in range(8):
        nodule = random_nodule(rng, (4.0, 20.0))
        change = implant_in_scan(lung, nodule, at).hu.astype(int) - lung.hu
        assert change.min() >= 0
        assert change[away_mm < 1].min() > 100
        assert not change[away_mm > 1.9 * nodule.diameter_mm + 6].any()


def test_padding_stays():
    lung = _lung((1.0, 1.0, 1.0))
    padding = np.zeros(lung.shape, bool)
    padding[30:, 30, 30] = True
    padded = dataclasses.replace(lung, padding=padding)
    drawn = implant_in_scan(padded, ROUND, (30, 30, 30))
    np.testing.assert_array_equal(drawn.hu[padding], lung.hu[padding])
    assert (drawn.hu != lung.hu).any()


@pytest.mark.parametrize("at", [(0, 0, 0), (59, 30, 0), (2, 57, 58)])
def test_at_the_border_the_part_inside_is_drawn(at):
    lung = _lung((1.0, 1.0, 1.0))
    drawn = implant_in_scan(lung, ROUND, at)
    assert drawn.shape == lung.shape
    assert drawn.hu[at] > -300


def test_it_is_labelled_as_an_attack_with_what_recreates_it():
    drawn = implant_in_scan(_lung((1.0, 1.0, 1.0)), ROUND, (30, 30, 30))
    assert drawn.is_tampered
    assert "SIMULATED ATTACK" in label_of(drawn.history)
    told = json.loads(json.dumps(dict(drawn.history[-1].parameters), allow_nan=False))
    assert told["diameter_mm"] == 12.0
    assert told["rim_hu"] is None
