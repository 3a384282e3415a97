"""Keeping what libraries say from logs and screen: they quote values and paths, and both may identify a patient."""

from __future__ import annotations

import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

_LOGGERS = ("pydicom", "pylibjpeg", "openjpeg", "libjpeg", "jpeg_ls")
_STDERR = 2


class _Shared:
    """A context of the whole process that several threads may be in: it begins with the first and ends with the last.

    Each of them putting back what it found would, where they overlap, leave things changed for good.
    """

    def __init__(self, begin: Callable[[ExitStack], None]) -> None:
        self._begin = begin
        self._lock = threading.Lock()
        self._inside = 0
        self._end = ExitStack()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._begin(self._end)
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._end.close()


def _no_warnings(end: ExitStack) -> None:
    end.enter_context(warnings.catch_warnings())
    warnings.simplefilter("ignore")
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        end.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.CRITICAL + 1)


def _no_stderr(end: ExitStack) -> None:
    with suppress(OSError):  # a program without a console has none
        kept = os.dup(_STDERR)
        end.callback(os.close, kept)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        end.callback(os.close, nowhere)
        os.dup2(nowhere, _STDERR)
        end.callback(os.dup2, kept, _STDERR)


quiet = _Shared(_no_warnings)
"""Without warnings and log records of the libraries that read and write DICOM."""
quiet_console = _Shared(_no_stderr)
"""Without what libraries that are not written in Python print; for short calls, since it silences the whole process."""
