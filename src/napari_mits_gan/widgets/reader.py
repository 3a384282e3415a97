"""How napari opens CT scans: File > Open, drag and drop, `napari PATH`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mits_gan.ct.dicom.header import looks_like_dicom
from napari_mits_gan.ct.read import SeveralSeriesError, read_ct
from napari_mits_gan.ct.suffixes import DICOM_SUFFIXES, READABLE_SUFFIXES
from napari_mits_gan.widgets.layers.volume_layer import layer_data
from napari_mits_gan.widgets.menus import open_scan

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume

NOT_DICOM_FOLDERS = (".zarr", ".n5")
NOT_CT_ARCHIVES = (".zarr.zip",)
PathLike = str | Path


def get_reader(path: PathLike | Sequence[PathLike] | None = None) -> Callable[[Any], list[Any]] | None:
    """The reader for a path, as napari asks for it.

    Parameters
    ----------
    path : str, Path or a list of them, or None
        A DICOM folder or file, a NIfTI, MetaImage or NRRD file; for a list, all must be such. None, which is what the
        command palette has, asks the user for a folder and opens it in the dock.

    Returns
    -------
    callable or None
        Called with the path, it returns a list of layer data; None says that this plugin does not read such files.
    """
    if path is None:
        open_scan()
        return None
    paths = _as_paths(path)
    return read_layers if paths and all(_is_candidate(p) for p in paths) else None


def read_layers(path: PathLike | Sequence[PathLike]) -> list[Any]:
    """Read scans and hand them to napari: one image layer each, in HU, with its spacing in mm and a lung window.

    Raises
    ------
    ReadError
        If a path holds no CT scan that can be read; the text says why.
    """
    return [layer_data(read_with_choice(p)) for p in _one_per_series(_as_paths(path))]


def read_with_choice(path: Path) -> CTVolume:
    """Read a scan; where a folder holds several series and there is a window, ask the user for one.

    Raises
    ------
    SeveralSeriesError
        If there are several series and nobody to ask, or nobody chose.
    """
    try:
        return read_ct(path)
    except SeveralSeriesError as error:
        chosen = _ask(error)
        if chosen is None:
            raise
        return read_ct(path, series=chosen)


def _ask(error: SeveralSeriesError) -> str | None:
    from qtpy.QtWidgets import QApplication

    if QApplication.instance() is None:
        return None
    from napari_mits_gan.widgets.controls.series_chooser import SeriesChooser

    chooser = SeriesChooser(error.series)
    return chooser.chosen if chooser.exec() else None


def _as_paths(path: PathLike | Sequence[PathLike]) -> list[Path]:
    return [Path(path)] if isinstance(path, str | Path) else [Path(p) for p in path]


def _is_candidate(path: Path) -> bool:
    if path.is_dir():
        return not path.name.lower().endswith(NOT_DICOM_FOLDERS)
    if path.name.lower().endswith(NOT_CT_ARCHIVES):
        return False
    return path.name.lower().endswith(READABLE_SUFFIXES) or (not path.suffix and _starts_like_dicom(path))


def _starts_like_dicom(path: Path) -> bool:
    """Whether a file without an ending is DICOM, as scanners and CDs name them."""
    try:
        with path.open("rb") as stream:
            return looks_like_dicom(stream.read(140))
    except OSError:
        return False


def _one_per_series(paths: list[Path]) -> list[Path]:
    """A file of a DICOM series stands for the whole series: of a stack of them, one per folder is enough."""
    kept: dict[Path, Path] = {}
    for path in paths:
        is_slice = not path.is_dir() and path.name.lower().endswith(DICOM_SUFFIXES)
        kept.setdefault(path.parent if is_slice and len(paths) > 1 else path, path)
    return list(kept.values())
