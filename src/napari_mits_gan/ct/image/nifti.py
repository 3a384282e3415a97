"""Reading NIfTI-1 and NIfTI-2: headers by nibabel, voxels slice by slice straight into HU."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.image.geometry import check_right_angles, check_spacing
from napari_mits_gan.ct.image.sheared import is_sheared, slice_distance
from napari_mits_gan.ct.image.values import as_hu
from napari_mits_gan.errors import ReadError

_GZIP = b"\x1f\x8b"
_MM_PER_UNIT = {"meter": 1e3, "mm": 1.0, "micron": 1e-3, "unknown": 1.0}
_SAME_TRANSFORM = 0.1
"""Two transforms may place a corner by this part of a voxel apart."""
_SAME_SPACING = 0.01
_MOST_PACKED = 1100


@dataclass(frozen=True)
class NiftiImage:
    """What a NIfTI file holds.

    Parameters
    ----------
    hu : ndarray of int16, shape (z, y, x)
        HU in the order of the file's axes.
    affine : ndarray of float, shape (4, 4)
        From voxels (x, y, z) to world coordinates (x, y, z), RAS, mm; may shift slices against each other.
    description : str
        The header's one free text.
    """

    hu: NDArray[np.int16]
    affine: NDArray[np.float64]
    description: str


def read_nifti(path: Path) -> NiftiImage:
    """Read a NIfTI file.

    Parameters
    ----------
    path : Path
        Ends with .nii or .nii.gz.

    Returns
    -------
    NiftiImage
        The transform is the sform where its code is set, else the qform, as nibabel decides.

    Raises
    ------
    ReadError
        If the file is damaged or cut off, is no three-dimensional CT, states two transforms that disagree, or a
        transform or spacing that is none.
    """
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header
    from nibabel.spatialimages import HeaderDataError

    try:
        with _opened(path) as stream:
            start = stream.read(540)
            kind = {b"n+1\0": Nifti1Header, b"ni1\0": Nifti1Header}.get(start[344:348])
            if kind is None and start[4:8] in (b"n+2\0", b"ni2\0"):
                kind = Nifti2Header
            if kind is None or len(start) < kind.template_dtype.itemsize:
                raise ReadError(f"{path.name} is no NIfTI file inside, or its header is cut off; copy it again.")
            header = kind(start[: kind.template_dtype.itemsize], check=False)
            shape, dtype, scale = _voxels_of(header, path.name)
            affine = _affine_of(header, path.name)
            offset = int(float(header["vox_offset"]))
            if b"ni" in (start[344:346], start[4:6]) or offset < kind.template_dtype.itemsize:
                raise ReadError(f"{path.name} keeps its voxels in another file (.img); save it as one .nii file.")
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            # So that no header asks for more memory than the file can fill; deflate packs 1:1032 at best.
            packed = _MOST_PACKED if path.name.lower().endswith(".gz") else 1
            if offset + size > path.stat().st_size * packed:
                raise _cut_off(path.name)
            _skip(stream, offset - len(start), path.name)
            hu = _read_hu(stream, start[offset:], shape, dtype, scale, path.name)
            while stream.read(1 << 20):  # to the end, where the check sum of a compressed file stands
                pass
    except (OSError, EOFError, zlib.error):
        raise ReadError(f"{path.name} is damaged or cut off; copy it again.") from None
    except (HeaderDataError, ValueError, OverflowError, KeyError):
        raise ReadError(f"{path.name} has a header that contradicts itself; save it again.") from None
    text = bytes(header["descrip"].item()).decode("latin-1").strip("\0 ")
    return NiftiImage(hu, affine, text)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as stream:
        compressed = stream.read(2) == _GZIP
        stream.seek(0)
        if path.name.lower().endswith(".gz") != compressed:
            is_so = "compressed" if compressed else "not compressed"
            ending = ".nii.gz" if compressed else ".nii"
            if stream.read(348)[344:346] == b"n+" or compressed:
                raise ReadError(
                    f"{path.name} is {is_so}, other than its name says; rename it so that it ends in {ending}."
                )
            raise ReadError(f"{path.name} is no NIfTI file inside, or its header is cut off; copy it again.")
        if not compressed:
            yield stream
            return
        with gzip.open(stream) as inside:
            yield inside  # type: ignore[misc]


def _voxels_of(
    header: object, name: str
) -> tuple[tuple[int, int, int], np.dtype[np.generic], tuple[float, float] | None]:
    """Shape (z, y, x), type of the stored values, and slope and intercept where there are any."""
    dims = [int(n) for n in header["dim"]]  # type: ignore[index]
    axes, size = dims[0], dims[1 : dims[0] + 1]
    if not 1 <= axes <= 7 or any(n < 1 for n in size):
        raise ReadError(f"{name} has a header that contradicts itself; save it again.")
    if axes < 3 or any(n != 1 for n in size[3:]):
        raise ReadError(f"{name} has {axes} axes ({' x '.join(map(str, size))}); a CT volume has three.")
    dtype = header.get_data_dtype()  # type: ignore[attr-defined]
    if dtype.kind not in "iuf":
        count = 2 if dtype.kind == "c" else len(dtype.names or ()) or 1
        raise ReadError(f"{name} has {count} values per voxel (colour, vector or complex), not one HU.")
    slope, inter = (float(header[key]) for key in ("scl_slope", "scl_inter"))  # type: ignore[index]
    if slope == 0 or not np.isfinite(slope):
        return (size[2], size[1], size[0]), dtype, None
    if not np.isfinite(inter):
        raise ReadError(f"{name} states a slope for its values and no intercept; save it again.")
    return (size[2], size[1], size[0]), dtype, None if (slope, inter) == (1.0, 0.0) else (slope, inter)


def _affine_of(header: object, name: str) -> NDArray[np.float64]:
    """The transform from voxels to RAS in mm, by the standard's codes."""
    spacing = np.array(header["pixdim"][1:4], dtype=np.float64)  # type: ignore[index]
    unit = header.get_xyzt_units()[0]  # type: ignore[attr-defined]
    scale = _MM_PER_UNIT.get(unit)
    if scale is None:
        raise ReadError(f"{name} states the distance between its voxels in an unknown unit; save it in mm.")
    check_spacing(list(spacing * scale), name)
    # A quaternion of NaN or of more than length 1 is none; nibabel raises ValueError or HeaderDataError.
    qform = header.get_qform(coded=True)[0]  # type: ignore[attr-defined]
    sform = header.get_sform(coded=True)[0]  # type: ignore[attr-defined]
    chosen = sform if sform is not None else qform
    if chosen is None:
        chosen = np.diag([*spacing, 1.0])
    affine = np.array(chosen, dtype=np.float64)
    axes = affine[:3, :3]
    lengths = np.linalg.norm(axes, axis=0)
    sheared = bool(np.isfinite(affine).all() and (lengths > 0).all() and is_sheared(axes))
    if not sheared:
        check_right_angles(axes, name)
    elif abs(slice_distance(axes) / spacing[2] - 1) <= _SAME_SPACING:
        lengths[2] = spacing[2]  # of a sheared axis some state the length, and some how far apart the slices are
    if not np.isfinite(affine).all() or np.abs(lengths / spacing - 1).max() > _SAME_SPACING:
        raise ReadError(f"{name} states two distances between its voxels that disagree; save it again with one.")
    if sform is not None and qform is not None:
        dims = [int(n) - 1 for n in header["dim"][1:4]]  # type: ignore[index]
        apart = min(_apart(dims, rigid, qform) for rigid in (_as_qform(sform, spacing) if sheared else [sform]))
        if not apart <= _SAME_TRANSFORM * spacing.min():
            raise ReadError(
                f"{name} states two transforms (sform and qform) that place its voxels up to {apart * scale:.3g} mm "
                "apart, so where they lie would be a guess; save it with one of them."
            )
    affine[:3] *= scale
    return affine


def _apart(dims: list[int], one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """How far apart two transforms place a corner at most."""
    corners = np.array([[x, y, z, 1] for x in (0, dims[0]) for y in (0, dims[1]) for z in (0, dims[2])], float)
    return float(np.linalg.norm((corners @ (one - other).T)[:, :3], axis=1).max())


def _as_qform(sform: NDArray[np.float64], spacing: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """What a qform, which cannot state a shear, says of a sheared sform.

    It is the nearest rotation (as the NIfTI library and dcm2niix make it), or that of the first slice.
    """
    unit = sform[:3, :3] / np.linalg.norm(sform[:3, :3], axis=0)
    left, _, right = np.linalg.svd(unit)
    normal = np.cross(unit[:, 0], unit[:, 1])
    normal *= np.sign(unit[:, 2] @ normal) / np.linalg.norm(normal)
    rigid = []
    for axes in (left @ right, np.stack([unit[:, 0], unit[:, 1], normal], axis=1)):
        transform = sform.copy()
        transform[:3, :3] = axes * spacing
        rigid.append(transform)
    return rigid


def _read_hu(
    stream: IO[bytes],
    begun: bytes,
    shape: tuple[int, int, int],
    dtype: np.dtype[np.generic],
    scale: tuple[float, float] | None,
    name: str,
) -> NDArray[np.int16]:
    """HU slice by slice, each straight into its place."""
    size = shape[1] * shape[2] * dtype.itemsize
    try:
        hu = np.empty(shape, np.int16)
    except (MemoryError, ValueError):
        raise ReadError(f"{name} ({' x '.join(map(str, shape))} voxels) does not fit into memory.") from None
    for z in range(shape[0]):
        data = begun[:size]
        begun = begun[len(data) :]
        data += _read(stream, size - len(data))
        if len(data) < size:
            raise _cut_off(name)
        values = np.frombuffer(data, dtype)
        if scale is not None:
            values = values.astype(np.float64) * scale[0] + scale[1]
        hu[z] = as_hu(values.reshape(shape[1:]), name)
    return hu


def _read(stream: IO[bytes], count: int) -> bytes:
    """`count` bytes, or as many as there are; asked for in pieces, so that memory is taken for what is there only."""
    pieces = []
    while count > 0 and (piece := stream.read(min(count, 1 << 24))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)


def _skip(stream: IO[bytes], count: int, name: str) -> None:
    """Step over what lies between header and voxels."""
    while count > 0:
        piece = stream.read(min(count, 1 << 20))
        if not piece:
            raise _cut_off(name)
        count -= len(piece)


def _cut_off(name: str) -> ReadError:
    return ReadError(f"{name} holds fewer voxels than its header says: it is damaged or cut off; copy it again.")
