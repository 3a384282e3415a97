"""Surveying an archive: which series it holds, and whether each can be read, from headers alone."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydicom.uid import UID

from napari_mits_gan.ct.dicom.choices import Choice, choices_in
from napari_mits_gan.ct.dicom.layout import layout_of
from napari_mits_gan.ct.dicom.pixels import why_not_decodable
from napari_mits_gan.ct.dicom.series import Found, files_below, find
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.unfinished import is_unfinished


@dataclass(frozen=True)
class SurveyedSeries:
    """A series of an archive, as far as its headers tell.

    Parameters
    ----------
    folder : str
        Where it lies, below the folder that was surveyed; "." for that folder itself.
    uid, description, modality : str
        What it is chosen by (the SeriesInstanceUID), SeriesDescription and Modality.
    images : int
        Images (frames) in it.
    shape : tuple of int, or None
        Voxels (z, y, x) of the volume that it is read as; None where it cannot be read.
    spacing : tuple of float, or None
        mm along (z, y, x).
    kernel : str
        Convolution kernel.
    tilt_degrees : float
        By how much the gantry was tilted.
    transfer_syntaxes : tuple of str
        Names of the transfer syntaxes.
    refusal : str
        Why it cannot be read; empty where it can.
    export_refusal : str
        Why what can be read cannot be exported as a derived series; empty where it can.
    is_ct : bool
        Whether it holds CT slices, so that a refusal tells of something wrong.
    files : tuple of Path
        Its files.
    """

    folder: str
    uid: str
    description: str
    modality: str
    images: int
    shape: tuple[int, int, int] | None
    spacing: tuple[float, float, float] | None
    kernel: str
    tilt_degrees: float
    transfer_syntaxes: tuple[str, ...]
    refusal: str
    is_ct: bool
    files: tuple[Path, ...]
    export_refusal: str = ""


def survey(folder: Path) -> Iterator[SurveyedSeries]:
    """The series in a folder and the folders in it, one folder after the other.

    Memory is taken for the headers of one folder at a time, and no pixel is decoded; so a damaged compressed stream is
    not noticed. A series whose files lie in several folders is told once for each.

    Parameters
    ----------
    folder : Path
        An archive; links to folders are not followed.

    Yields
    ------
    SurveyedSeries
        Folder by folder, in each those of CT first, then by description.

    Raises
    ------
    ReadError
        If a folder cannot be read.
    """
    for base, folders, _ in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_unfinished(name))
        found = find(files_below(Path(base), recursive=False))
        yield from series_of_folder(found, Path(base).relative_to(folder).as_posix())


def series_of_folder(found: Found, place: str = ".") -> list[SurveyedSeries]:
    """The series among the files of one folder.

    Parameters
    ----------
    found : Found
        What the headers of its files tell.
    place : str
        What to call the folder.

    Returns
    -------
    list of SurveyedSeries
        In the order of the numbers that choose them.
    """
    return [_surveyed(place, found, choice) for choice in choices_in(found)]


def _surveyed(folder: str, found: Found, choice: Choice) -> SurveyedSeries:
    series, headers = choice.info, choice.headers
    shape = spacing = None
    tilt, refusal, export_refusal = 0.0, "", ""
    try:
        layout = layout_of(found, headers, None)
        if undecodable := next((why for image in layout.slices if (why := why_not_decodable(image.header))), None):
            raise undecodable
        shape, spacing, tilt = layout.shape, layout.grid.spacing, layout.tilt_degrees
        frames = Counter(image.header.path for image in layout.slices)
        if any(frames[image.header.path] != image.header.frames for image in layout.slices):
            export_refusal = "it is a part of a multi-frame file"
    except ReadError as error:
        refusal = str(error)
    return SurveyedSeries(
        folder=folder,
        uid=series.uid,
        description=series.description,
        modality=series.modality,
        images=series.number_of_images,
        shape=shape,
        spacing=spacing,
        kernel=headers[0].shared.kernel,
        tilt_degrees=tilt,
        transfer_syntaxes=tuple(sorted({UID(h.transfer_syntax).name for h in headers})),
        refusal=refusal,
        is_ct=series.is_ct,
        files=tuple(sorted({h.path for h in headers})),
        export_refusal=export_refusal,
    )
