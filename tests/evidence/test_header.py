"""The header is found again through noise and tampering, and nobody without the key sees where it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evidence.sealed_scans import KEY, body, nonce, with_hu
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.convolutional_code import coded_length, decode, encode
from napari_mits_gan.evidence.find_seal import find_seal
from napari_mits_gan.evidence.header import HEADER_BITS
from napari_mits_gan.evidence.layout import Grid, cell_order, header_bits
from napari_mits_gan.evidence.seal import seal
from napari_mits_gan.evidence.verdict import Kind

LONG = seal(body((300, 64, 64)), KEY, with_copy=False, nonce=nonce(1))
SHORT = seal(body((24, 96, 96)), KEY, with_copy=False, nonce=nonce(3))
FLAT = seal(body((64, 64, 64), noise=0.0), KEY, bits=2, nonce=nonce(2))


@given(seed=st.integers(0, 1000), bits=st.integers(1, 500))
@settings(max_examples=10)
def test_a_code_word_gives_its_message_back_though_a_fifth_is_missing_and_a_twentieth_wrong(
    seed: int, bits: int
) -> None:
    rng = np.random.default_rng(seed)
    message = rng.integers(0, 2, bits).astype(np.uint8)
    votes = encode(message).astype(np.int64) * 2 - 1
    assert len(votes) == coded_length(bits)
    votes[rng.random(len(votes)) < 0.05] *= -1
    votes[rng.random(len(votes)) < 0.2] = 0

    assert np.array_equal(decode(votes), message)


def _noisy(hu: NDArray[np.int16], share: float) -> NDArray[np.int16]:
    rng = np.random.default_rng(0)
    change = rng.choice(np.array([-1, 1], np.int16), hu.shape)
    return np.where(rng.random(hu.shape) < share, hu + change, hu).astype(np.int16)


@pytest.mark.parametrize("share", [0.01, 0.05, 0.2])
def test_the_seal_is_found_though_many_voxels_were_changed_by_one(share: float) -> None:
    found = find_seal(with_hu(LONG, _noisy(LONG.hu, share)), KEY)

    assert found is not None
    assert found.header.shape == LONG.shape


def test_noise_all_over_the_scan_is_named_as_such() -> None:
    scan = with_hu(SHORT, _noisy(SHORT.hu, 0.1))

    verdict = verify(scan, KEY)

    assert verdict.findings[0].kind is Kind.EVERYWHERE
    assert "None of the slices holds a block that is what was sealed" in verdict.findings[0].sentence
    assert verdict.changed_voxels().all()


def test_the_seal_is_found_though_most_of_the_lowest_bits_were_wiped() -> None:
    hu = LONG.hu.copy()
    hu[:, :48] &= ~np.int16(1)

    verdict = verify(with_hu(LONG, hu), KEY)

    assert [f.kind for f in verdict.findings] == [Kind.WIPED]
    assert verdict.findings[0].box == ((0, 300), (0, 48), (0, 64))


@given(seed=st.integers(0, 1000), slices=st.integers(3, 24), share=st.floats(0.0, 0.28))
@settings(max_examples=15)
def test_any_slices_in_any_order_tell_the_seal_though_blocks_were_changed(seed: int, slices: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    hu = SHORT.hu[rng.permutation(24)[:slices]].copy()
    blocks = hu.reshape(slices, 6, 16, 6, 16)
    changed = rng.random((slices, 6, 6)) < share
    blocks[changed.nonzero()[0], changed.nonzero()[1], :, changed.nonzero()[2]] += rng.integers(
        -50, 50, (16, 16), np.int16
    )

    found = find_seal(with_hu(SHORT, hu), KEY)

    assert found is not None
    assert found.header.shape == SHORT.shape
    assert not found.foreign


def _places(shape: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Voxels of a slice that carry the header; only the key tells."""
    grid = Grid(shape)
    order = cell_order(grid, KEY)[:, : header_bits(grid, HEADER_BITS)]
    row, column = np.divmod(np.arange(grid.per_slice), grid.columns)
    places = np.zeros(shape[1:], bool)
    places[row[:, None] * 16 + order // 16, column[:, None] * 16 + order % 16] = True
    return places


def _suspicion(hu: NDArray[np.int16]) -> NDArray[np.float64]:
    """How much each voxel's lowest bits, masked or not by what lies above, repeat themselves from slice to slice."""
    signs = (hu & 1) * 2.0 - 1
    return np.asarray(signs.sum(axis=0) ** 2)


@pytest.mark.parametrize("scan", [LONG, FLAT], ids=["noise", "every slice alike"])
def test_comparing_slices_does_not_show_where_the_header_is(scan) -> None:
    places, suspicion = _places(scan.shape), _suspicion(scan.hu)
    suspected = suspicion >= np.quantile(suspicion, 0.95)
    by_chance = places.mean()
    spread = np.sqrt(by_chance * (1 - by_chance) / suspected.sum())

    assert abs(places[suspected].mean() - by_chance) < 4 * spread


@pytest.mark.parametrize("lag", [1, 2, 8, 16])
def test_the_headers_voxels_agree_between_slices_no_more_than_by_chance(lag: int) -> None:
    places, low = _places(FLAT.shape), FLAT.hu & 1

    alike = (low[lag:] == low[:-lag])[:, places]

    assert abs(alike.mean() - 0.5) < 4 * 0.5 / np.sqrt(alike.size)


def test_spoiling_the_most_suspicious_voxels_does_not_hide_the_seal() -> None:
    suspicion = _suspicion(FLAT.hu)
    worst = suspicion >= np.quantile(suspicion, 0.9)
    hu = FLAT.hu.copy()
    hu[:, worst] ^= np.random.default_rng(0).integers(0, 2, hu[:, worst].shape).astype(np.int16)

    assert find_seal(with_hu(FLAT, hu), KEY) is not None
