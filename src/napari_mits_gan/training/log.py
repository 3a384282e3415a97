"""The log of a training (CSV): a line for each checkpoint, the step first, then the figures since the last line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_mits_gan.files.replace import replaced_file


class TrainingLog:
    """A log that a run which goes on continues.

    Parameters
    ----------
    path : Path
        The CSV file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, step: int) -> None:
        """Begin after `step` steps: lines up to there are kept, later ones dropped, since they will come again."""
        lines = self._path.read_text().splitlines() if step and self._path.is_file() else []
        kept = [line for line in lines if line.partition(",")[0].isdecimal() and int(line.partition(",")[0]) <= step]
        with replaced_file(self._path) as part:
            part.write_text("".join(f"{line}\n" for line in kept))

    def write(self, step: int, figures: Sequence[float]) -> None:
        """Add a line after `step` steps."""
        with self._path.open("a") as log:
            log.write(f"{step}," + ",".join(f"{value:.5f}" for value in figures) + "\n")
