"""Readers of keys, seals, copies, manifests and sidecars meet anything, and raise nothing but their own error.

`MITS_GAN_FUZZ_EXAMPLES=20000` has each of them meet as many inputs.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evidence.sealed_scans import KEY, body, nonce
from napari_mits_gan.errors import EvidenceError, WriteError
from napari_mits_gan.evidence import fountain
from napari_mits_gan.evidence.carriers import CarrierRule
from napari_mits_gan.evidence.convolutional_code import encode
from napari_mits_gan.evidence.copy_object import pack_copy, unpack_copy
from napari_mits_gan.evidence.encrypted import decrypt, encrypt
from napari_mits_gan.evidence.header import HEADER_BYTES, Header, unpack
from napari_mits_gan.evidence.header_places import code_word, header_of_votes
from napari_mits_gan.evidence.index import APART, FLAT, Geometry, Index, unpack_index
from napari_mits_gan.evidence.key import read_key, write_key
from napari_mits_gan.evidence.lattice import Lattice
from napari_mits_gan.evidence.manifest import read_manifest, signed_manifest, signer_of
from napari_mits_gan.evidence.public_key import read_public_key, write_public_key
from napari_mits_gan.evidence.regions import LUNGS
from napari_mits_gan.evidence.sidecar import restore, write_sidecar
from napari_mits_gan.evidence.sidecar_records import Records

EXAMPLES = int(os.environ.get("MITS_GAN_FUZZ_EXAMPLES", "200"))
_SIGNER = signer_of(KEY)
_SCAN = body((4, 32, 32), padding=True)
_ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    2**31,
    2**70,
    1.5,
    "",
    "x",
    "0" * 64,
    [],
    {},
    [[]],
    ["0"],
    {"a": {}},
    "é",
    "9" * 400,
]


def _spoiled(rng: np.random.Generator, data: bytes) -> bytes:
    """Another input made of a good one: random, cut off, with bytes changed, put in, left out, repeated."""
    kind = int(rng.integers(8))
    if kind == 0:
        return rng.bytes(int(rng.integers(0, 2 * len(data) + 1)))
    at, end = sorted(int(n) for n in rng.integers(0, len(data) + 1, 2))
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + data[end:]
    if kind == 3:
        return data[:end] + data[at:]
    if kind == 4:
        return data[:at] + rng.bytes(int(rng.integers(1, 20))) + data[at:]
    spoiled = bytearray(data)
    for place in rng.integers(0, len(data), int(rng.integers(1, 5))):
        if kind == 5:
            spoiled[place] ^= 1 << int(rng.integers(8))
        elif kind == 6:
            spoiled[place] = int(rng.choice([0, 1, 127, 128, 255]))
        else:  # a whole field
            spoiled[place : place + 4] = rng.choice(
                [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80"]
            )
    return bytes(spoiled)


def _spoiled_json(rng: np.random.Generator, value: Any) -> Any:
    """The same document with one of its parts, wherever it lies, replaced, left out or doubled."""
    if isinstance(value, (dict, list)) and value and rng.random() < 0.7:
        copy: Any = value.copy()
        at = list(value)[int(rng.integers(len(value)))] if isinstance(value, dict) else int(rng.integers(len(value)))
        change = int(rng.integers(5))
        if change == 0:
            del copy[at]
        elif change == 1 and isinstance(copy, list):
            copy.insert(at, copy[at])
        else:
            copy[at] = _spoiled_json(rng, value[at])
        return copy
    return _ODD[int(rng.integers(len(_ODD)))]


def _meets(read: Callable[[bytes], object], good: bytes, seed: int = 0) -> None:
    rng = np.random.default_rng(seed)
    read(good)
    for _ in range(EXAMPLES):
        with suppress(EvidenceError):
            read(_spoiled(rng, good))


def test_header() -> None:
    header = Header(nonce(1), (5, 64, 80), CarrierRule(1, -1024, 3071), Lattice(), 400, 12)
    good = header.pack(KEY)
    assert len(good) == HEADER_BYTES
    assert unpack(good, KEY) == header
    rng = np.random.default_rng(0)

    for _ in range(EXAMPLES):
        spoiled = _spoiled(rng, good)
        assert spoiled == good or unpack(spoiled, KEY) is None


def test_header_read_from_votes() -> None:
    header = Header(nonce(1), (5, 64, 80), CarrierRule(2, -1024, 3071, (-10, 10)), Lattice(2.0, -1024.0), 400, 12)
    word = code_word(header, KEY).astype(np.int64) * 2 - 1
    assert header_of_votes(word, KEY) == header
    rng = np.random.default_rng(0)

    for _ in range(EXAMPLES // 4):
        votes = rng.integers(-3, 4, len(word)) + word * int(rng.integers(0, 2))
        assert header_of_votes(votes, KEY) in (None, header)
        message = np.unpackbits(np.frombuffer(rng.bytes(HEADER_BYTES), np.uint8))
        assert header_of_votes(encode(message).astype(np.int64) * 2 - 1, KEY) is None


def test_index() -> None:
    states = np.array([[0, FLAT, APART], [0, APART, APART]], np.uint8)
    geometry = Geometry((1.0, 2.0, 3.0), (4.0, 5.0, 6.0), np.eye(3))
    good = Index(geometry, 123, -2000, states, np.array([1, 2, 3], np.uint32)).pack()
    assert unpack_index(good, 2, 3).pack() == good

    _meets(lambda data: unpack_index(data, 2, 3), good)


def test_encrypted() -> None:
    good = encrypt(bytes(100), KEY.derive("fuzz"))
    rng = np.random.default_rng(0)

    for _ in range(EXAMPLES):
        spoiled = _spoiled(rng, good)
        if spoiled != good:
            with pytest.raises(EvidenceError):
                decrypt(spoiled, KEY.derive("fuzz"))


def test_payload() -> None:
    """Symbols of any number and content give some bytes or none; what they are, encryption tells."""
    data = bytes(range(90))
    needed = fountain.symbols_needed(len(data), 9)
    symbols = fountain.encode(data, 9, 2 * needed)
    rng = np.random.default_rng(0)

    for _ in range(EXAMPLES):
        numbers = rng.choice(len(symbols), int(rng.integers(0, len(symbols))), replace=False)
        content = symbols[numbers]
        if rng.random() < 0.5 and len(numbers):
            content[int(rng.integers(len(numbers)))] = rng.integers(0, 256, 9)
        with suppress(fountain.NotEnoughSymbolsError):
            assert len(fountain.decode(len(data), 9, numbers, content)) == len(data)


@pytest.mark.parametrize("with_checksum", [False, True], ids=["as it is", "its checksum made right"])
def test_copy(with_checksum: bool) -> None:
    scan = body((6, 32, 48), noise=8)
    good = pack_copy(scan.hu, np.full(scan.shape, LUNGS, np.uint8), np.zeros(scan.shape, bool), 3000)
    assert len(good) > 1000  # there is something in it

    def read(data: bytes) -> object:
        if with_checksum and len(data) > 9:
            start = 5 + int.from_bytes(data[1:5], "little")
            data = data[:-4] + zlib.crc32(data[start:-4]).to_bytes(4, "little")
        return unpack_copy(data, scan.shape)

    _meets(read, good)


def test_manifest() -> None:
    good = signed_manifest(_SCAN, _SIGNER, _SCAN)
    _meets(lambda data: read_manifest(data, _SIGNER.public_key()), good)
    _meets(read_manifest, good, seed=1)
    rng, document = np.random.default_rng(0), json.loads(good)

    for _ in range(EXAMPLES):
        with suppress(EvidenceError):
            read_manifest(json.dumps(_spoiled_json(rng, document)).encode())


def test_key_file(tmp_path: Path) -> None:
    file = write_key(KEY, tmp_path / "key")

    def read(data: bytes) -> object:
        file.write_bytes(data)
        return read_key(file)

    _meets(read, file.read_bytes())


def test_public_key_file(tmp_path: Path) -> None:
    file = write_public_key(_SIGNER.public_key(), tmp_path / "key.pub")

    def read(data: bytes) -> object:
        file.write_bytes(data)
        return read_public_key(file)

    _meets(read, file.read_bytes())


@pytest.fixture
def sidecar(dicom_series: Callable[..., Any], tmp_path: Path) -> Any:
    from napari_mits_gan.ct.read import read_ct

    volume = read_ct(dicom_series(shape=(2, 16, 12)).folder)
    return volume, write_sidecar(volume, volume, KEY, tmp_path / "scan.restore")


def test_sidecar(sidecar: Any, tmp_path: Path) -> None:
    volume, file = sidecar
    good = file.read_bytes()
    rng = np.random.default_rng(0)
    assert restore(volume, file, KEY, tmp_path / "good")

    for _ in range(EXAMPLES):
        spoiled = _spoiled(rng, good)
        if spoiled != good:
            file.write_bytes(spoiled)
            with pytest.raises(EvidenceError):
                restore(volume, file, KEY, tmp_path / "back")
            assert not (tmp_path / "back").exists()


def test_sidecar_that_another_holder_of_the_key_wrote(sidecar: Any, tmp_path: Path) -> None:
    """Its table of contents is rightly encrypted and says anything."""
    volume, file = sidecar
    good = file.read_bytes()
    cipher = Records(KEY, good[9:25], 3)
    with file.open("rb") as stream:
        stream.seek(41)
        table = json.loads(cipher.read(stream, 0))
        rest = stream.read()
    rng = np.random.default_rng(0)

    for _ in range(EXAMPLES):
        with file.open("wb") as stream:
            stream.write(good[:41])
            cipher.write(stream, 0, json.dumps(_spoiled_json(rng, table)).encode())
            stream.write(rest)
        with suppress(EvidenceError, WriteError):  # a name may be too long for the disk
            for written in restore(volume, file, KEY, tmp_path / "back"):
                written.unlink()
            (tmp_path / "back").rmdir()
