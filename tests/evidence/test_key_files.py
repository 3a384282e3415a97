from __future__ import annotations

import os
import signal
import stat

import pytest

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.key import read_key
from napari_mits_gan.evidence.key_files import make_key_files
from napari_mits_gan.evidence.manifest import signer_of
from napari_mits_gan.evidence.public_key import read_public_key


def test_a_new_key_lies_beside_its_own_public_half(tmp_path):
    secret, public = make_key_files(tmp_path / "ward.key")
    assert public.name == "ward.key.pub"
    expected = signer_of(read_key(secret)).public_key()
    assert read_public_key(public).public_bytes_raw() == expected.public_bytes_raw()
    if os.name == "posix":
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert read_key(secret).derive("x") != read_key(make_key_files(tmp_path / "other.key")[0]).derive("x")


def test_a_key_whose_public_half_cannot_be_written_whole_is_not_left_behind(tmp_path):
    resource = pytest.importorskip("resource", reason="the system cannot limit the size of files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    on_limit = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        # The key has 101 bytes, its public half 112.
        resource.setrlimit(resource.RLIMIT_FSIZE, (105, before[1]))
        with pytest.raises(EvidenceError, match=r"ward\.key\.pub cannot be written: File too large"):
            make_key_files(tmp_path / "ward.key")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, on_limit)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", ["ward.key", "ward.key.pub"])
def test_nothing_is_overwritten_and_nothing_half_made(tmp_path, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(EvidenceError, match="is there already"):
        make_key_files(tmp_path / "ward.key")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"
