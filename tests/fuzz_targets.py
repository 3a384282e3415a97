"""The parsers of our own, each as a function of any bytes that raises only what nobody may see."""

from __future__ import annotations

import io
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np

from napari_mits_gan.ct.dicom.geometry import Plane, grid_of
from napari_mits_gan.ct.dicom.padding import declared, padding_mask
from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat, to_hu
from napari_mits_gan.ct.dicom.storage import storage_of
from napari_mits_gan.ct.image.metaimage import check_metaimage
from napari_mits_gan.ct.image.nifti import read_nifti
from napari_mits_gan.ct.image.nrrd import check_nrrd
from napari_mits_gan.ct.image.sheared import straightened
from napari_mits_gan.ct.tilt import Untilting
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.archive import unpacked

_PLACE = Path(tempfile.mkdtemp(prefix="fuzz-"))
_MOST_VOXELS = 1 << 22


def _file(name: str, data: bytes) -> Path:
    path = _PLACE / name
    path.write_bytes(data)
    return path


def nifti(data: bytes) -> None:
    """A NIfTI file, straightened where its slices are shifted."""
    with suppress(ReadError):
        image = read_nifti(_file("a.nii", data))
        assert image.hu.dtype == np.int16
        hu, affine, padding, _ = straightened(image.hu, image.affine, "a.nii")
        unit = affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0)
        assert np.allclose(unit.T @ unit, np.eye(3), atol=2e-3)
        assert padding is None or padding.shape == hu.shape


def metaimage(data: bytes) -> None:
    """A MetaImage header, and the voxels that it announces."""
    with suppress(ReadError):
        check_metaimage(_file("a.mha", data))


def nrrd(data: bytes) -> None:
    """An NRRD header, and the voxels that it announces."""
    with suppress(ReadError):
        check_nrrd(_file("a.nrrd", data))


def archive(data: bytes) -> None:
    """A zip or tar file."""
    before = sorted(p.name for p in _PLACE.iterdir())
    with suppress(ReadError):
        kept = unpacked(_file("a.zip", data))
        inside = kept.folder.resolve()
        assert all(inside in path.resolve().parents for path in inside.rglob("*"))
        kept.remove()
    assert sorted(p.name for p in _PLACE.iterdir()) in (before, sorted({*before, "a.zip"}))


def padding(data: bytes) -> None:
    """Stored values with any rescale, bits and padding: what is HU comes back as it was stored."""
    if len(data) < 24:
        return
    bits, flags = 1 + data[0] % 16, data[1]
    value, limit = struct.unpack("<ii", data[2:10])
    slope, intercept = struct.unpack("<ff", data[10:18])
    try:
        rescale = Rescale(slope, intercept)
    except ValueError:
        return
    allocated = 8 if bits <= 8 and flags & 1 else 16
    stored_format = StoredFormat(allocated, bits, bits - 1, bool(flags & 2))
    words = np.frombuffer(data[18 : 18 + (len(data) - 18) // 2 * 2], "<u2").astype(stored_format.dtype)[:64]
    side = int(len(words) ** 0.5)
    if side < 1:
        return
    stored = stored_format.clean(words[: side * side].reshape(side, side))
    stated = declared(value if flags & 4 else None, limit if flags & 8 else None, stored_format)
    mask, ranges = padding_mask(stored, rescale, stated)
    hu, clipped = to_hu(stored, rescale)
    storage = storage_of(rescale, stored_format, ranges)
    if not len(storage.hu.levels):
        return
    measured = np.ones(stored.shape, bool) if mask is None else ~mask
    if clipped is not None:
        measured &= ~clipped
    back, _ = to_hu(storage.stored(hu), rescale)
    assert (back == hu)[measured].all()
    assert not any(r.mask(storage.stored(hu)).any() for r in ranges)


def tilt(data: bytes) -> None:
    """Positions of slices: a regular grid, a tilted one that is straightened, or a refusal."""
    if len(data) < 64:
        return
    numbers = np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(float)
    if not np.isfinite(numbers).all():
        return
    spacing = (abs(float(numbers[0])) or 1.0, abs(float(numbers[1])) or 1.0)
    row, column = tuple(numbers[2:5]), tuple(numbers[5:8])
    places = numbers[8 : 8 + (len(numbers) - 8) // 3 * 3].reshape(-1, 3)[:40]
    if len(places) == 0:
        return
    planes = [Plane(tuple(place), row, column, spacing) for place in places]
    with suppress(ReadError), np.errstate(all="ignore"):
        grid = grid_of(planes, [str(n) for n in range(len(planes))], 1.0)
        assert sorted(grid.order) == list(range(len(planes)))
        assert np.allclose(grid.direction.T @ grid.direction, np.eye(3), atol=1e-6)
        shift = (grid.shift_mm[0] / grid.spacing[1], grid.shift_mm[1] / grid.spacing[2])
        untilting = Untilting(len(planes), 5, 4, shift)
        if np.prod(untilting.shape, dtype=float) < _MOST_VOXELS:
            hu = np.arange(20, dtype=np.int16).reshape(5, 4)
            for z in range(len(planes)):
                moved, missing = untilting.moved(z, hu)
                assert moved.shape == missing.shape == untilting.shape[1:]
                assert ((moved >= 0) & (moved < 20))[~missing].all()


TARGETS: dict[str, Callable[[bytes], None]] = {
    "nifti": nifti,
    "metaimage": metaimage,
    "nrrd": nrrd,
    "archive": archive,
    "padding": padding,
    "tilt": tilt,
}


def seeds(name: str) -> list[bytes]:
    """Good inputs to begin with."""
    voxels = np.arange(60, dtype="<i2").tobytes()
    if name == "nifti":
        head = bytearray(352)
        struct.pack_into("<i", head, 0, 348)
        struct.pack_into("<8h", head, 40, 3, 5, 4, 3, 1, 1, 1, 1)
        struct.pack_into("<hh", head, 70, 4, 16)
        struct.pack_into("<8f", head, 76, 1, 0.7, 0.8, 2, 0, 0, 0, 0)
        struct.pack_into("<fff", head, 108, 352, 1, 0)
        head[123] = 2
        struct.pack_into("<hh", head, 252, 0, 1)
        struct.pack_into("<12f", head, 280, 0.7, 0, 0, 0, 0, 0.8, 0.5, 0, 0, 0, 2, 0)
        head[344:348] = b"n+1\0"
        return [bytes(head) + voxels]
    if name == "metaimage":
        text = (
            "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\n"
            "TransformMatrix = 1 0 0 0 1 0 0 0 1\nElementSpacing = 0.7 0.8 2\nDimSize = 5 4 3\n"
            "ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
        )
        return [text.encode() + voxels]
    if name == "nrrd":
        text = (
            "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 5 4 3\n"
            "space directions: (0.7,0,0) (0,0.8,0) (0,0,2)\nendian: little\nencoding: raw\n\n"
        )
        return [text.encode() + voxels]
    if name == "archive":
        zipped, tarred = io.BytesIO(), io.BytesIO()
        with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as made:
            made.writestr("a/1", b"one" * 20)
            made.writestr("b", b"two")
        with tarfile.open(fileobj=tarred, mode="w", format=tarfile.PAX_FORMAT) as made:
            for path in ("a/1", "ü" * 120):
                member = tarfile.TarInfo(path)
                member.size = 5
                made.addfile(member, io.BytesIO(b"three"))
        return [zipped.getvalue(), tarred.getvalue()]
    if name == "padding":
        return [bytes([11, 14]) + struct.pack("<iiff", 0, 5, 1, -1024) + voxels]
    places = [v for z in range(6) for v in (0.0, 0.9 * z, 2.5 * z)]
    return [struct.pack(f"<{8 + len(places)}f", 0.8, 0.7, 1, 0, 0, 0, 1, 0, *places)]
