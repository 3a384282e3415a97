from __future__ import annotations

import os
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


@pytest.mark.parametrize("there", ["ward.key", "ward.key.pub"])
def test_nothing_is_overwritten_and_nothing_half_made(tmp_path, there):
    (tmp_path / there).write_text("mine")
    with pytest.raises(EvidenceError, match="is there already"):
        make_key_files(tmp_path / "ward.key")
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"
