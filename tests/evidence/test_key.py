"""A key's file, its derived keys, and what is never told of it."""

from __future__ import annotations

import os
import pickle
import stat
from pathlib import Path

import pytest

from napari_mits_gan.evidence.key import KEY_BYTES, KeyFileError, SealKey, new_key, read_key, write_key


def test_a_key_comes_back_from_its_file(tmp_path: Path) -> None:
    key = new_key()

    write_key(key, tmp_path / "key")

    assert read_key(tmp_path / "key").derive("test") == key.derive("test")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_only_the_owner_may_read_it_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_key(new_key(), tmp_path / "key")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    write_key(new_key(), tmp_path / "key")
    content = (tmp_path / "key").read_bytes()

    with pytest.raises(KeyFileError, match="never overwritten"):
        write_key(new_key(), tmp_path / "key")

    assert (tmp_path / "key").read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        bytes(range(256)),
        b"napari-mits-gan seal key, version 1\n",
        b"napari-mits-gan seal key, version 1\nabcd\n",
        b"napari-mits-gan seal key, version 1\n" + b"zz" * 32,
        b"napari-mits-gan seal key, version 2\n" + b"00" * 32,
    ],
)
def test_what_is_no_key_file_is_refused_without_telling_its_content(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(KeyFileError) as refused:
        read_key(tmp_path / "key")

    assert "zz" not in str(refused.value)
    assert "abcd" not in str(refused.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="nothing-here"):
        read_key(tmp_path / "nothing-here")


def test_a_key_does_not_show_itself() -> None:
    key = SealKey(bytes(range(KEY_BYTES)))

    assert bytes(range(KEY_BYTES)).hex() not in repr(key) + str(key) + repr(vars(type(key)))
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_purposes_and_scans_have_keys_of_their_own() -> None:
    key = SealKey(bytes(KEY_BYTES))

    derived = {key.derive(purpose, nonce) for purpose in ("a", "b") for nonce in (b"", b"1", b"2")}

    assert len(derived) == 6


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_secret_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        SealKey(bytes(length))
