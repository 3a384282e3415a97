"""Voxels that may go either way go the way that takes back the errors around them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.evidence.carriers import CarrierRule, nearest_changes
from napari_mits_gan.evidence.error_diffusion import (
    CURVE,
    EITHER,
    LOWERED,
    NOTHING,
    RAISED,
    RATHER_DOWN,
    RATHER_UP,
    changes_of,
    coded,
    moved_upwards,
)


def test_the_curve_goes_through_all_voxels_of_a_block_from_neighbour_to_neighbour() -> None:
    y, x = CURVE // 16, CURVE % 16

    assert sorted(CURVE) == list(range(256))
    assert (np.abs(np.diff(y)) + np.abs(np.diff(x)) == 1).all()


@pytest.mark.parametrize("bits", [1, 2])
def test_the_error_owed_along_the_curve_never_grows(bits: int) -> None:
    size = 1 << bits
    rng = np.random.default_rng(bits)
    table = coded(*nearest_changes(CarrierRule(bits, -1024, 3071)), size)
    values, wanted = rng.integers(-1000, 400, (2, 3, 16, 4, 16)), rng.integers(0, size, (2, 3, 16, 4, 16))
    codes = table[values.astype(np.int16).view(np.uint16), wanted]

    change = changes_of(codes, moved_upwards(codes, size, 1), size)

    assert ((values + change) % size == wanted).all()
    along = change.transpose(0, 1, 3, 2, 4).reshape(-1, 256)[:, CURVE].cumsum(axis=1)
    assert np.abs(along).max() <= (1 if bits == 1 else 5)
    assert np.sqrt(np.mean(along**2.0)) < (0.75 if bits == 1 else 1.7)


@pytest.mark.parametrize("size", [2, 4])
def test_each_voxel_goes_the_way_that_its_rule_says(size: int) -> None:
    rng = np.random.default_rng(size)
    plain = [*range(NOTHING - size + 1, NOTHING + size), EITHER, *([RATHER_UP, RATHER_DOWN] if size == 4 else [])]
    codes = rng.choice(plain, (1, 2, 16, 3, 16)).astype(np.uint8)
    # Voxels whose lowest bit is drawn anew are decided first.
    codes[codes < RATHER_UP] += rng.choice([0, 0, 0, RAISED, LOWERED], (codes < RATHER_UP).sum()).astype(np.uint8)

    up = moved_upwards(codes, size, seed=3)

    starts = 2 * np.random.default_rng(3).integers(0, 2, 6, dtype=np.int16) - 1
    for block, start in enumerate(starts):
        place = (0, block // 3, slice(None), block % 3)
        owed = int(start)  # twice the error
        for code, goes_up in zip(codes[place].ravel()[CURVE].tolist(), up[place].ravel()[CURVE].tolist(), strict=True):
            kind = code % 16
            later = {0: 0, RAISED: 1, LOWERED: -1}[code - kind]
            if kind == EITHER:
                assert goes_up == (owed + later < 0)
                change = size // 2 if goes_up else -size // 2
            elif kind == RATHER_UP:
                assert goes_up == (owed + 2 <= 7)
                change = 1 if goes_up else -3
            elif kind == RATHER_DOWN:
                assert goes_up == (owed - 2 < -7)
                change = 3 if goes_up else -1
            else:
                change = kind - NOTHING
            owed += later + 2 * change


@pytest.mark.parametrize(("bits", "kept"), [(1, -950), (1, 8), (2, -950), (2, -949), (2, 7), (2, 8)])
def test_a_value_changes_by_less_than_a_level_and_crosses_nothing_that_is_kept(bits: int, kept: int) -> None:
    change, opposite = nearest_changes(CarrierRule(bits, -1024, 3071), [kept])
    before = np.arange(-1020, 3060).astype(np.int16)
    row = before.view(np.uint16)

    for back in (False, True):
        moved = change[row].astype(int)
        moved -= np.where(opposite[row] & back, np.sign(moved) << bits, 0)
        after = before[:, None] + moved
        assert (after % (1 << bits) == np.arange(1 << bits)).all()
        assert ((after < kept) == (before < kept)[:, None]).all()
        assert np.abs(moved).max() == (1 if bits == 1 else 3)
