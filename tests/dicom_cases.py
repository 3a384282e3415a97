"""What becomes of difficult scans: the table that the tests read and from which `docs/dicom-cases.md` is made.

`scripts/make_dicom_cases.py` writes the tables into the document.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.fileset import FileSet
from pydicom.uid import (
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

from enhanced_ct import enhanced_file, one

READ, OFFERED, REFUSED = "read", "offered for choice", "refused"


@dataclass(frozen=True)
class RealCase:
    """A real file or folder that breaks careless readers.

    Parameters
    ----------
    folder : str
        Below the folder of the difficult files.
    case, what : str
        How the document calls it, and what it is.
    happens : str
        `READ` or `REFUSED`.
    says : str
        What the refusal says, or what is special about the volume.
    second : str
        The second reader, and how its result compares.
    """

    folder: str
    case: str
    what: str
    happens: str
    says: str
    second: str = "–"


REAL_CASES = (
    RealCase(
        "01_transfer_syntaxes/*",
        "01, each file",
        "one slice: implicit, explicit, big endian, JPEG lossless, JPEG 2000",
        READ,
        "spacing along z from the header, since one slice has no neighbour",
        "SimpleITK: equal",
    ),
    RealCase(
        "01_transfer_syntaxes/*.51.dcm",
        "01, JPEG 12 bit lossy",
        "slope 2.0002",
        READ,
        'with `pip install "napari-mits-gan[lossy-jpeg]"` (a decoder under the GPL), else refused',
        "SimpleITK: within one stored step (2 HU) on the inverse cosine transform",
    ),
    RealCase(
        "01_transfer_syntaxes",
        "01, the folder",
        "the same image five times, encoded differently",
        REFUSED,
        "different versions of the same image",
    ),
    RealCase("02_multiframe", "02", "enhanced multi-frame, perfusion map, fragmented JPEG", REFUSED, "is not in HU"),
    RealCase(
        "03_gantry_tilt",
        "03",
        "gantry tilt of 14 degrees",
        READ,
        "straightened, see below",
        "SimpleITK, slice by slice: equal after rounding",
    ),
    RealCase(
        "04_missing_slices/a", "04 a", "slices missing", REFUSED, "1 slice(s) are missing: the slices lie 5 mm apart"
    ),
    RealCase("04_missing_slices/b", "04 b", "slices missing", REFUSED, "1 slice(s) are missing"),
    RealCase(
        "04_missing_slices/notavolume",
        "04 notavolume",
        "four times at one place",
        REFUSED,
        "slices lie where another lies too",
    ),
    RealCase(
        "06_oblique_slope0.001",
        "06",
        "oblique, slope 0.001, pixels 3.5 × 2.5 mm",
        READ,
        "HU rounded in the volume, stored values kept for the export",
        "SimpleITK: equal after rounding",
    ),
    RealCase(
        "08_CT_secondary_capture_and_localizer/S1000",
        "08 S1000",
        "a localizer with Modality CT",
        REFUSED,
        "There are no CT slices here, only 1 localizer image(s)",
    ),
    RealCase(
        "08_CT_secondary_capture_and_localizer/S4010",
        "08 S4010",
        "screen captures with Modality CT",
        REFUSED,
        "There are no CT slices here, only 6 image(s) of the kind Secondary Capture Image Storage",
    ),
    RealCase(
        "13_no_modality_tag", "13", "no Modality, patient or manufacturer", READ, "by its SOP class", "SimpleITK: equal"
    ),
    RealCase(
        "14_jpeg_lossless_sagittal/x",
        "14",
        "JPEG lossless, sagittal, one coronal reference image",
        READ,
        "19 sagittal slices; the reference image is left out, and the notes say so",
        "SimpleITK: equal at 200 random places",
    ),
)


class Maker:
    """What a case is made with: a factory of series, and a folder of its own."""

    def __init__(self, series: Callable[..., Any], place: Path) -> None:
        self.series, self.place = series, place

    def edited(self, edit: Callable[[Dataset, int], Any] | None = None, **options: Any) -> Path:
        """A series each slice of which was changed."""
        return self.series(self.place / "scan", edit=edit, **options).folder

    def rewritten(self, change: Callable[[bytes, int], bytes | None], **options: Any) -> Path:
        """A series whose files were changed byte by byte; None removes one."""
        made = self.series(self.place / "scan", **options)
        for z, path in enumerate(made.files):
            data = change(path.read_bytes(), z)
            if data is None:
                path.unlink()
            else:
                path.write_bytes(data)
        return made.folder


@dataclass(frozen=True)
class Case:
    """A made-up input.

    Parameters
    ----------
    what : str
        What it is.
    happens : str
        `READ`, `OFFERED` or `REFUSED`.
    says : str
        A part of the refusal, of a note, or of the question which volume to read; empty where there is nothing to say.
    make : callable
        Makes it, and tells what to open.
    shape : tuple of int, or None
        Of the volume that is read; that of the factory's series unless told.
    stored : bool
        Whether the volume has the HU of the factory's series, slice for slice.
    """

    what: str
    happens: str
    says: str
    make: Callable[[Maker], Path]
    shape: tuple[int, int, int] | None = (5, 16, 12)
    stored: bool = True


def _set(**values: Any) -> Callable[[Maker], Path]:
    """A series whose elements have these values; None takes an element away."""

    def edit(ds: Dataset, z: int) -> None:
        for keyword, value in values.items():
            value = value(z) if callable(value) else value
            if value is None:
                delattr(ds, keyword)
            else:
                setattr(ds, keyword, value)

    return lambda maker: maker.edited(edit)


def _bytes(keyword_bytes: bytes, new: bytes) -> Callable[[Maker], Path]:
    """A series in whose files some bytes are replaced by as many others."""
    assert len(keyword_bytes) == len(new)
    return lambda maker: maker.rewritten(lambda data, z: data.replace(keyword_bytes, new))


def _with_vr(maker: Maker, vr: bytes) -> Path:
    def change(data: bytes, z: int) -> bytes:
        at = data.rindex(b"\xe0\x7f\x10\x00OW")
        return data[: at + 4] + vr + data[at + 6 :]

    return maker.rewritten(change)


def _truncated(syntax: str) -> Callable[[Maker], Path]:
    def make(maker: Maker) -> Path:
        folder = maker.edited(syntax=syntax, stored=_noise((5, 64, 64)))
        path = folder / "003.dcm"
        ds = pydicom.dcmread(path)
        frame = pydicom.encaps.get_frame(ds.PixelData, 0, number_of_frames=1)
        half = frame[: len(frame) // 2]
        ds.PixelData = pydicom.encaps.encapsulate([half + b"\0" * (len(half) % 2)])
        ds.save_as(path)
        return folder

    return make


def _noise(shape: tuple[int, int, int]) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 3000, shape).astype(np.int16)


def _beside(name: str, content: bytes, **options: Any) -> Callable[[Maker], Path]:
    def make(maker: Maker) -> Path:
        folder = maker.edited(**options)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
        return folder

    return make


def _garbage(maker: Maker) -> Path:
    folder = maker.edited(suffix="")
    for path in folder.iterdir():
        path.rename(path.with_name(f"IM{path.name}"))
    (folder / "IM006").write_bytes(b"<html>404</html>")
    return folder


def _moved(step_mm: Callable[[int], float]) -> Callable[[Maker], Path]:
    return _set(ImagePositionPatient=lambda z: [0, 0, f"{step_mm(z):.6f}"])


def _stray(count: int) -> Callable[[Maker], Path]:
    def edit(ds: Dataset, z: int) -> None:
        if z >= 5:
            turn = 0.4 + z / 20
            ds.ImageOrientationPatient = ["1", "0", "0", "0", f"{np.cos(turn):.6f}", f"{-np.sin(turn):.6f}"]

    return lambda maker: maker.edited(edit, shape=(5 + count, 16, 12))


def _tilted(degrees: float) -> Callable[[Maker], Path]:
    step = float(np.tan(np.radians(degrees)))
    return _set(ImagePositionPatient=lambda z: [0, f"{2.5 * z * step:.6f}", 2.5 * z])


def _enhanced(maker: Maker, edit: Callable[[Dataset], None] | None = None) -> Path:
    stored = np.arange(4 * 120, dtype=np.uint16).reshape(4, 12, 10)
    return enhanced_file(maker.place / "scan" / "enhanced", stored, [0, 1, 2, 3], edit=edit)


def _two_stacks(maker: Maker) -> Path:
    def edit(ds: Dataset) -> None:
        for number, group in enumerate(ds.PerFrameFunctionalGroupsSequence):
            group.FrameContentSequence = one(StackID=str(number % 2))

    return _enhanced(maker, edit).parent


def _two_syntaxes(maker: Maker) -> Path:
    folder = maker.edited()
    ds = pydicom.dcmread(folder / "002.dcm")
    ds.compress(RLELossless, generate_instance_uid=False)
    ds.save_as(folder / "copy.dcm")
    return folder


def _disc(maker: Maker, gone: bool = False) -> Path:
    made = FileSet()
    for path in maker.series().files:
        made.add(path)
    made.write(maker.place / "disc")
    if gone:
        max(p for p in (maker.place / "disc").rglob("*") if p.is_file() and p.name != "DICOMDIR").unlink()
    return maker.place / "disc" / "DICOMDIR"


def _zip(maker: Maker, name: str = "", link: bool = False) -> Path:
    folder = maker.edited()
    with zipfile.ZipFile(maker.place / "scan.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.iterdir()):
            made.write(path, f"scan/{path.name}")
        if name:
            made.writestr(name, b"x")
        if link:
            member = zipfile.ZipInfo("scan/006.dcm")
            member.external_attr = 0o120777 << 16
            made.writestr(member, "/etc/passwd")
    return maker.place / "scan.zip"


def _tar(maker: Maker) -> Path:
    with tarfile.open(maker.place / "scan.tar.gz", "w:gz") as made:
        made.add(maker.edited(), "scan")
    return maker.place / "scan.tar.gz"


def _cut_zip(maker: Maker) -> Path:
    path = _zip(maker)
    path.write_bytes(path.read_bytes()[:-200])
    return path


def _nifti(
    name: str = "a.nii",
    *,
    sform: Any = None,
    codes: tuple[int, int] = (0, 1),
    spacing: Any = (0.7, 0.8, 2.0),
    scale: tuple[float, float] = (1, 0),
    cut: int = 0,
    dims: Any = None,
    packed: bool = False,
) -> Callable[[Maker], Path]:
    def make(maker: Maker) -> Path:
        head = bytearray(352)
        struct.pack_into("<i", head, 0, 348)
        struct.pack_into("<8h", head, 40, *(dims or (3, 12, 16, 5, 1, 1, 1, 1)))
        struct.pack_into("<hh", head, 70, 4, 16)
        struct.pack_into("<8f", head, 76, 1, *spacing, 0, 0, 0, 0)
        struct.pack_into("<fff", head, 108, 352, *scale)
        head[123] = 2
        struct.pack_into("<hh", head, 252, *codes)
        matrix = np.c_[np.diag((0.7, 0.8, 2.0)), np.zeros(3)] if sform is None else sform
        struct.pack_into("<12f", head, 280, *np.ravel(matrix))
        head[344:348] = b"n+1\0"
        data = bytes(head) + np.arange(960, dtype="<i2").tobytes()
        path = maker.place / name
        path.write_bytes(gzip.compress(data)[: -cut or None] if packed else data[: -cut or None])
        return path

    return make


def _sheared(sideways: float) -> np.ndarray:
    return np.array([[0.7, 0, 0, 0], [0, 0.8, sideways, 0], [0, 0, 2, 0]])


def _meta(more: str = "ElementSpacing = 0.7 0.8 2\n", data: bytes | None = None) -> Callable[[Maker], Path]:
    text = (
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
        f"{more}DimSize = 12 16 5\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
    )

    def make(maker: Maker) -> Path:
        voxels = np.arange(960, dtype="<i2").tobytes() if data is None else data
        (maker.place / "a.mha").write_bytes(text.encode() + voxels)
        return maker.place / "a.mha"

    return make


def _nrrd(more: str, encoding: str = "raw") -> Callable[[Maker], Path]:
    text = f"NRRD0004\ntype: short\ndimension: 3\nsizes: 12 16 5\nendian: little\nencoding: {encoding}\n{more}\n"

    def make(maker: Maker) -> Path:
        (maker.place / "a.nrrd").write_bytes(text.encode() + np.arange(960, dtype="<i2").tobytes())
        return maker.place / "a.nrrd"

    return make


def _pipe(maker: Maker) -> Path:
    os.mkfifo(maker.place / "pipe")
    return maker.place / "pipe"


def _linked(maker: Maker) -> Path:
    folder = maker.edited()
    (maker.place / "links").mkdir()
    (maker.place / "links" / "scan").symlink_to(folder)
    return maker.place / "links"


def _text(name: str) -> Callable[[Maker], Path]:
    def make(maker: Maker) -> Path:
        (maker.place / name).write_bytes(b"no scan")
        return maker.place / name

    return make


def _report() -> bytes:
    ds = Dataset()
    ds.file_meta = pydicom.dataset.FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid(prefix=None)
    ds.PatientID = "1"
    written = io.BytesIO()
    pydicom.dcmwrite(written, ds, enforce_file_format=True)
    return written.getvalue()


def _copied(maker: Maker) -> Path:
    folder = maker.edited()
    shutil.copytree(folder, folder / "copy")
    return folder


CASES: dict[str, tuple[Case, ...]] = {
    "Files and folders": (
        Case("an empty folder", REFUSED, "The folder is empty", lambda maker: maker.place),
        Case("a text file", REFUSED, "notes.txt is not a CT scan: it is neither DICOM nor", _text("notes.txt")),
        Case(
            "a text file with a DICOM ending",
            REFUSED,
            "a.dcm is not a CT scan: it is neither DICOM nor",
            _text("a.dcm"),
        ),
        Case("a device, pipe or socket", REFUSED, "pipe is neither a file nor a folder", _pipe),
        Case("a folder that holds only links to folders", REFUSED, "links to folders, which are not followed", _linked),
        Case("files without an ending, in any order", READ, "", lambda m: m.edited(suffix="", order=[3, 0, 4, 1, 2])),
        Case("a second copy of each file", READ, "", _copied),
        Case("the junk of macOS (`._001.dcm`)", READ, "", _beside("._001.dcm", b"\x00\x05\x16\x07" + bytes(60))),
        Case("a DICOM file without an image beside the slices", READ, "", _beside("report", _report())),
        Case("a DICOMDIR", READ, "", _disc),
        Case(
            "a DICOMDIR that lists an image that is not there",
            REFUSED,
            "1 image(s) of the series that the DICOMDIR lists are not there",
            lambda maker: _disc(maker, gone=True),
        ),
        Case("a zip or tar file of a series", READ, "", _zip),
        Case("a compressed tar file", READ, "", _tar),
        Case(
            "an archive with a name that leads out of it",
            REFUSED,
            "holds a file whose name leads out of it",
            lambda maker: _zip(maker, "../escaped"),
        ),
        Case(
            "an archive with a link in it",
            REFUSED,
            "holds a link (006.dcm), which is not unpacked",
            lambda maker: _zip(maker, link=True),
        ),
        Case("an archive that is cut off", REFUSED, "is damaged, cut off or not what its name says", _cut_zip),
    ),
    "Damage": (
        Case(
            "a slice that is cut off, at whatever byte",
            REFUSED,
            "003.dcm is cut off",
            lambda m: m.rewritten(lambda data, z: data[:-40] if z == 2 else data),
        ),
        Case(
            "a slice of which only the beginning is there",
            REFUSED,
            "1 file(s) beside the series cannot be read (005.dcm",
            lambda m: m.rewritten(lambda data, z: data[:300] if z == 4 else data),
        ),
        Case(
            "a file that is named as the slices are and is no DICOM",
            REFUSED,
            "1 file(s) beside the series cannot be read (IM006: it is not DICOM inside)",
            _garbage,
        ),
        Case(
            "a slice compressed by itself (`005.dcm.gz`)",
            REFUSED,
            "006.dcm.gz: it is compressed with gzip; unpack it",
            _beside("006.dcm.gz", gzip.compress(b"a slice")),
        ),
        Case(
            "an empty file, or one of zeros, named as the slices are",
            REFUSED,
            "006: it is empty",
            _beside("006", b"", suffix=""),
        ),
        Case(
            "a slice missing within the series",
            REFUSED,
            "1 slice(s) are missing",
            lambda m: m.rewritten(lambda data, z: None if z == 2 else data),
        ),
        Case(
            "truncated JPEG-LS",
            REFUSED,
            "The pixels of 003.dcm (JPEG-LS Lossless Image Compression) are damaged",
            _truncated(JPEGLSLossless),
        ),
        Case("truncated RLE", REFUSED, "The pixels of 003.dcm (RLE Lossless) are damaged", _truncated(RLELossless)),
        Case(
            "truncated JPEG 2000",
            REFUSED,
            "The pixels of 003.dcm (JPEG 2000 Image Compression (Lossless Only)) are damaged",
            _truncated(JPEG2000Lossless),
        ),
        Case(
            "an unknown transfer syntax",
            REFUSED,
            "for which no decoder is installed or known",
            _bytes(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.9.9.9\0"),
        ),
    ),
    "What a slice states": (
        Case("PixelData with VR UN", READ, "", lambda maker: _with_vr(maker, b"UN")),
        Case("decimal commas in spacing, position and rescale", READ, "", _bytes(b"0.8\\0.7 ", b"0,8\\0,7 ")),
        Case("a photometric interpretation in small letters", READ, "", _bytes(b"MONOCHROME2", b"monochrome2")),
        Case("Implicit VR", READ, "", lambda m: m.edited(syntax=ImplicitVRLittleEndian)),
        Case(
            "the rescale type unspecified (`US`, `UNSPECIFIED`) or missing", READ, "", _set(RescaleType="UNSPECIFIED")
        ),
        Case("another rescale type", REFUSED, "is not in HU (rescale type OD", _set(RescaleType="OD")),
        Case(
            "a computed map, whatever its rescale type",
            REFUSED,
            "is not in HU (rescale type HU, AXIAL\\EFF_ATOMIC_NUM)",
            _set(ImageType=["DERIVED", "SECONDARY", "AXIAL", "EFF_ATOMIC_NUM"]),
        ),
        Case("no rescale", REFUSED, "rescale slope or intercept is missing", _set(RescaleSlope=None)),
        Case(
            "no position, orientation or pixel spacing",
            REFUSED,
            "does not say where it lies",
            _set(ImagePositionPatient=None),
        ),
        Case(
            "HU outside −32768 … 32767 in the field of view",
            REFUSED,
            "holds values outside -32768 ... 32767 HU",
            _set(RescaleIntercept=32000),
        ),
        Case("colour", REFUSED, "is a colour image (RGB)", _set(PhotometricInterpretation="RGB", SamplesPerPixel=3)),
        Case("32 bits", REFUSED, "does not say in a usable way how its pixels are stored", _set(BitsAllocated=32)),
        Case(
            "several frames without positions",
            REFUSED,
            "holds 3 frames and does not say where each lies",
            _set(NumberOfFrames=3),
        ),
        Case("an enhanced file", READ, "", _enhanced, (4, 12, 10), stored=False),
        Case(
            "an enhanced image type of one, two or no value",
            READ,
            "",
            lambda maker: _enhanced(maker, lambda ds: setattr(ds, "ImageType", ["ORIGINAL"])),
            (4, 12, 10),
            stored=False,
        ),
    ),
    "Where slices lie": (
        Case(
            "directions that differ by 2e-5",
            READ,
            "",
            _set(ImageOrientationPatient=lambda z: [1, f"{2e-5 * z:.7f}", 0, f"{-2e-5 * z:.7f}", 1, 0]),
        ),
        Case(
            "slices turned by 0.28 degrees against each other",
            REFUSED,
            "sizes, pixel spacings or orientations",
            lambda m: m.edited(
                lambda ds, z: setattr(
                    ds, "ImageOrientationPatient", [1, 0.0048869 * (z == 2), 0, -0.0048869 * (z == 2), 1, 0]
                ),
                shape=(5, 64, 64),
            ),
        ),
        Case(
            "a pixel spacing of 0.7045 beside 0.7 mm",
            REFUSED,
            "sizes, pixel spacings or orientations",
            lambda m: m.edited(
                lambda ds, z: setattr(ds, "PixelSpacing", ["0.8", "0.7045" if z == 2 else "0.7"]), shape=(5, 64, 64)
            ),
        ),
        Case(
            "one reference image of another plane",
            READ,
            "1 image(s) of the series are no slices of the volume",
            _stray(1),
            stored=False,
        ),
        Case("many images that differ", REFUSED, "sizes, pixel spacings or orientations", _stray(20)),
        Case(
            "a gap of 182 mm",
            REFUSED,
            "Slices of the series lie 182.5 mm apart (003.dcm and 004.dcm), so it is no one scan",
            _moved(lambda z: 2.5 * z + (180 if z > 2 else 0)),
        ),
        Case(
            "a gap of 300 mm",
            REFUSED,
            "Slices of the series lie 302.5 mm apart (003.dcm and 004.dcm), so it is no one scan",
            _moved(lambda z: 2.5 * z + (300 if z > 2 else 0)),
        ),
        Case(
            "irregular spacing",
            REFUSED,
            "The slices are irregularly spaced",
            _moved(lambda z: 2.5 * z + (1 if z == 2 else 0)),
        ),
        Case(
            "slices 4 µm apart",
            REFUSED,
            "The slices lie only 0.004 mm apart, which no CT can resolve",
            _moved(lambda z: 0.004 * z),
        ),
        Case("slices at one place", REFUSED, "slices lie where another lies too", _moved(lambda z: 0)),
        Case(
            "slices shifted sideways irregularly",
            REFUSED,
            "are shifted sideways against each other",
            _set(ImagePositionPatient=lambda z: [5 * (z == 2), 0, 2.5 * z]),
        ),
        Case(
            "a tilted gantry",
            READ,
            "The gantry was tilted by 14.0 degrees; the slices were moved onto a grid",
            _tilted(14),
            (5, 20, 12),
            stored=False,
        ),
        Case(
            "almost no tilt (0.06 degrees)",
            READ,
            "less than a gantry tilts; they were kept as they are stored",
            _set(ImagePositionPatient=lambda z: [0, f"{0.0655 * z:.4f}", 62.5 * z]),
        ),
        Case("a shift of 45 degrees", REFUSED, "which is more than any can be", _tilted(45)),
    ),
    "What belongs together": (
        Case(
            "a frame of reference of its own in every file",
            READ,
            "",
            _set(FrameOfReferenceUID=lambda z: generate_uid(prefix=None)),
        ),
        Case(
            "two kernels, interleaved",
            OFFERED,
            "2 convolution kernels: B30f; B70f",
            lambda m: m.edited(
                lambda ds, z: setattr(ds, "ConvolutionKernel", ("B30f", "B70f")[z % 2]), shape=(6, 16, 12)
            ),
        ),
        Case(
            "slabs of maximum intensity between the slices",
            OFFERED,
            "2 kinds of image: DERIVED MAX_IP; ORIGINAL",
            lambda m: m.edited(
                lambda ds, z: z % 2 and setattr(ds, "ImageType", ["DERIVED", "SECONDARY", "AXIAL", "MAX_IP"]),
                shape=(6, 16, 12),
            ),
        ),
        Case(
            "two patients or studies, adjoining",
            OFFERED,
            "2 patients",
            lambda m: m.edited(lambda ds, z: setattr(ds, "PatientID", str(z // 3)), shape=(6, 16, 12)),
        ),
        Case(
            "two acquisitions that overlap",
            OFFERED,
            "2 acquisitions that lie over or between each other",
            lambda m: m.edited(
                lambda ds, z: (
                    setattr(ds, "AcquisitionNumber", 1 + z // 3),
                    setattr(ds, "ImagePositionPatient", [0, 0, 2.5 * (z % 3) + 4 * (z // 3)]),
                ),
                shape=(6, 16, 12),
            ),
        ),
        Case(
            "two tube voltages, or slice thicknesses, interleaved",
            OFFERED,
            "2 tube voltages that lie over or between each other",
            lambda m: m.edited(lambda ds, z: setattr(ds, "KVP", ("80", "140")[z % 2]), shape=(6, 16, 12)),
        ),
        Case(
            "two phases at the same places (heart, breath, trigger, time)",
            OFFERED,
            "2 cardiac phases that lie over or between each other",
            lambda m: m.edited(
                lambda ds, z: (
                    setattr(ds, "NominalPercentageOfCardiacPhase", 40.0 + 30 * (z % 2)),
                    setattr(ds, "ImagePositionPatient", [0, 0, 2.5 * (z // 2)]),
                ),
                shape=(6, 16, 12),
            ),
        ),
        Case("two stacks of an enhanced file", OFFERED, "2 stacks: 0; 1", _two_stacks),
        Case(
            "one slice of another kernel",
            REFUSED,
            "put the slices of one volume into a folder of their own",
            lambda m: m.edited(lambda ds, z: setattr(ds, "ConvolutionKernel", "B70f" if z == 2 else "B30f")),
        ),
        Case("acquisitions that continue each other", READ, "", _set(AcquisitionNumber=lambda z: z // 3)),
        Case(
            "an image twice, in two transfer syntaxes",
            REFUSED,
            "they share one SOP instance UID and are encoded in two transfer syntaxes",
            _two_syntaxes,
        ),
    ),
    "NIfTI, MetaImage, NRRD": (
        Case("NIfTI with slope and intercept, as dcm2niix writes it", READ, "", _nifti(scale=(1, -1024)), stored=False),
        Case(
            "NIfTI of a tilted gantry, sheared, as dcm2niix writes it",
            READ,
            "The gantry was tilted by 14.0 degrees; the slices were moved onto a grid",
            _nifti(sform=_sheared(0.49865)),
            (5, 19, 12),
            stored=False,
        ),
        Case(
            "NIfTI sheared within its slices",
            REFUSED,
            "is sheared by",
            _nifti(sform=np.array([[0.7, 0.2, 0, 0], [0, 0.8, 0, 0], [0, 0, 2, 0]])),
        ),
        Case(
            "NIfTI with two transforms that disagree",
            REFUSED,
            "states two transforms (sform and qform)",
            _nifti(sform=np.array([[0.7, 0, 0, 60], [0, 0.8, 0, 0], [0, 0, 2, 0]]), codes=(1, 2)),
        ),
        Case(
            "NIfTI with a spacing of zero, NaN, or none that a CT has",
            REFUSED,
            "states no usable distance between its voxels",
            _nifti(spacing=(0.7, 0, 2.0)),
        ),
        Case(
            "NIfTI with four axes, colour, complex, NaN",
            REFUSED,
            "has 4 axes (12 x 16 x 5 x 2); a CT volume has three",
            _nifti(dims=(4, 12, 16, 5, 2, 1, 1, 1)),
        ),
        Case("NIfTI cut off", REFUSED, "holds fewer voxels than its header says", _nifti(cut=40)),
        Case("compressed NIfTI cut off", REFUSED, "is damaged or cut off", _nifti("a.nii.gz", cut=40, packed=True)),
        Case(
            "an uncompressed file called .nii.gz",
            REFUSED,
            "is not compressed, other than its name says",
            _nifti("a.nii.gz"),
        ),
        Case(
            "compressed MetaImage with a damaged stream",
            REFUSED,
            "holds fewer voxels than its header says",
            _meta("ElementSpacing = 1 1 1\nCompressedData = True\nCompressedDataSize = 30\n", b"x" * 20),
        ),
        Case("MetaImage without spacing", REFUSED, "states no usable distance between its voxels", _meta("")),
        Case("NRRD without spacing", REFUSED, "states no usable distance between its voxels", _nrrd("")),
        Case(
            "NRRD in other units than mm",
            REFUSED,
            "another unit than mm",
            _nrrd('space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace units: "m" "m" "m"\n'),
        ),
        Case("NRRD compressed with bzip2", REFUSED, "is compressed with bzip2", _nrrd("spacings: 1 1 1\n", "bzip2")),
    ),
}
"""By section of the document."""


def tables() -> dict[str, str]:
    """The tables of the document, by the name of their place in it."""

    def row(*cells: str) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    real = [row("case", "what it is", "what happens", "second reader"), row(*4 * ["---"])]
    for case in REAL_CASES:
        told = f"refused: “{case.says}”" if case.happens == REFUSED else f"{case.happens}: {case.says}"
        real.append(row(case.case, case.what, told, case.second))
    made = {}
    for section, cases in CASES.items():
        lines = [row("case", "what happens"), row("---", "---")]
        for entry in cases:
            lines.append(row(entry.what, f"{entry.happens}: “{entry.says}”" if entry.says else entry.happens))
        made[section] = "\n".join(lines)
    return {"real files": "\n".join(real), **made}
