"""Unpacking archives made to do harm: nothing outside the folder, no links, no more than is allowed, nothing left."""

from __future__ import annotations

import io
import os
import pickle
import signal
import stat
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mits_gan.errors import ReadError
from napari_mits_gan.files import archive
from napari_mits_gan.files.archive import unpacked

POSIX = pytest.mark.skipif(os.name == "nt", reason="folders cannot be locked there")
SUFFIXES = [".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz"]


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch) -> Path:
    """A folder for temporary files in which nothing else is made."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def pack(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
            for name, data in files.items():
                made.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        return path
    kind = {".gz": "gz", ".tgz": "gz", ".bz2": "bz2", ".xz": "xz"}.get(path.suffix, "")
    with tarfile.open(path, f"w:{kind}") as made:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return path


def refused(path: Path, match: str, temporary: Path) -> None:
    outside = sorted(path.parent.iterdir())
    with pytest.raises(ReadError, match=match):
        unpacked(path)
    assert list(temporary.iterdir()) == []
    assert sorted(path.parent.iterdir()) == outside


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_keep_their_folders_and_go_with_the_last_who_needs_them(tmp_path, temporary, suffix) -> None:
    files = {"a/1.dcm": b"one", "a/b/2.dcm": b"two" * 1000, "3": b"", "./c/4": b"four"}
    seen = []
    kept = unpacked(pack(tmp_path / f"scan{suffix}", files), lambda done, total: seen.append(done / total))
    assert seen == sorted(seen)
    for name, data in files.items():
        assert (kept.folder / name).read_bytes() == data
    if os.name != "nt":
        assert stat.S_IMODE(kept.folder.stat().st_mode) == 0o700
    borrowed = pickle.loads(pickle.dumps(kept))  # noqa: S301
    del borrowed
    assert (kept.folder / "3").exists()
    del kept
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
@pytest.mark.parametrize(
    "name", ["../escaped", "a/../../escaped", "/tmp/escaped", "a\\..\\..\\escaped", "\\escaped", "C:\\escaped",
     "x" * 2000],
)  # fmt: skip
def test_names_that_lead_out_are_refused(tmp_path, temporary, suffix, name) -> None:
    refused(pack(tmp_path / f"a{suffix}", {"fine": b"1", name: b"2"}), "leads out of it", temporary)
    assert not (tmp_path / "escaped").exists()
    assert not Path("/tmp/escaped").exists()


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "b", "", "C:", "..\\..", "/", "\\"]), min_size=1, max_size=5))
def test_no_name_whatever_makes_a_file_outside(tmp_path, temporary, parts) -> None:
    path = pack(tmp_path / "a.zip", {"/".join(parts): b"x"})
    try:
        kept = unpacked(path)
    except ReadError:
        pass
    else:
        for found in kept.folder.rglob("*"):
            assert kept.folder.resolve() in found.resolve().parents
        kept.remove()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "temporary"]
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("kind", ["symlink", "hardlink", "device", "pipe", "symlink to a folder, then a file in it"])
def test_links_and_devices_in_a_tar_file_are_refused(tmp_path, temporary, kind) -> None:
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as made:
        member = tarfile.TarInfo("series/001.dcm")
        member.type = {"hardlink": tarfile.LNKTYPE, "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE}.get(
            kind, tarfile.SYMTYPE
        )
        member.linkname = str(tmp_path)
        made.addfile(member)
        inside = tarfile.TarInfo("series/001.dcm/escaped")
        made.addfile(inside, io.BytesIO(b""))
    refused(path, r"holds a (link|device) \(001\.dcm\)", temporary)


def test_a_link_in_a_zip_file_is_refused(tmp_path, temporary) -> None:
    member = zipfile.ZipInfo("001.dcm")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as made:
        made.writestr(member, "/etc/passwd")
    refused(tmp_path / "a.zip", r"holds a link \(001\.dcm\)", temporary)


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.xz"])
def test_what_is_made_to_fill_the_disk_is_refused(tmp_path, temporary, suffix, monkeypatch) -> None:
    monkeypatch.setattr(archive, "_ALWAYS_BYTES", 1 << 20)
    refused(pack(tmp_path / f"a{suffix}", {"zeros": bytes(40 << 20)}), "unpacks to more than", temporary)


def test_sizes_are_counted_not_believed(tmp_path, temporary, monkeypatch) -> None:
    monkeypatch.setattr(archive, "_ALWAYS_BYTES", 1 << 20)
    data = bytearray(pack(tmp_path / "a.zip", {"zeros": bytes(40 << 20)}).read_bytes())
    small = (10).to_bytes(4, "little")
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = small  # the directory says that the file has 10 bytes
    data[22:26] = small
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", "unpacks to more than|damaged", temporary)


def test_too_many_files_are_refused(tmp_path, temporary, monkeypatch) -> None:
    monkeypatch.setattr(archive, "MOST_FILES", 5)
    refused(pack(tmp_path / "a.zip", {str(n): b"" for n in range(6)}), "more than 5 files", temporary)


def test_a_disk_that_is_too_small_is_said(tmp_path, temporary, monkeypatch) -> None:
    usage = archive.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda place: usage._replace(free=archive._MARGIN_BYTES + 10))
    refused(pack(tmp_path / "a.zip", {"a": b"x" * 11}), "does not fit onto the disk", temporary)


def test_two_files_of_one_name_are_refused(tmp_path, temporary) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as made:
        for _ in range(2):
            made.addfile(tarfile.TarInfo("a/001.dcm"), io.BytesIO(b""))
    refused(tmp_path / "a.tar", r"two files called 001\.dcm", temporary)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archive_that_is_cut_off_or_none_is_refused(tmp_path, temporary, suffix) -> None:
    path = pack(tmp_path / f"a{suffix}", {"a": os.urandom(3000), "b": b"y" * 3000})
    whole = path.read_bytes()
    for length in (0, 1, 5, 100, len(whole) // 2, len(whole) * 2 // 3):
        path.write_bytes(whole[:length])
        refused(path, "damaged|cannot be unpacked", temporary)
    path.write_bytes(b"no archive at all" * 100)
    refused(path, "damaged|cannot be unpacked", temporary)


def test_an_encrypted_zip_file_is_refused_as_such(tmp_path, temporary) -> None:
    data = bytearray(pack(tmp_path / "a.zip", {"a": b"secret"}).read_bytes())
    data[6] |= 1
    at = data.index(b"PK\x01\x02") + 8
    data[at] |= 1
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", "is encrypted", temporary)


def test_a_tar_file_that_ends_between_two_files_is_refused(tmp_path, temporary) -> None:
    path = pack(tmp_path / "a.tar", {str(n): b"x" * 512 for n in range(4)})
    whole = path.read_bytes()
    for length in range(1024, 4096 + 1, 512):
        path.write_bytes(whole[:length])
        refused(path, "damaged, cut off", temporary)
    path.write_bytes(whole[:2048] + b"damaged" + whole[2055:])  # a header in the middle
    refused(path, "damaged, cut off", temporary)


@settings(max_examples=120, suppress_health_check=list(HealthCheck), deadline=None)
@given(
    st.sampled_from([".zip", ".tar", ".tar.gz"]),
    st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=4)), max_size=4),
)
def test_damaged_bytes_give_a_folder_or_a_refusal(tmp_path, temporary, suffix, changes) -> None:
    path = pack(tmp_path / f"a{suffix}", {"a/1": b"one" * 100, "a/2": b"two" * 200})
    data = bytearray(path.read_bytes())
    for where, new in changes:
        at = int(where * (len(data) - 1))
        data[at : at + len(new)] = new
    path.write_bytes(data)
    with suppress(ReadError):
        unpacked(path).remove()
    assert list(temporary.iterdir()) == []


@POSIX
def test_what_a_killed_process_unpacked_is_removed_by_the_next(tmp_path, temporary) -> None:
    path = pack(tmp_path / "a.zip", {"a/1": b"one"})
    code = (
        "import os, signal, sys, tempfile; from pathlib import Path; tempfile.tempdir = sys.argv[2]\n"
        "from napari_mits_gan.files.archive import unpacked\n"
        "kept = unpacked(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path), str(temporary)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(list(temporary.iterdir())) == 1
    kept = unpacked(path)
    assert list(temporary.iterdir()) == [kept.folder]  # and what is in use stays
    other = unpacked(path)
    assert kept.folder.exists()
    assert other.folder.exists()
