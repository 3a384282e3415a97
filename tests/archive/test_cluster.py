"""An archive on dask.distributed: a LocalCluster, and workers that are processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from copying_job import CopyingJob
from napari_mits_gan.archive.output import ArchiveError
from napari_mits_gan.archive.record import DONE, FAILED

distributed = pytest.importorskip("distributed", reason="the extra 'dask' is not installed")


@pytest.fixture
def scheduler():
    """A scheduler with two workers, threads of this process."""
    settings = {"n_workers": 2, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**settings, protocol="tcp") as cluster:
        yield cluster


@pytest.fixture
def series(add):
    return [add(f"p{number}", shape=(2, 16, 16)) for number in range(6)]


def test_a_local_cluster_does_what_one_process_does(series, scheduler, run_of, contents, tmp_path) -> None:
    (series[2] / "001.dcm").write_bytes((series[2] / "001.dcm").read_bytes()[:-100])
    done = run_of(CopyingJob(), "cluster", scheduler=scheduler.scheduler_address)
    alone = run_of(CopyingJob(), "alone")
    assert done.summary.counts == alone.summary.counts == {DONE: 5, FAILED: 1}
    assert contents(tmp_path / "cluster") == contents(tmp_path / "alone")
    assert run_of(CopyingJob(), "cluster", scheduler=scheduler.scheduler_address).were_done == 5


def test_two_worker_processes_do_it_and_one_that_is_killed_is_made_up_for(
    series, run_of, contents, tmp_path, monkeypatch
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    settings = {"n_workers": 0, "processes": False, "dashboard_address": None, "protocol": "tcp"}
    with distributed.LocalCluster(**settings) as cluster:
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, "--no-dashboard"]
        options = ["--nthreads", "1", "--no-nanny", "--local-directory", str(tmp_path)]
        staff = [
            subprocess.Popen([*worker, *options], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(2)
        ]
        try:
            with distributed.Client(cluster) as client:
                client.wait_for_workers(2, timeout=60)
            job = CopyingJob(pause=0.1)
            killed = iter(staff)

            def progress(done: int, total: int, /) -> None:
                if done == 2 and (first := next(killed, None)) is staff[0]:
                    first.kill()

            from napari_mits_gan.archive.run import ArchiveRun, run_archive

            request = ArchiveRun(series[0].parent, tmp_path / "out", job, scheduler=cluster.scheduler_address)
            assert run_archive(request, progress).summary.counts == {DONE: 6}
        finally:
            for process in staff:
                process.kill()
                process.wait()
    run_of(CopyingJob(), "alone")
    assert contents(tmp_path / "out") == contents(tmp_path / "alone")


def test_a_scheduler_that_does_not_answer_is_told_in_a_sentence(series, run_of, monkeypatch) -> None:
    from napari_mits_gan.archive import cluster

    monkeypatch.setattr(cluster, "_ANSWERS_WITHIN_S", 0.5)
    for address in ("tcp://127.0.0.1:9", "nonsense://x"):
        with pytest.raises(ArchiveError, match="No scheduler answers"):
            run_of(CopyingJob(), scheduler=address)
