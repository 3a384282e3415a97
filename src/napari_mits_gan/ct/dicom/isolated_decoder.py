"""Decoding with GDCM in a process of its own: on some damaged streams GDCM ends the process that it runs in.

Run as a program this file is that process. It is asked by lines on its standard input, each the JSON of a path and a
frame (or null), and answers each with a line of JSON, followed by the values' bytes if there are any.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

import numpy as np
import pydicom
from numpy.typing import NDArray

PLUGIN = "gdcm"
_MOST_SECONDS = 120.0
_READY = b"ready\n"


class DecoderEnded(Exception):
    """The other process ended, or took too long, while it decoded."""


@dataclass(frozen=True)
class _Child:
    """The other process, and the two ends that it is spoken with."""

    process: subprocess.Popen[bytes]
    questions: IO[bytes]
    answers: IO[bytes]

    @classmethod
    def started(cls) -> _Child | None:
        """A process that is ready; None where none can be started."""
        try:
            process = subprocess.Popen(
                [sys.executable, "-m", __spec__.name if __spec__ else __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it would tell paths
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # on Windows it would flash up
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except OSError:
            return None
        if process.stdin is None or process.stdout is None:  # cannot be: both are pipes
            process.kill()
            return None
        child = cls(process, process.stdin, process.stdout)
        with suppress(OSError):
            if child.answers.readline() == _READY:
                return child
        child.end()
        return None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.questions, self.answers):
            with suppress(OSError):  # it is gone, so what was still to be sent to it cannot be
                stream.close()


class _Decoder:
    """The other process; it is started when it is first needed, and again after it ended."""

    def __init__(self) -> None:
        self._child: _Child | None = None
        self._cannot_start = False

    def decode(self, path: Path, frame: int | None) -> NDArray[np.generic]:
        child = self._started()
        if child is None:
            return _decode(path, frame)
        impatience = threading.Timer(_MOST_SECONDS, child.process.kill)
        impatience.start()
        try:
            child.questions.write(json.dumps([os.path.abspath(path), frame]).encode() + b"\n")
            child.questions.flush()
            answer = json.loads(child.answers.readline())
            data = child.answers.read(answer["bytes"])
            if len(data) != answer["bytes"]:
                raise EOFError
        except (OSError, EOFError, ValueError):  # it is gone; half an answer is none
            self.end()
            raise DecoderEnded from None
        except BaseException:  # what it still would say belongs to nobody
            self.end()
            raise
        finally:
            impatience.cancel()
        if "error" in answer:
            raise ValueError(answer["error"])
        return np.frombuffer(data, answer["dtype"]).reshape(answer["shape"])

    def _started(self) -> _Child | None:
        """The process; None where none can be started, as in programs that are frozen into one file."""
        if self._cannot_start:
            return None
        if self._child is None or self._child.process.poll() is not None:
            self.end()
            self._child = _Child.started()
            self._cannot_start = self._child is None
        return self._child

    def end(self) -> None:
        """End the process, if there is one."""
        if self._child is not None:
            self._child.end()
        self._child = None


_decoder = _Decoder()
atexit.register(_decoder.end)


def decode_in_own_process(path: Path, frame: int | None) -> NDArray[np.generic]:
    """Stored values of one frame, as `pydicom.pixels.pixel_array` gives them; one thread at a time may call it.

    Raises
    ------
    DecoderEnded
        If the decoder ended its process, or takes more than two minutes.
    ValueError
        If it cannot decode the frame.
    """
    return _decoder.decode(path, frame)


def _decode(path: Path, frame: int | None) -> NDArray[np.generic]:
    values: NDArray[np.generic] = pydicom.pixels.pixel_array(
        pydicom.dcmread(path, force=True), index=frame, raw=True, decoding_plugin=PLUGIN
    )
    return values


def _answer(questions: BinaryIO, answers: BinaryIO) -> None:
    answers.write(_READY)
    answers.flush()
    for line in questions:
        path, frame = json.loads(line)
        try:
            values = np.ascontiguousarray(_decode(Path(path), frame))
            told: dict[str, object] = {"dtype": values.dtype.str, "shape": values.shape, "bytes": values.nbytes}
            data = values.tobytes()
        except Exception as error:
            told, data = {"error": type(error).__name__, "bytes": 0}, b""
        answers.write(json.dumps(told).encode() + b"\n" + data)
        answers.flush()


if __name__ == "__main__":
    # What libraries print must not get between the answers.
    answers_to = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    with open(answers_to, "wb") as stream:
        _answer(sys.stdin.buffer, stream)
