"""`napari-mits-gan archive`: one job for every series below a folder."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from napari_mits_gan.command_line import protect, seal, verify
from napari_mits_gan.command_line.options import Command, Commands, new_command, whole_number
from napari_mits_gan.command_line.progress_bar import progress_bar

if TYPE_CHECKING:
    from napari_mits_gan.archive.contract import Job
    from napari_mits_gan.archive.run import ArchiveRun, Finished

JOBS: dict[str, ModuleType] = {
    "protect": protect,
    "seal": seal,
    "verify": verify,
}
"""Commands that can be given to an archive. Each has `add_job_options`, and `archive_job` makes the job of them."""

FAILED, LOOK = 1, 3


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "archive",
        "protect, seal or verify every series below a folder, and report",
        "A run that was interrupted goes on where it was: what is complete and unchanged is passed over, what failed "
        "is tried again. Nothing in ROOT is written. OUT gets the same tree, with a folder for each series, and "
        "report.csv and report.html, which name no patient. Exit code 0: all done; 1: some series failed; 3: a scan "
        "that was verified is not what was sealed. docs/archive.md shows workstation, Slurm and dask.",
    )
    command.add_argument("root", type=Path, metavar="ROOT", help="folder of the archive")
    command.add_argument("out", type=Path, metavar="OUT", help="folder for what is made of it, apart from ROOT")
    command.add_argument(
        "--workers",
        type=whole_number,
        default=1,
        metavar="N",
        help="processes on this machine; 0 does it in this process (default: 1)",
    )
    command.add_argument(
        "--threads", type=_positive, metavar="N", help="threads of each process (default: the cores divided among them)"
    )
    command.add_argument(
        "--part",
        type=_part,
        default=(1, 1),
        metavar="I/N",
        help="only part I of N, for a cluster's job arrays; the parts share OUT and may run at the same time",
    )
    command.add_argument(
        "--scheduler", metavar="ADDRESS", help="let the workers of this dask scheduler do it, such as tcp://host:8786"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="only say how many series there are, and what time and space they take"
    )
    command.add_argument("--no-thumbnails", action="store_true", help="leave the small pictures out of the report")
    command.add_argument(
        "--with-names",
        action="store_true",
        help="say in report.csv where each series lies; names of folders may tell who the patients are",
    )
    command.add_argument(
        "--do",
        dest="job",
        nargs=argparse.REMAINDER,
        required=True,
        metavar="JOB ...",
        help=f"{', '.join(JOBS)}, with the options of that command; must come last",
    )
    command.set_defaults(run=run, command=command)


def run(options: argparse.Namespace) -> int:
    """Do the job for every series, print what became of them."""
    from napari_mits_gan.archive.run import ArchiveRun, run_archive

    request = ArchiveRun(
        root=options.root.absolute(),
        out=options.out.absolute(),
        job=job_of(options.command, options.job),
        workers=options.workers,
        threads=options.threads,
        part=options.part,
        scheduler=options.scheduler,
        thumbnails=not options.no_thumbnails,
        with_names=options.with_names,
    )
    if options.dry_run:
        _print_estimate(request)
        return 0
    with progress_bar(request.job.name.capitalize()) as progress:
        done = run_archive(request, progress)
    print(told(done))
    print(f"report in {options.out / 'report.html'} and report.csv")
    return FAILED if done.failed else LOOK if done.alarms else 0


def job_of(command: argparse.ArgumentParser, words: Sequence[str]) -> Job:
    """The job that stands after --do."""
    if not words or words[0] not in JOBS:
        command.error(f"--do takes one of {', '.join(JOBS)}, and comes last")
    parser = Command(prog=f"{command.prog} ROOT OUT --do {words[0]}", add_help=True)
    JOBS[words[0]].add_job_options(parser)
    job: Job = JOBS[words[0]].archive_job(parser.parse_args(words[1:]))
    return job


def told(done: Finished) -> str:
    """What a run came to, in a line."""
    from napari_mits_gan.archive.record import NO_CT

    no_ct = sum(record.status == NO_CT for record in done.records)
    now = len(done.records) - done.were_done - done.failed - done.busy - no_ct
    counts = {
        "done": now,
        "done before": done.were_done,
        "failed": done.failed,
        "to be looked at": done.alarms,
        "in work elsewhere": done.busy,
        "are no CT": no_ct,
    }
    return f"{len(done.records)} series: " + ", ".join(f"{n} {what}" for what, n in counts.items() if n)


def _print_estimate(request: ArchiveRun) -> None:
    from napari_mits_gan.archive.estimate import estimate
    from napari_mits_gan.archive.output import Output, check_apart

    check_apart(request.root, request.out)
    request.job.check()
    with progress_bar("Looking into folders") as progress:
        output = Output.planned(request.root, request.out, request.job.name)
        found = estimate(output, request.job, request.workers, request.part, progress)
    print(
        f"{found.series} series to {request.job.name}, {found.were_done} done before; {found.refused} cannot be read, "
        f"{found.no_ct} are no CT"
    )
    print(f"{found.voxels / 1e6:.0f} million voxels, {found.input_bytes / 1e9:.2f} GB to read")
    whence = "as fast as those done before" if found.measured else "at the rate of docs/archive.md"
    print(f"about {found.seconds / 3600:.2f} h with {request.workers} worker(s), {whence}")
    print(f"about {found.output_bytes / 1e9:.2f} GB to write, without compression")
    print(f"about {found.worker_mib:.0f} MiB of memory for each worker, for the largest series")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


_positive.__name__ = "number from 1 on"  # argparse puts it into its message


def _part(text: str) -> tuple[int, int]:
    """A part written as I/N."""
    try:
        number, parts = (int(each) for each in text.split("/"))
        if not 1 <= number <= parts:
            raise ValueError(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no part; write I/N, with I from 1 to N") from None
    return number, parts
