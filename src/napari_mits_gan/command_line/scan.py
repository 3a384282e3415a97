"""Reading a command's input scan with a progress bar."""

from __future__ import annotations

import sys
from pathlib import Path

from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume


def read_with_bar(path: Path, series: str | None = None) -> CTVolume:
    """Read a scan, see `napari_mits_gan.ct.read.read_ct`, and say what the user should know of how that went."""
    with progress_bar("Reading") as progress:
        volume = read_ct(path, series=series, progress=progress)
    for note in volume.notes:
        print(f"Note: {note}", file=sys.stderr)
    return volume
