"""A full disk, folders that may not be read or written: told in the report, in a sentence."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from copying_job import CopyingJob
from napari_mits_gan.archive.record import DONE, FAILED
from napari_mits_gan.archive.run import ArchiveRun, run_archive
from napari_mits_gan.errors import WriteError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="limits and permissions are POSIX's")
_NOBODY = 65534


@contextmanager
def file_size_limit(size: int):
    """No file may grow larger: what a disk that is full while a file is written looks like."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def powerless(*folders: Path):
    """Permissions hold for root as well."""
    if os.geteuid() != 0:
        yield
        return
    for folder in folders:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _NOBODY, -1)
    os.seteuid(_NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place():
    """A folder that anybody may look into, which pytest's own are not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder)


def test_a_series_that_finds_the_disk_full_fails_and_the_others_are_done(add, run_of, tmp_path) -> None:
    add("large", shape=(3, 128, 128))
    add("small", shape=(3, 16, 16))
    with file_size_limit(20_000):
        finished = run_of(CopyingJob(), thumbnails=False)
    assert {r.place: r.status for r in finished.records} == {"large": FAILED, "small": DONE}
    assert "Nothing was written" in next(r.error for r in finished.records if r.place == "large")
    assert not (tmp_path / "out" / "large").exists()
    assert run_of(CopyingJob()).summary.counts == {DONE: 2}


def test_a_disk_too_full_for_the_report_itself_is_told_in_a_sentence(add, run_of) -> None:
    add("small", shape=(3, 16, 16))
    run_of(CopyingJob())
    with file_size_limit(500), pytest.raises(WriteError, match="Nothing was written"):
        run_of(CopyingJob())


def test_folders_that_may_not_be_read_or_written_are_in_the_report(dicom_series, place) -> None:
    root, out = place / "archive", place / "out"
    for name in ("open", "closed", "unwritable"):
        dicom_series(root / name / "ct", shape=(2, 16, 16))
    (out / "unwritable").mkdir(parents=True)
    with powerless(place, root, out):
        (root / "closed").chmod(0)
        (out / "unwritable").chmod(0o500)
        finished = run_archive(ArchiveRun(root, out, CopyingJob(), workers=0))
    told = {r.place: (r.status, r.error) for r in finished.records}
    assert told["open/ct"] == (DONE, "")
    assert told["closed"] == (FAILED, "The folder cannot be read: Permission denied.")
    assert told["unwritable/ct"][0] == FAILED
    assert "may not be written" in told["unwritable/ct"][1]


def test_an_output_that_may_not_be_written_is_refused_in_a_sentence(dicom_series, place) -> None:
    root, out = place / "archive", place / "out"
    dicom_series(root / "ct", shape=(2, 16, 16))
    out.mkdir()
    with powerless(place, root, out):
        out.chmod(0o500)
        with pytest.raises(WriteError, match="may not be written"):
            run_archive(ArchiveRun(root, out, CopyingJob(), workers=0))
