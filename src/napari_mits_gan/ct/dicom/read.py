"""Reading a DICOM CT series into a volume."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.choices import info, layout_chosen
from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.directory import DICOMDIR
from napari_mits_gan.ct.dicom.earlier import earlier_steps
from napari_mits_gan.ct.dicom.padding import declared, padding_mask
from napari_mits_gan.ct.dicom.pixels import stored_values
from napari_mits_gan.ct.dicom.rescale import to_hu
from napari_mits_gan.ct.dicom.series import WORKERS, files_below, find
from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.ct.dicom.untilted import fill_hu, storable_hu
from napari_mits_gan.ct.tilt import Untilting
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.archive import Unpacked
from napari_mits_gan.files.quiet import quiet
from napari_mits_gan.progress import Progress, silent

logger = logging.getLogger(__name__)


def read_dicom(
    path: Path, *, series: str | None = None, progress: Progress = silent, unpacked: Unpacked | None = None
) -> CTVolume:
    """Read a DICOM CT series.

    Parameters
    ----------
    path : Path
        A folder (searched with the folders in it), a DICOMDIR (its folder), or one DICOM file (its whole series, as far
        as it lies in the same folder).
    series : str, optional
        Which to read where there are several; see `choices.layout_chosen`.
    progress : Progress
        Called with headers and slices read so far.
    unpacked : Unpacked, optional
        What keeps the files there, where they came out of an archive.

    Returns
    -------
    CTVolume
        HU by each slice's own rescale; geometry from positions and orientation alone. With a single slice the spacing
        along z is what its header says of the slice thickness, or 1 mm.

    Raises
    ------
    ReadError
        In one sentence, if no CT volume can be read without guessing.
    """
    chosen = None
    if path.is_file() and path.name.upper() != DICOMDIR:
        chosen, files = path, files_below(path.parent, recursive=False)
        if series is None:
            series = _series_of(path)
    else:
        files = files_below(path if path.is_dir() else path.parent)
    found = find(files, lambda done, total: progress(done, 2 * total))
    layout, part = layout_chosen(found, series, chosen)
    grid, ordered, untilting = layout.grid, layout.slices, layout.untilting
    steps = len(files)
    hu, padding, decoded = _decode(
        ordered, untilting, lambda done, total: progress(steps + steps * done // total, 2 * steps)
    )
    source = DicomSource(
        decoded,
        tuple(header.name for header in layout.left_out),
        layout.tilt_degrees,
        grid.drift_mm,
        tuple(dict.fromkeys(header.path for header in layout.left_out)),
        part,
        unpacked,
        earlier_steps(ordered[0].header.path),
    )
    for note in source.notes:
        logger.info("%s", note)
    origin = np.asarray(grid.origin)
    if untilting is not None:
        y, x = untilting.first
        origin = origin - grid.direction @ (0, y * grid.spacing[1], x * grid.spacing[2])
    return CTVolume(
        hu=hu,
        spacing=grid.spacing,
        origin=(float(origin[0]), float(origin[1]), float(origin[2])),
        direction=grid.direction,
        padding=padding,
        source=source,
        name=info([s.header for s in ordered]).description,
        notes=source.notes,
    )


def _series_of(path: Path) -> str:
    found = find([path])
    if found.damaged:
        raise ReadError(f"{path.name} cannot be read as DICOM: {found.damaged[path.name]}; copy it again.")
    if not found.slices:
        raise ReadError(f"{path.name} holds no image that can be read; open a CT series, NIfTI, MetaImage or NRRD.")
    return found.slices[0].series_uid


def _decode(
    ordered: Sequence[CTSlice], untilting: Untilting | None, progress: Progress
) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None, tuple[CTSlice, ...]]:
    """HU and padding of slices in order, and the slices with the padding found in each.

    Files are decoded in parallel, each straight into its place.
    """
    first = ordered[0].header
    files: dict[Path, list[tuple[int, CTSlice]]] = {}
    for z, image in enumerate(ordered):
        files.setdefault(image.header.path, []).append((z, image))
    # Before memory is taken for a volume of the size that the headers claim, one slice has to prove it.
    with quiet():
        next(iter(stored_values(ordered[:1])))
    shape = (len(ordered), first.rows, first.columns) if untilting is None else untilting.shape
    try:
        hu = np.empty(shape, np.int16)
    except MemoryError:
        raise ReadError(f"The series ({shape[0]} x {shape[1]} x {shape[2]} voxels) does not fit into memory.") from None
    masks: dict[int, NDArray[np.uint8]] = {}
    decoded = dict(enumerate(ordered))

    def decode_file(work: list[tuple[int, CTSlice]]) -> int:
        for (z, _), (image, stored) in zip(work, stored_values([s for _, s in work]), strict=True):
            stated = declared(image.header.padding_value, image.header.padding_limit, image.stored_format)
            mask, ranges = padding_mask(stored, image.rescale, stated)
            image = decoded[z] = replace(image, padding=ranges)
            values, clipped = to_hu(stored, image.rescale)
            if clipped is not None and (mask is None or (clipped & ~mask).any()):
                raise ReadError(f"{image.name} holds values outside -32768 ... 32767 HU, so it is not a CT in HU.")
            if untilting is not None:
                values, mask = untilting.moved(z, values, mask, fill_hu(image), partial(storable_hu, image=image))
            hu[z] = values
            if mask is not None:
                masks[z] = np.packbits(mask, axis=None)  # an eighth of the memory until it is known how many there are
        return len(work)

    done = 0
    with quiet(), ThreadPoolExecutor(WORKERS) as pool:
        try:
            for count in pool.map(decode_file, files.values()):
                done += count
                progress(done, len(ordered))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    padding = _unpacked(masks, shape)
    return hu, padding, tuple(decoded[z] for z in range(len(ordered)))


def _unpacked(masks: dict[int, NDArray[np.uint8]], shape: tuple[int, int, int]) -> NDArray[np.bool_] | None:
    """The padding of a volume from the packed masks of its slices, which are given up one by one.

    Mostly it is the same in every slice (what lies outside the round field of view), and then kept only once: a mask of
    its own for each slice would take half as much memory as the HU.
    """
    if not masks:
        return None

    def slice_mask(packed: NDArray[np.uint8]) -> NDArray[np.bool_]:
        return np.unpackbits(packed, count=shape[1] * shape[2]).view(np.bool_).reshape(shape[1:])

    one = next(iter(masks.values()))
    if len(masks) == shape[0] and all(np.array_equal(packed, one) for packed in masks.values()):
        return np.broadcast_to(slice_mask(one), shape)
    padding = np.zeros(shape, np.bool_)
    while masks:
        z, packed = masks.popitem()
        padding[z] = slice_mask(packed)
    return padding
