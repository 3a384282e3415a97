"""Reading a DICOM CT series into a volume."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.geometry import Grid, grid_of
from napari_mits_gan.ct.dicom.header import SliceHeader
from napari_mits_gan.ct.dicom.padding import PaddingRange, declared, padding_mask
from napari_mits_gan.ct.dicom.pixels import stored_values
from napari_mits_gan.ct.dicom.rescale import to_hu
from napari_mits_gan.ct.dicom.series import WORKERS, choose, files_below, find, info, named, slices_of_volume
from napari_mits_gan.ct.dicom.source import DicomSource, SourceSlice
from napari_mits_gan.ct.dicom.tilt import Untilting, fill_hu
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.quiet import quiet
from napari_mits_gan.progress import Progress, silent

logger = logging.getLogger(__name__)

_PERFUSION_MAPS = frozenset({"PERFUSION", "RCBF", "RCBV", "CBF", "CBV", "MTT", "TTP", "TMAX", "PERMEABILITY"})
_MULTI_ENERGY_MAPS = frozenset({"MAT_FRACTIONAL", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY"})
_MAPS = _PERFUSION_MAPS | _MULTI_ENERGY_MAPS
"""Values of ImageType that name a computed map, whose values are no HU, whatever the rescale type says."""


def read_dicom(path: Path, *, series: str | None = None, progress: Progress = silent) -> CTVolume:
    """Read a DICOM CT series.

    Parameters
    ----------
    path : Path
        A folder (searched with the folders in it), a DICOMDIR (its folder), or one DICOM file (its whole series, as far
        as it lies in the same folder).
    series : str, optional
        SeriesInstanceUID to read where there are several.
    progress : Progress
        Called with headers and slices read so far.

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
    if path.is_file() and path.name.upper() != "DICOMDIR":
        chosen, files = path, files_below(path.parent, recursive=False)
        if series is None:
            series = _series_of(path)
    else:
        files = files_below(path if path.is_dir() else path.parent)
    found = find(files, lambda done, total: progress(done, 2 * total))
    headers = choose(found, series)
    for header in headers:
        if header.is_ct and not header.is_localizer:
            _check(header)
    damaged = found.damaged
    slices, left_out = slices_of_volume(headers, chosen)
    if damaged:
        name, cause = next(iter(damaged.items()))
        raise ReadError(
            f"{len(damaged)} file(s) beside the series cannot be read ({name}: {cause}), so slices may be missing; "
            "copy them again or move them away."
        )
    if left_out:
        logger.warning("Left out of the volume, because they are no slices of it: %s", named(left_out))
    grid = grid_of([h.plane for h in slices if h.plane], [h.name for h in slices], slices[0].thickness_mm)
    ordered = [slices[i] for i in grid.order]
    untilting = _untilting(grid, ordered)
    steps = len(files)
    hu, padding, sources = _decode(
        ordered, untilting, lambda done, total: progress(steps + steps * done // total, 2 * steps)
    )
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
        dicom=DicomSource(sources, tuple(left_out), 0.0 if untilting is None else grid.tilt_degrees),
        name=info(ordered).description,
    )


def _series_of(path: Path) -> str:
    found = find([path])
    if found.damaged:
        raise ReadError(f"{path.name} cannot be read as DICOM: {found.damaged[path.name]}; copy it again.")
    if not found.slices:
        raise ReadError(f"{path.name} holds no image that can be read; open a CT series, NIfTI, MetaImage or NRRD.")
    return found.slices[0].series_uid


def _check(header: SliceHeader) -> None:
    """Refuse a slice whose header leaves open what its pixels mean or where they lie."""
    if header.samples != 1 or header.photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ReadError(f"{header.name} is a colour image ({header.photometric or 'unknown'}), not a CT slice in HU.")
    if header.rows < 1 or header.columns < 1:
        raise ReadError(f"{header.name} has no pixels ({header.rows} rows, {header.columns} columns).")
    if header.stored_format is None:
        raise ReadError(f"{header.name} does not say in a usable way how its pixels are stored (8 or 16 bits).")
    if header.frames > 1 and header.plane is None:
        raise ReadError(f"{header.path.name} holds {header.frames} frames and does not say where each lies.")
    if header.plane is None:
        raise ReadError(
            f"{header.name} does not say where it lies (position, orientation and pixel spacing are needed); open a "
            "series that does."
        )
    if header.rescale is None:
        raise ReadError(f"{header.name} does not say how its values become HU: rescale slope or intercept is missing.")
    # "HU", "HU_MOD", and misspellings of Hounsfield; "US" (unspecified) and nothing are what CT images in HU often say.
    in_hu = header.rescale_type.upper().startswith("H") or header.rescale_type in ("", "US")
    if not in_hu or _MAPS.intersection(header.image_type):
        kind = "\\".join(header.image_type[2:]) or "derived image"
        stated = f"rescale type {header.rescale_type}, " if header.rescale_type else ""
        raise ReadError(f"{header.name} is not in HU ({stated}{kind}); open a CT in HU.")


def _untilting(grid: Grid, ordered: list[SliceHeader]) -> Untilting | None:
    """What moves the slices onto the grid; None where they lie on it."""
    if grid.shift_mm == (0.0, 0.0):
        return None
    if any(header.is_enhanced or header.frames > 1 for header in ordered):
        raise ReadError(
            f"The gantry was tilted by {grid.tilt_degrees:.1f} degrees, and {ordered[0].path.name} is a multi-frame "
            "file; only series with one slice in each file are straightened, so resample this one first."
        )
    logger.info("The gantry was tilted by %.1f degrees; the slices are moved onto a grid.", grid.tilt_degrees)
    shift = (grid.shift_mm[0] / grid.spacing[1], grid.shift_mm[1] / grid.spacing[2])
    return Untilting(len(ordered), ordered[0].rows, ordered[0].columns, shift)


def _decode(
    ordered: list[SliceHeader], untilting: Untilting | None, progress: Progress
) -> tuple[NDArray[np.int16], NDArray[np.bool_] | None, tuple[SourceSlice, ...]]:
    """HU, padding and sources of slices in order; files are decoded in parallel, each straight into its place."""
    first = ordered[0]
    files: dict[Path, list[tuple[int, SliceHeader]]] = {}
    for z, header in enumerate(ordered):
        files.setdefault(header.path, []).append((z, header))
    # Before memory is taken for a volume of the size that the headers claim, one slice has to prove it.
    with quiet():
        next(iter(stored_values([first])))
    shape = (len(ordered), first.rows, first.columns) if untilting is None else untilting.shape
    try:
        hu = np.empty(shape, np.int16)
    except MemoryError:
        raise ReadError(f"The series ({shape[0]} x {shape[1]} x {shape[2]} voxels) does not fit into memory.") from None
    masks: dict[int, NDArray[np.uint8]] = {}
    ranges: dict[int, tuple[PaddingRange, ...]] = {}

    def decode_file(work: list[tuple[int, SliceHeader]]) -> int:
        for (z, _), (header, stored) in zip(work, stored_values([h for _, h in work]), strict=True):
            assert header.rescale is not None  # _check made sure
            assert header.stored_format is not None
            stated = declared(header.padding_value, header.padding_limit, header.stored_format)
            mask, ranges[z] = padding_mask(stored, header.rescale, stated)
            values, clipped = to_hu(stored, header.rescale)
            if clipped is not None and (mask is None or (clipped & ~mask).any()):
                raise ReadError(f"{header.name} holds values outside -32768 ... 32767 HU, so it is not a CT in HU.")
            if untilting is not None:
                values, mask = untilting.moved(
                    z, values, mask, fill_hu(header.rescale, header.stored_format, ranges[z])
                )
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
    return hu, padding, tuple(SourceSlice(header, ranges[z]) for z, header in enumerate(ordered))


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
