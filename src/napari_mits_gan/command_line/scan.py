"""Reading a command's input scan with a progress bar."""

from __future__ import annotations

from pathlib import Path

from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume


def read_with_bar(path: Path, series: str | None = None) -> CTVolume:
    """Read a scan; see `napari_mits_gan.ct.read.read_ct`."""
    with progress_bar("Reading") as progress:
        return read_ct(path, series=series, progress=progress)
