"""Readers of what a seal carries meet anything, and raise nothing but their own error."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from evidence.sealed_scans import KEY, body, nonce
from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence import fountain
from napari_mits_gan.evidence.carriers import CarrierRule
from napari_mits_gan.evidence.copy_object import pack_copy, unpack_copy
from napari_mits_gan.evidence.encrypted import DamagedSealError, decrypt, encrypt
from napari_mits_gan.evidence.header import HEADER_BYTES, Header, unpack
from napari_mits_gan.evidence.index import APART, FLAT, Geometry, Index, unpack_index
from napari_mits_gan.evidence.lattice import Lattice
from napari_mits_gan.evidence.regions import regions_of

_INDEX = Index(
    Geometry((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), np.eye(3)),
    123,
    -2000,
    np.array([[0, FLAT, APART], [0, APART, APART]], np.uint8),
    np.array([1, 2, 3], np.uint32),
).pack()
_HEADER = Header(nonce(1), (5, 64, 80), CarrierRule(1, -1024, 3071), Lattice(), 400, 12)


def _spoiled(rng: np.random.Generator, data: bytes) -> bytes:
    kind = rng.integers(4)
    if kind == 0:
        return rng.bytes(int(rng.integers(0, 2 * len(data))))
    if kind == 1:
        return data[: int(rng.integers(0, len(data)))]
    spoiled = np.frombuffer(data, np.uint8).copy()
    places = rng.integers(0, len(spoiled), int(rng.integers(1, 4)))
    spoiled[places] = rng.integers(0, 256, len(places))
    return spoiled.tobytes() + (rng.bytes(3) if kind == 3 else b"")


def test_an_index_comes_back_or_is_refused() -> None:
    rng = np.random.default_rng(0)
    assert unpack_index(_INDEX, 2, 3).pack() == _INDEX

    for _ in range(20_000):
        with suppress(DamagedSealError):
            unpack_index(_spoiled(rng, _INDEX), 2, 3)


def test_a_header_comes_back_or_is_none() -> None:
    rng = np.random.default_rng(0)
    packed = _HEADER.pack(KEY)
    assert len(packed) == HEADER_BYTES
    assert unpack(packed, KEY) == _HEADER

    for _ in range(2_000):
        spoiled = _spoiled(rng, packed)
        assert spoiled == packed or unpack(spoiled, KEY) is None


def test_what_was_encrypted_comes_back_or_is_refused() -> None:
    rng = np.random.default_rng(0)
    key, data = rng.bytes(32), rng.bytes(100)
    sealed = encrypt(data, key)
    assert decrypt(sealed, key) == data

    for _ in range(20_000):
        spoiled = _spoiled(rng, sealed)
        if spoiled != sealed:
            with pytest.raises(DamagedSealError):
                decrypt(spoiled, key)


def test_a_copy_comes_back_or_is_refused() -> None:
    rng = np.random.default_rng(0)
    scan = body((8, 48, 48), padding=True)
    assert scan.padding is not None
    packed = pack_copy(scan.hu, regions_of(scan), scan.padding, 20_000)
    hu, filler = unpack_copy(packed, scan.shape)
    assert hu.shape == scan.shape
    assert filler is not None
    assert np.array_equal(filler, scan.padding)

    for _ in range(100):
        with suppress(EvidenceError):
            unpack_copy(_spoiled(rng, packed), scan.shape)


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
