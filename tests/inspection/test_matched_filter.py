from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_mits_gan.inspection import matched_filter
from napari_mits_gan.inspection.blocks import block_mean
from napari_mits_gan.inspection.matched_filter import correlate, over_neighbours


def by_hand(values, piece, middle):
    origin = [m - k // 2 for m, k in zip(middle, piece.shape, strict=True)]
    return ndimage.correlate(values.astype(np.float64), piece, mode="constant", origin=origin)


@settings(max_examples=15)
@given(
    shape=st.tuples(*[st.integers(3, 14)] * 3),
    piece=st.tuples(*[st.integers(1, 5)] * 3),
    where=st.tuples(*[st.floats(0, 0.99)] * 3),
    seed=st.integers(0, 99),
)
def test_every_place_is_what_a_direct_sum_gives(shape, piece, where, seed):
    rng = np.random.default_rng(seed)
    values, pattern = rng.normal(size=shape).astype(np.float32), rng.normal(size=piece).astype(np.float32)
    middle = tuple(int(w * n) for w, n in zip(where, piece, strict=True))
    found = correlate(lambda low, high: values[low:high], shape, pattern, middle)
    assert found == pytest.approx(by_hand(values, pattern, middle), abs=1e-4)


def test_slabs_join_without_a_seam(monkeypatch):
    rng = np.random.default_rng(0)
    values, pattern = rng.normal(size=(40, 12, 12)).astype(np.float32), rng.normal(size=(5, 4, 3)).astype(np.float32)
    asked = []

    def slab(low, high):
        asked.append((low, high))
        return values[low:high]

    monkeypatch.setattr(matched_filter, "_MOST_VOXELS", 2000)
    found = correlate(slab, values.shape, pattern, (2, 1, 1))
    assert len(asked) > 4
    assert found == pytest.approx(by_hand(values, pattern, (2, 1, 1)), abs=1e-4)


def test_blocks_at_the_end_are_means_of_what_there_is():
    values = np.arange(6 * 5, dtype=np.float32).reshape(1, 6, 5)
    found = block_mean(values)
    assert found.shape == (1, 2, 2)
    assert found[0, 1, 1] == values[0, 4:, 4:].mean()


def test_a_peak_stands_out_of_strong_neighbours_less_than_of_weak_ones():
    values = np.random.default_rng(0).normal(size=(12, 40, 80)).astype(np.float32)
    values[:, :, 40:] *= 6
    values[6, 20, 20] = values[6, 20, 60] = 30
    over_neighbours(values, (2, 8, 8))
    assert values[6, 20, 20] > 3 * values[6, 20, 60]
    assert values[:, :, :30].std() == pytest.approx(1.0, rel=0.3)
