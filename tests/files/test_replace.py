"""Replacing a file in one step."""

from __future__ import annotations

import pytest

from napari_mits_gan.files.replace import replaced_file


def test_the_file_is_the_old_one_until_the_block_ends(tmp_path):
    path = tmp_path / "new" / "file"
    for text in ("first", "second"):
        with replaced_file(path) as part:
            part.write_text(text)
            assert not path.exists() or path.read_text() == "first"
        assert path.read_text() == text
    assert [p.name for p in path.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_where_the_block_fails_the_old_file_stays(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with replaced_file(path) as part:
            part.write_text("new")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
