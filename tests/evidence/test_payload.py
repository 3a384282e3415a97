"""The index and the copy come back as they were, and data from any sufficient set of symbols."""

from __future__ import annotations

import numpy as np
import pytest

from evidence.sealed_scans import body
from napari_mits_gan.evidence import fountain
from napari_mits_gan.evidence.copy_object import pack_copy, unpack_copy
from napari_mits_gan.evidence.regions import regions_of


def test_a_copy_comes_back_with_its_padding() -> None:
    scan = body((8, 48, 48), padding=True)
    assert scan.padding is not None

    hu, filler = unpack_copy(pack_copy(scan.hu, regions_of(scan), scan.padding, 20_000), scan.shape)

    assert hu.shape == scan.shape
    assert filler is not None
    assert np.array_equal(filler, scan.padding)


@pytest.mark.parametrize("length", [1, 7, 90, 5000])
@pytest.mark.parametrize("symbol_bytes", [1, 9, 27])
def test_any_sufficient_set_of_symbols_gives_the_data_back(length: int, symbol_bytes: int) -> None:
    rng = np.random.default_rng(length)
    data = rng.bytes(length)
    needed = fountain.symbols_needed(length, symbol_bytes)
    symbols = fountain.encode(data, symbol_bytes, 2 * needed)

    kept = rng.permutation(2 * needed)[:needed]

    assert fountain.decode(length, symbol_bytes, kept, symbols[kept]) == data
    assert fountain.most_bytes(needed, symbol_bytes) >= length
    few = kept[: fountain.source_symbols(length, symbol_bytes) - 1]
    with pytest.raises(fountain.NotEnoughSymbolsError):
        fountain.decode(length, symbol_bytes, few, symbols[few])


def test_data_of_several_parts_comes_back() -> None:
    rng = np.random.default_rng(0)
    data = rng.bytes(fountain.MOST_SYMBOLS + 1000)
    needed = fountain.symbols_needed(len(data), 1)
    symbols = fountain.encode(data, 1, round(1.3 * needed))

    kept = rng.permutation(len(symbols))[:needed]

    assert fountain.decode(len(data), 1, kept, symbols[kept]) == data
