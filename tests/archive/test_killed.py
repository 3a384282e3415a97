"""Killed processes lose nothing: what was under way is done again, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copying_job import CopyingJob
from napari_mits_gan.archive.output import STATE

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL on Windows")

RUN = """
import json, sys
from pathlib import Path
from copying_job import CopyingJob
from napari_mits_gan.archive.run import ArchiveRun, run_archive

if __name__ == "__main__":
    job = CopyingJob(pause=float(sys.argv[3]), deadly=sys.argv[4])
    done = run_archive(ArchiveRun(Path(sys.argv[1]), Path(sys.argv[2]), job, workers=2))
    told = [(r.place, r.status, r.error) for r in done.records]
    print(json.dumps([done.were_done, told]))
"""


@pytest.fixture
def start(root, tmp_path):
    """Starts a run with two processes, in a program of its own."""

    def started(pause: float = 0.0, deadly: str = "none") -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "SOURCE_DATE_EPOCH": "1700000000"}
        arguments = [str(root), str(tmp_path / "out"), str(pause), deadly]
        command = [sys.executable, "-c", RUN, *arguments]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)

    return started


def records(out: Path) -> list[dict]:
    return [json.loads(path.read_text()) for path in (out / STATE / "records").glob("*/*.json")]


def test_a_killed_run_goes_on_where_it_was_and_a_series_that_kills_is_passed_over(
    add, run_of, start, contents, tmp_path
) -> None:
    out = tmp_path / "out"
    for number in range(8):
        add(f"p{number}", shape=(2, 16, 16))

    def deadly(ds, z):
        ds.SeriesDescription = "deadly"

    add("q", shape=(2, 16, 16), edit=deadly)
    killed = start(pause=0.3)
    until = time.monotonic() + 60
    while len(records(out)) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    complete = len(records(out))
    assert 3 <= complete < 8
    again = start(deadly="deadly")
    were_done, told = json.loads(again.communicate(timeout=120)[0])
    # At most what both processes were at, at the moment of the kill, may have got its record but not its output.
    assert complete - 2 <= were_done <= complete + 2
    assert {place: status for place, status, _ in told} == {**{f"p{n}": "done" for n in range(8)}, "q": "failed"}
    assert "was killed each time" in next(error for place, _, error in told if place == "q")
    assert list((out / STATE / "work").iterdir()) == []
    expected = tmp_path / "expected"
    run_of(CopyingJob(), "expected")
    (left_out,) = (expected / "q").iterdir()
    for path in left_out.iterdir():
        path.unlink()
    assert contents(out) == contents(expected)
