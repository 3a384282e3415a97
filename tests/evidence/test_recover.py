"""What was there comes back, and what was not touched stays to the bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from evidence.sealed_scans import KEY, OTHER_KEY, PADDING_HU, body, nonce, with_hu
from napari_mits_gan.ct.volume import Step
from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.recover import recover
from napari_mits_gan.evidence.seal import seal

SHAPE = (24, 112, 128)


@pytest.fixture(scope="module")
def sealed():
    return seal(body(SHAPE, padding=True, noise=8), KEY, bits=2, nonce=nonce(1))


def _box(hu: NDArray[np.int16]) -> NDArray[np.int16]:
    out = hu.copy()
    out[5:9, 40:60, 40:60] = 300
    return out


_CHANGES: list[Callable[[NDArray[np.int16]], NDArray[np.int16]]] = [
    _box,
    lambda hu: np.delete(hu, 12, axis=0),
    lambda hu: np.insert(hu, 7, hu[20], axis=0),
    lambda hu: hu[[*range(3), 8, *range(4, 8), 3, *range(9, 24)]],
    lambda hu: hu[:, :, ::-1],
    lambda hu: hu[::-1],
    lambda hu: _box(hu)[:, ::-1],
    lambda hu: np.insert(_box(np.delete(hu, [11, 12], axis=0)), 2, np.int16(50), axis=0),
]


@pytest.mark.parametrize("number", range(len(_CHANGES)))
def test_the_scan_comes_back(sealed, number: int) -> None:
    tampered = with_hu(sealed, _CHANGES[number](sealed.hu))

    recovery = recover(tampered, KEY)

    error = recovery.volume.hu.astype(int) - sealed.hu
    assert recovery.volume.shape == sealed.shape
    assert not error[~recovery.healed].any()
    assert recovery.healed.mean() < 0.2
    measured = recovery.healed & ~sealed.padding
    if measured.any():
        assert np.sqrt(np.mean(error[measured] ** 2.0)) < 25
    assert np.array_equal(recovery.volume.hu == PADDING_HU, sealed.padding)
    assert recovery.volume.spacing == sealed.spacing
    assert np.allclose(recovery.volume.origin, sealed.origin)
    assert np.allclose(recovery.volume.direction, sealed.direction)


def test_the_difference_shows_what_was_done_in_hu(sealed) -> None:
    recovery = recover(with_hu(sealed, _box(sealed.hu)), KEY)

    inside = np.zeros(SHAPE, bool)
    inside[5:9, 40:60, 40:60] = True
    difference = recovery.difference_hu

    assert abs(np.median(difference[inside] - (300.0 - sealed.hu[inside]))) < 10
    assert not difference[~recovery.healed].any()
    assert np.abs(difference[recovery.healed & ~inside]).mean() < 40


def test_an_intact_scan_comes_back_as_it_is(sealed) -> None:
    recovery = recover(sealed, KEY)

    assert np.array_equal(recovery.volume.hu, sealed.hu)
    assert not recovery.healed.any()
    assert recovery.verdict.is_intact
    assert [step.kind for step in recovery.volume.history] == ["seal", "recovery"]


def test_a_healed_simulated_attack_is_still_labelled_as_one(sealed) -> None:
    attacked = replace(with_hu(sealed, _box(sealed.hu)), history=(*sealed.history, Step("attack", {})))

    assert recover(attacked, KEY).volume.is_tampered


@pytest.mark.parametrize("share", [0.1, 0.2])
def test_a_tenth_and_more_of_the_scan_may_be_lost(sealed, share: float) -> None:
    hu = sealed.hu.copy()
    hu[4 : 4 + round(share * len(hu))] = 77

    recovery = recover(with_hu(sealed, hu), KEY)

    assert recovery.healed.mean() >= share - 0.03
    assert not (recovery.volume.hu != sealed.hu)[~recovery.healed].any()


def test_too_much_tampering_is_refused_in_a_sentence(sealed) -> None:
    hu = sealed.hu.copy()
    hu[:14] = 77

    with pytest.raises(EvidenceError, match=r"Too much of this scan was changed|not even the seal's index"):
        recover(with_hu(sealed, hu), KEY)


def test_without_seal_or_copy_nothing_is_healed(sealed) -> None:
    with pytest.raises(EvidenceError, match="No seal of this key"):
        recover(sealed, OTHER_KEY)

    detection_only = seal(body(SHAPE), KEY, with_copy=False, nonce=nonce(2))
    with pytest.raises(EvidenceError, match="detection only"):
        recover(with_hu(detection_only, _box(detection_only.hu)), KEY)
