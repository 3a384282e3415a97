"""What sealing changes in a scan, and what it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from evidence.sealed_scans import KEY, PADDING_HU, body, nonce, with_hu
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import Cancelled
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.lattice import SealError
from napari_mits_gan.evidence.seal import COUNTED_FROM_HU, seal


@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("padding", [False, True])
def test_values_change_by_no_more_than_promised_and_padding_stays(bits: int, padding: bool) -> None:
    scan = body((24, 112, 128), padding=padding)

    sealed = seal(scan, KEY, bits=bits, nonce=nonce(1))

    change = sealed.hu.astype(int) - scan.hu
    measured = np.ones(scan.shape, bool) if scan.padding is None else ~scan.padding
    assert np.abs(change).max() == (1 if bits == 1 else 3)
    assert np.sqrt(np.mean(change[measured] ** 2.0)) <= (0.75 if bits == 1 else 1.35)
    assert abs(change[measured].mean()) < 0.01
    assert not change[~measured].any()
    assert ((sealed.hu == PADDING_HU) == ~measured).all()


@pytest.mark.parametrize("lowest_bit", [None, 0, 1])
@pytest.mark.parametrize("bits", [1, 2])
def test_means_keep_and_so_does_on_which_side_of_a_threshold_a_voxel_lies(bits: int, lowest_bit: int | None) -> None:
    """Also where all values are even or odd, as rescaling by 2 leaves them."""
    scan = body((24, 112, 128), noise=40)
    if lowest_bit is not None:
        scan = with_hu(scan, (scan.hu & ~np.int16(1)) | np.int16(lowest_bit))

    sealed = seal(scan, KEY, bits=bits, nonce=nonce(1))

    for hu in COUNTED_FROM_HU:
        assert (scan.hu < hu).any()
        assert ((scan.hu < hu) == (sealed.hu < hu)).all()
    change = sealed.hu.astype(float) - scan.hu
    assert np.abs(change).max() <= (1 if bits == 1 else 3)
    assert abs(change.mean()) < 0.01
    means = ndimage.uniform_filter(change, (0, 14, 14))[:, 7:-7, 7:-7]
    assert np.percentile(np.abs(means), 95) < 0.1


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(32, 75), st.integers(32, 75)),
    bits=st.sampled_from([1, 2]),
    padding=st.booleans(),
    seed=st.integers(0, 100),
)
@settings(max_examples=40)
def test_a_sealed_scan_is_intact_whatever_its_size(
    shape: tuple[int, int, int], bits: int, padding: bool, seed: int
) -> None:
    try:
        sealed = seal(body(shape, seed, padding), KEY, bits=bits, with_copy=False, nonce=nonce(seed))
    except SealError as error:
        assert "padding" in str(error) or "too small" in str(error)  # noqa: PT017
        assert shape[1] * shape[2] * shape[0] < 64 * 64 * 9
        return

    verdict = verify(with_hu(sealed, sealed.hu), KEY)

    assert verdict.is_intact, verdict.text()
    assert verdict.blocks == shape[0] * -(-shape[1] // 16) * -(-shape[2] // 16)


@given(
    lowest=st.integers(-32768, 32000), span=st.integers(2, 600), seed=st.integers(0, 50), bits=st.sampled_from([1, 2])
)
@settings(max_examples=30)
def test_values_at_the_ends_of_the_range_stay_within_it(lowest: int, span: int, seed: int, bits: int) -> None:
    rng = np.random.default_rng(seed)
    hu = rng.integers(lowest, min(32767, lowest + span), (8, 64, 64), endpoint=True).astype(np.int16)
    scan = CTVolume(hu, (1.0, 1.0, 1.0), padding=np.zeros(hu.shape, bool))

    sealed = seal(scan, KEY, bits=bits, with_copy=False, nonce=nonce(seed))

    assert np.abs(sealed.hu.astype(int) - hu).max() <= (1 if bits == 1 else 3)
    assert verify(sealed, KEY).is_intact


def test_the_history_says_that_it_was_sealed_and_nothing_of_the_key() -> None:
    sealed = seal(body(), KEY, bits=2, nonce=nonce(7))

    step = sealed.history[-1]
    told = repr(dict(step.parameters))

    assert step.kind == "seal"
    assert step.parameters["copy_bytes"] > 0
    assert bytes(range(32)).hex() not in told
    assert nonce(7).hex() not in told


def test_two_seals_of_the_same_scan_differ() -> None:
    scan = body()

    first, second = seal(scan, KEY, bits=2), seal(scan, KEY, bits=2)

    assert (first.hu != second.hu).mean() > 0.3


def test_a_scan_without_room_for_its_copy_is_sealed_for_detection_only() -> None:
    sealed = seal(body((3, 64, 64)), KEY, nonce=nonce(3))

    verdict = verify(sealed, KEY)

    assert sealed.history[-1].parameters["copy_bytes"] == 0
    assert verdict.is_intact
    assert "detection only" in verdict.text()


@pytest.mark.parametrize(
    ("scan", "said"),
    [
        (body((5, 16, 16)), "too small"),
        (CTVolume(np.full((3, 64, 64), -1000, np.int16), (1, 1, 1), padding=np.ones((3, 64, 64), bool)), "padding"),
        (replace(body(), history=(Step("attack"),)), "simulated attack"),
    ],
)
def test_what_cannot_be_sealed_is_refused_in_a_sentence(scan: CTVolume, said: str) -> None:
    with pytest.raises(SealError, match=said):
        seal(scan, KEY)


def test_sealing_can_be_cancelled() -> None:
    def stop(done: int, total: int, /) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        seal(body(), KEY, progress=stop)


def test_progress_ascends_to_its_total() -> None:
    told: list[tuple[int, int]] = []

    seal(body(), KEY, bits=2, progress=lambda done, total, /: told.append((done, total)))

    assert [d for d, _ in told] == sorted(d for d, _ in told)
    assert told[-1][0] == told[-1][1]
