from __future__ import annotations

import pytest

from napari_mits_gan.errors import WriteError
from napari_mits_gan.files.new_file import write_new_text


def test_a_text_is_written_as_a_whole_and_nothing_is_left_beside_it(tmp_path):
    assert write_new_text(tmp_path / "a.txt", "ä\n") == tmp_path / "a.txt"
    assert (tmp_path / "a.txt").read_bytes() == "ä\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "a.txt").write_text("mine")
    with pytest.raises(WriteError, match="is there already"):
        write_new_text(tmp_path / "a.txt", "other")
    assert (tmp_path / "a.txt").read_text() == "mine"


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(WriteError):
        write_new_text(tmp_path / "nowhere" / "a.txt", "text")
