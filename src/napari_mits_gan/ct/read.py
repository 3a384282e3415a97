"""Reading a CT scan, whatever file or folder it is in."""

from __future__ import annotations

import os
from pathlib import Path

from napari_mits_gan.ct.dicom.choices import SeriesInfo, SeveralSeriesError, choices_in
from napari_mits_gan.ct.dicom.header import looks_like_dicom
from napari_mits_gan.ct.dicom.read import read_dicom
from napari_mits_gan.ct.dicom.series import files_below, find
from napari_mits_gan.ct.image.read import is_image_file, read_image
from napari_mits_gan.ct.suffixes import ARCHIVE_SUFFIXES
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.archive import unpacked
from napari_mits_gan.files.unfinished import is_unfinished
from napari_mits_gan.progress import Progress, silent

__all__ = ["SeriesInfo", "SeveralSeriesError", "list_series", "read_ct"]


def read_ct(path: str | os.PathLike[str], *, series: str | None = None, progress: Progress = silent) -> CTVolume:
    """Read a CT scan.

    Parameters
    ----------
    path : path-like
        A folder with a DICOM series (searched with the folders in it), one file of a DICOM series (its whole series in
        the same folder is read), a DICOMDIR, a NIfTI, MetaImage or NRRD file in HU, or a zip or tar file with one of
        these in it, which is unpacked into a private temporary folder that goes with the volume.
    series : str, optional
        Which to read, where a folder holds several series, or a series mixes several volumes: its number in the list
        that `list_series` gives, or its `uid` there.
    progress : Progress
        Called with the steps done and their number; may raise `Cancelled` to stop.

    Returns
    -------
    CTVolume
        HU as int16 (z, y, x), rounded to whole HU, with spacing, origin and direction in mm and LPS.

    Raises
    ------
    ReadError
        In one sentence, if there is no CT volume that can be read without guessing.
    SeveralSeriesError
        If there are several CT volumes and none was chosen; its `series` lists them.

    Examples
    --------
    >>> volume = read_ct("scans/chest")  # doctest: +SKIP
    >>> volume.shape, volume.spacing  # doctest: +SKIP
    ((133, 512, 512), (2.5, 0.703125, 0.703125))
    """
    place = Path(path)
    _check_is_there(place)
    if is_archive(place):
        return _read_archive(place, series, progress)
    if place.is_file() and is_image_file(place):
        volume = read_image(place)
        progress(1, 1)
        return volume
    if place.is_file() and not _is_dicom(place):
        raise ReadError(
            f"{place.name} is not a CT scan: it is neither DICOM nor NIfTI, MetaImage, NRRD, zip or tar; open one "
            "of these."
        )
    return read_dicom(place, series=series, progress=progress)


def list_series(path: str | os.PathLike[str]) -> list[SeriesInfo]:
    """The DICOM series in a folder and the folders in it; of a series that mixes several volumes, these.

    Parameters
    ----------
    path : path-like
        A folder, a zip or tar file, or another file, whose folder is meant.

    Returns
    -------
    list of SeriesInfo
        Series with CT slices first, then by description; empty where there is no DICOM image.

    Raises
    ------
    ReadError
        If the path does not exist or the folder cannot be read.
    """
    place = Path(path)
    _check_is_there(place)
    if place.is_file() and is_image_file(place):
        return []
    if is_archive(place):
        kept = unpacked(place)
        found = find(files_below(kept.folder))
        kept.remove()
    else:
        found = find(files_below(place if place.is_dir() else place.parent))
    return [choice.info for choice in choices_in(found)]


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of a zip or tar file."""
    return path.name.lower().endswith(ARCHIVE_SUFFIXES) and path.is_file()


def _read_archive(place: Path, series: str | None, progress: Progress) -> CTVolume:
    """The scan in a zip or tar file; a third of the way is unpacking."""
    kept = unpacked(place, lambda done, total: progress(done, 3 * total))

    def reading(done: int, total: int) -> None:
        progress(total + 2 * done, 3 * total)

    try:
        images = [path for path in files_below(kept.folder) if is_image_file(path)]
        if images and not any(_is_dicom(path) for path in files_below(kept.folder)):
            if len(images) > 1:
                raise ReadError(f"{place.name} holds {len(images)} image files; unpack it and open one of them.")
            volume = read_image(images[0])
            kept.remove()
        else:
            volume = read_dicom(kept.folder, series=series, progress=reading, unpacked=kept)
    except BaseException:
        kept.remove()
        raise
    progress(1, 1)
    return volume


def _check_is_there(place: Path) -> None:
    try:
        there = place.exists()
    except (OSError, ValueError):
        there = False
    if not there:
        raise ReadError(f"There is no file or folder called {place.name}; check the path.")
    if not (place.is_dir() or place.is_file()):
        raise ReadError(
            f"{place.name} is neither a file nor a folder but a device, a socket or a pipe; open one of these."
        )
    if any(is_unfinished(part) for part in Path(os.path.abspath(place)).parts):
        raise ReadError("This is what an interrupted export left behind, no complete scan; export again and open that.")


def _is_dicom(place: Path) -> bool:
    try:
        with place.open("rb") as stream:
            return looks_like_dicom(stream.read(140))
    except OSError as error:
        raise ReadError(f"{place.name} cannot be read: {error.strerror or type(error).__name__}.") from None
