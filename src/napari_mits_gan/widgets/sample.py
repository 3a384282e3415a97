"""The sample scan: a chest phantom, in napari's File > Open Sample menu."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError
from napari_mits_gan.widgets.layers.volume_layer import layer_data

NAME = "chest_phantom"


def sample_folder() -> Path:
    """Where the sample scan lies: within the installed package, or at the top of a checkout.

    Raises
    ------
    ReadError
        If this installation has no sample scan.
    """
    package = Path(str(files("napari_mits_gan")))
    for folder in (package / "sample_data" / NAME, package.parents[1] / "sample_data" / NAME):
        if folder.is_dir():
            return folder
    raise ReadError(
        f"this installation has no sample scan ({NAME}); install the package anew or open a scan of your own"
    )


def chest_phantom() -> list[Any]:
    """The sample scan as napari's Open Sample menu asks for it: a list of one layer."""
    return [layer_data(read_ct(sample_folder()))]
