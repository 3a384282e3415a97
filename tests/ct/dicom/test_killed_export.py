"""Killed at any moment, an export leaves nothing or a complete series, and the next one cleans up after it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.unfinished import is_unfinished, remove_leftovers, unfinished_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")
POINTS = 20

# Python tells its audit hook of every file that is opened, made, renamed or removed; at the n-th of these the process
# kills itself, which no handler and no `finally` can notice; or right before or after the renaming that puts the series
# in its place (points -1 and -2). The scan is read once, and each export is a fork.
EXPORTS = """
import os, signal, sys, threading
from pathlib import Path
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.dicom.write import write_dicom

volume, place, points = read_ct(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])

def export(target, kill_at, tell):
    seen, renamed, lock = 0, False, threading.Lock()

    def hook(event, arguments):
        nonlocal seen, renamed
        if event == "open" or event in ("os.mkdir", "os.rename", "os.chmod", "os.scandir", "os.remove", "os.rmdir"):
            with lock:
                seen += 1
                if seen == kill_at or (kill_at == -1 and event == "os.rename") or (kill_at == -2 and renamed):
                    os.kill(os.getpid(), signal.SIGKILL)
                renamed = renamed or event == "os.rename"

    sys.addaudithook(hook)
    write_dicom(volume, target, transfer_syntax="explicit-le")
    os.write(tell, str(seen).encode())

def forked(target, kill_at):
    heard, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            export(target, kill_at, tell)
        finally:
            os._exit(0)
    os.close(tell)
    told = os.read(heard, 100)
    os.close(heard)
    return os.waitpid(child, 0)[1], told

status, told = forked(place / "whole", 0)
assert status == 0
total = int(told)
for point in range(points):
    # The number of calls varies a little, so the last of the spread points lies some calls before the end.
    at = 1 + point * (total - 20) // (points - 3) if point < points - 2 else point - points
    target = place / f"{point:02d}" / "export"
    target.parent.mkdir()
    status, told = forked(target, at)
    print(point, at, total, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
"""


@pytest.fixture(scope="module")
def phantom(tmp_path_factory, sample_series) -> Path:
    """A third of the sample scan; every export writes all of it."""
    folder = tmp_path_factory.mktemp("phantom")
    for path in sorted(sample_series.glob("*.dcm"))[40:80]:
        shutil.copy(path, folder)
    return folder


def test_at_twenty_points_there_is_nothing_or_a_complete_series(phantom, tmp_path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", EXPORTS, str(phantom), str(tmp_path), str(POINTS)],
        capture_output=True,
        text=True,
        check=True,
        timeout=500,
    )
    told = [tuple(map(int, line.split())) for line in result.stdout.splitlines()]
    assert [signal_number for *_, signal_number in told] == [signal.SIGKILL] * POINTS
    source = read_ct(phantom)
    complete, leftovers = 0, 0
    for point, *_ in told:
        target = tmp_path / f"{point:02d}" / "export"
        left = [p for p in target.parent.iterdir() if p != target]
        assert all(is_unfinished(p.name) for p in left)
        assert len(left) <= 1
        leftovers += len(left)
        if target.exists():
            complete += 1
            assert len(list(target.iterdir())) == source.shape[0]
            np.testing.assert_array_equal(read_ct(target).hu, source.hu)
            assert left == []
            continue
        # What is left is offered by nothing, neither in the folder above nor by its own name.
        assert list_series(target.parent) == []
        for place in left:
            with pytest.raises(ReadError, match="interrupted export left behind"):
                read_ct(place)
            for path in place.iterdir():
                with pytest.raises(ReadError, match="interrupted export left behind"):
                    read_ct(path)
    print(f"{len(told)} kills between calls 1 and {told[0][2]}: {complete} complete, {leftovers} leftovers")
    assert complete == 1
    assert leftovers >= POINTS - 3
    again = tmp_path / f"{POINTS // 2:02d}" / "export"
    assert not again.exists()
    write_dicom(source, again)
    assert [p.name for p in again.parent.iterdir()] == ["export"]
    np.testing.assert_array_equal(read_ct(again).hu, source.hu)


def _leftover(parent: Path) -> Path:
    """The folder that a process killed within `unfinished_folder` leaves, with one file in it."""
    killed = (
        "import os, signal, sys; from pathlib import Path\n"
        "from napari_mits_gan.files.unfinished import unfinished_folder\n"
        "with unfinished_folder(Path(sys.argv[1]), 'export') as place:\n"
        "    (place / '000001.dcm').write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    before = set(parent.iterdir())
    subprocess.run([sys.executable, "-c", killed, str(parent)], check=False)
    (made,) = set(parent.iterdir()) - before
    return made


def test_the_folder_of_an_export_that_still_runs_is_left_alone(tmp_path) -> None:
    with unfinished_folder(tmp_path, "export") as running:
        (running / "000001.dcm").write_bytes(b"half")
        remove_leftovers(tmp_path)
        with unfinished_folder(tmp_path, "image"):
            assert (running / "000001.dcm").exists()
        other = "import sys; from pathlib import Path; from napari_mits_gan.files.unfinished import remove_leftovers\n"
        subprocess.run([sys.executable, "-c", f"{other}remove_leftovers(Path(sys.argv[1]))", str(tmp_path)], check=True)
        assert (running / "000001.dcm").exists()
    assert list(tmp_path.iterdir()) == []


def test_only_leftovers_of_our_own_are_removed(tmp_path) -> None:
    made = _leftover(tmp_path)
    foreign = [
        tmp_path / ".export-abc.partial",
        tmp_path / "export",
        tmp_path / ".export-00000000-0123456789ab.partial",  # another machine's, on a shared drive
        tmp_path / f"{made.name}.old",
    ]
    for folder in foreign:
        folder.mkdir()
        (folder / "000001.dcm").touch()
    with_folder = tmp_path / f"{made.name[:-20]}{'0' * 12}.partial"
    (with_folder / "mine").mkdir(parents=True)
    (with_folder / "000001.dcm").touch()
    link = tmp_path / f"{made.name[:-20]}{'1' * 12}.partial"
    link.symlink_to(foreign[1], target_is_directory=True)
    a_file = tmp_path / f"{made.name[:-20]}{'2' * 12}.partial"
    a_file.touch()
    remove_leftovers(tmp_path)
    assert not made.exists()
    assert all((folder / "000001.dcm").exists() for folder in [*foreign, with_folder])
    assert link.is_symlink()
    assert a_file.exists()


def test_what_an_interrupted_export_left_is_not_read_with_the_folder_above_it(dicom_series, tmp_path) -> None:
    series = dicom_series(tmp_path / "scans")
    leftover = _leftover(series.folder)
    shutil.copy(series.files[0], leftover / "000001.dcm")
    dicom_series(leftover, shape=(2, 16, 12))
    assert [s.number_of_files for s in list_series(series.folder)] == [5]
    assert read_ct(series.folder).shape == (5, 16, 12)
