"""What is to be done, in which order, and what became of it: the same for processes here and for a cluster."""

from __future__ import annotations

import shutil
from collections import Counter, deque
from collections.abc import Iterator

from napari_mits_gan.archive.record import BUSY, FAILED, Record
from napari_mits_gan.archive.series import ArchiveSeries
from napari_mits_gan.archive.work import Answer, Context, Do, Look, Task, keep, record_of
from napari_mits_gan.progress import Progress

MOST_ATTEMPTS = 3
"""How often a series is begun whose process is killed meanwhile."""


class Tasks:
    """Folders to look into, series to work on, and records of those that are done.

    Series come first, so that no more folders are looked into than keep everyone busy, and memory does not grow with
    the archive.

    Parameters
    ----------
    context : Context
        What is done.
    folders : iterator of str
        Folders of the archive, found while it is gone through.
    progress : Progress
        Told how many series are done of those that were found so far.
    """

    def __init__(self, context: Context, folders: Iterator[str], progress: Progress) -> None:
        self._context = context
        self._folders = folders
        self._progress = progress
        self._series: deque[Task] = deque()
        self._again: deque[Task] = deque()
        self._attempts: Counter[Task] = Counter()
        self._found = 0
        self.records: dict[str, Record] = {}
        """What became of each series that this run has seen, by identifier."""
        self.were_done = 0
        """How many of them were done before."""

    def take(self) -> Task | None:
        """The next task; None if there is none now, though an answer that is still due may bring some."""
        if self._series:
            return self._series.popleft()
        place = next(self._folders, None)
        if place is not None:
            return Look(place)
        return self._again.popleft() if self._again else None

    def answered(self, task: Task, answer: Answer) -> None:
        """Take an answer in."""
        if answer.record is not None and answer.record.status == BUSY and self._attempts[task] == 0:
            self._attempts[task] += 1
            self._again.append(task)  # what held it may be the last breath of a run that was killed
            return
        self._series.extend(Do(series) for series in answer.found)
        self._found += len(answer.found)
        if answer.record is not None:
            self.records[answer.record.id] = answer.record
            self.were_done += answer.was_done
        self._progress(len(self.records), self._found)

    def lost(self, task: Task, *, for_good: bool = False) -> None:
        """Take in that the process that had a task was killed: it comes again at the end, but not for ever."""
        self._attempts[task] += 1
        if not for_good and self._attempts[task] < MOST_ATTEMPTS:
            self._again.append(task)
            return
        if isinstance(task, Look):
            series = ArchiveSeries.unreadable(task.place, "")
            self._found += 1
        else:
            series = task.series
        why = (
            "The process that worked on this was killed each time, perhaps for lack of memory; run it again with fewer "
            "workers, or try this series by itself."
        )
        record = record_of(self._context, series, FAILED, why)
        shutil.rmtree(self._context.output.work_folder(record.id), ignore_errors=True)
        keep(self._context.output, record)
        self.answered(task, Answer(record=record))
