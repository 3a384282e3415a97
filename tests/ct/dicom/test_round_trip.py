"""Read, exported unprotected, read again: stored values and geometry bit for bit, in every transfer syntax."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from napari_mits_gan.ct.dicom.pixels import stored_values
from napari_mits_gan.ct.dicom.transfer_syntax import SYNTAXES
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume

OBLIQUE = {"row": (0.8, 0.6, 0.0), "column": (-0.48, 0.64, -0.6)}
SHAPE = (3, 40, 36)
RNG = np.random.default_rng(11)


def _padded(value: int, dtype: type) -> np.ndarray:
    stored = RNG.integers(200, 3000, SHAPE).astype(dtype)
    stored[:, :5], stored[:, -5:] = value, value
    return stored


def _declared(vr: str, value: int, limit: int | None = None):
    def edit(ds: Dataset, z: int) -> None:
        ds.add_new("PixelPaddingValue", vr, value)
        if limit is not None:
            ds.add_new("PixelPaddingRangeLimit", vr, limit)

    return edit


def _high_bits(ds: Dataset, z: int) -> None:
    """Twelve bits at the upper end of the word, as old scanners store them."""
    values = np.frombuffer(ds.PixelData, np.uint16)
    ds.BitsStored, ds.HighBit, ds.PixelData = 12, 15, (values << 4).tobytes()


def _foreign_bits(ds: Dataset, z: int) -> None:
    """Twelve bits, and an overlay in those above them."""
    values = np.frombuffer(ds.PixelData, np.uint16)
    ds.BitsStored, ds.HighBit, ds.PixelData = 12, 11, (values | 0x8000).tobytes()


def _eight_bits(ds: Dataset, z: int) -> None:
    values = np.frombuffer(ds.PixelData, np.int16).astype(np.uint8)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation, ds.PixelData = 8, 8, 7, 0, values.tobytes()
    ds["PixelData"].VR = "OB"


def _own_signs(ds: Dataset, z: int) -> None:
    if z == 1:
        ds.PixelRepresentation = 0


KINDS = {
    "signed, the whole range": {"stored": RNG.integers(-32768, 32768, SHAPE).astype(np.int16), "intercept": 0},
    "unsigned, the whole range": {
        "stored": RNG.integers(0, 65536, SHAPE).astype(np.uint16), "signed": False, "slope": 0.25, "intercept": -8192,
    },
    "unsigned, 12 bits": {"stored": RNG.integers(0, 4096, SHAPE).astype(np.uint16), "signed": False, "bits_stored": 12},
    "signed, 12 bits": {"stored": RNG.integers(-2048, 2048, SHAPE).astype(np.int16), "bits_stored": 12, "intercept": 0},
    "12 bits at the upper end": {
        "stored": RNG.integers(0, 4096, SHAPE).astype(np.uint16), "signed": False, "edit": _high_bits,
    },
    "foreign bits above": {
        "stored": RNG.integers(0, 4096, SHAPE).astype(np.uint16), "signed": False, "edit": _foreign_bits,
    },
    "8 bits": {"stored": RNG.integers(0, 256, SHAPE).astype(np.int16), "slope": 4, "edit": _eight_bits},
    "slices of their own sign": {"shape": SHAPE, "edit": _own_signs},
    "slices of their own rescale": {"shape": SHAPE, "slope": [1, 0.5, 2], "intercept": [-1024, -1000.5, -3]},
    "a tiny slope": {"shape": SHAPE, "slope": 0.001, "intercept": 0.3},
    "a negative slope": {"shape": SHAPE, "slope": -1, "intercept": 1976},
    "padding declared": {"stored": _padded(-2000, np.int16), "edit": _declared("SS", -2000)},
    "padding declared with the other sign": {"stored": _padded(-2000, np.int16), "edit": _declared("US", 63536)},
    "padding in a range": {"stored": _padded(40, np.uint16), "signed": False, "edit": _declared("US", 0, 100)},
    "padding not declared": {"stored": _padded(-1024, np.int16)},
    "reversed files": {"shape": SHAPE, "order": [2, 1, 0]},
    "shuffled files": {"shape": SHAPE, "order": [1, 2, 0]},
    "prone, towards the feet": {"shape": SHAPE, "row": (-1, 0, 0), "column": (0, 1, 0)},
    "coronal": {"shape": SHAPE, "row": (1, 0, 0), "column": (0, 0, -1)},
    "sagittal": {"shape": SHAPE, "row": (0, 1, 0), "column": (0, 0, -1)},
    "oblique": {"shape": SHAPE, **OBLIQUE},
    "pixels that are not square": {"shape": SHAPE, "spacing": (1.25, 0.9765625, 0.48828125)},
    "odd rows and columns": {"shape": (3, 37, 33)},
    "a single slice": {"shape": (1, 40, 36)},
}  # fmt: skip


def _same(volume: CTVolume, place: Path, syntax: str | None) -> list[Path]:
    """Export `volume` as it is, and assert that it comes back."""
    files = write_dicom(volume, place, transfer_syntax=syntax)
    back = read_ct(place)
    np.testing.assert_array_equal(back.hu, volume.hu)
    assert (back.spacing, back.origin) == (volume.spacing, volume.origin)
    np.testing.assert_array_equal(back.direction, volume.direction)
    if volume.padding is None:
        assert back.padding is None
    else:
        np.testing.assert_array_equal(back.padding, volume.padding)
    for one, other in zip(back.source.slices, volume.source.slices, strict=True):
        assert (one.stored_format.lowest, one.stored_format.highest) == (
            other.stored_format.lowest,
            other.stored_format.highest,
        )
        (after,), (before,) = (list(stored_values([item])) for item in (one, other))
        np.testing.assert_array_equal(after[1], before[1])
    return files


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_series_comes_back_in_every_syntax(dicom_series, tmp_path, kind) -> None:
    series = dicom_series(**KINDS[kind])
    volume = read_ct(series.folder)
    for syntax in (None, *SYNTAXES):
        files = _same(volume, tmp_path / str(syntax), syntax)
        if "edit" in KINDS[kind] and not kind.startswith("padding"):
            continue
        # A second opinion on the values themselves, by what was put into the source.
        stored = np.stack([pydicom.pixels.pixel_array(pydicom.dcmread(path), raw=True) for path in files])
        np.testing.assert_array_equal(stored, series.stored)


@pytest.mark.parametrize(
    "source",
    [
        ImplicitVRLittleEndian,
        DeflatedExplicitVRLittleEndian,
        RLELossless,
        JPEGLSLossless,
        JPEG2000Lossless,
    ],
    ids=lambda uid: uid.name,
)
def test_every_source_syntax_can_become_every_other(dicom_series, tmp_path, source) -> None:
    series = dicom_series(shape=SHAPE, syntax=source)
    volume = read_ct(series.folder)
    for syntax in (None, *SYNTAXES):
        _same(volume, tmp_path / str(syntax), syntax)


def _frames(path: Path, stored: np.ndarray) -> Path:
    """An enhanced object whose frames lie in another order than they are stored in, obliquely."""

    def item(**values) -> Sequence:
        ds = Dataset()
        for keyword, value in values.items():
            setattr(ds, keyword, value)
        return Sequence([ds])

    source = pydicom.dcmread(path)
    ds = Dataset()
    ds.file_meta = source.file_meta
    for keyword in (
        "SOPInstanceUID", "PatientName", "PatientID", "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID",
        "Modality", "SeriesNumber", "InstanceNumber", "SeriesDescription", "SamplesPerPixel", "BitsAllocated",
        "PhotometricInterpretation", "BitsStored", "HighBit", "PixelRepresentation", "Rows", "Columns",
    ):  # fmt: skip
        ds[keyword] = source[keyword]
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    ds.ImageType, ds.NumberOfFrames = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], len(stored)
    ds.SharedFunctionalGroupsSequence = item(
        PixelMeasuresSequence=item(PixelSpacing=[0.8, 0.7], SliceThickness=3),
        PlaneOrientationSequence=item(ImageOrientationPatient=[*OBLIQUE["row"], *OBLIQUE["column"]]),
        CTImageFrameTypeSequence=item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]),
    )
    normal = np.cross(OBLIQUE["row"], OBLIQUE["column"])
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        item(
            PlanePositionSequence=item(ImagePositionPatient=[f"{v:.10f}" for v in 1.5 * place * normal]),
            PixelValueTransformationSequence=item(RescaleIntercept=-1024, RescaleSlope=1, RescaleType="HU"),
        )[0]
        for place in np.roll(np.arange(len(stored)), 1)
    )
    ds.PixelData = stored.tobytes()
    ds["PixelData"].VR = "OW"
    pydicom.dcmwrite(path, ds, enforce_file_format=True)
    return path


def test_frames_come_back_in_every_syntax(dicom_series, tmp_path) -> None:
    stored = RNG.integers(-1000, 3000, (4, 40, 36)).astype(np.int16)
    series = dicom_series(stored=stored[:1])
    path = _frames(series.files[0], stored)
    volume = read_ct(series.folder)
    for syntax in (None, *SYNTAXES):
        (file,) = _same(volume, tmp_path / str(syntax), syntax)
        np.testing.assert_array_equal(pydicom.pixels.pixel_array(pydicom.dcmread(file), raw=True), stored)
    assert path.exists()


@pytest.mark.parametrize("syntax", [None, *SYNTAXES])
def test_the_sample_scan_comes_back(tmp_path, sample_series, part_of_series, syntax) -> None:
    _same(part_of_series(read_ct(sample_series), slice(60, 64)), tmp_path / "out", syntax)


def test_slices_of_a_real_scan_come_back(tmp_path, real_scan, part_of_series) -> None:
    volume = part_of_series(real_scan("LIDC-IDRI-0001"), slice(64, 68))
    for syntax in (None, *SYNTAXES):
        _same(volume, tmp_path / str(syntax), syntax)


@pytest.mark.parametrize(
    "case", ["01_transfer_syntaxes", "06_oblique_slope0.001", "13_no_modality_tag", "14_jpeg_lossless_sagittal"]
)
def test_difficult_series_come_back(shared_dir, tmp_path, part_of_series, case) -> None:
    folder = shared_dir / "nasty" / case
    for number, source in enumerate(sorted(folder.iterdir()) if case.startswith("01") else [folder]):
        volume = part_of_series(read_ct(source), slice(5))
        for syntax in (None, *SYNTAXES):
            _same(volume, tmp_path / f"{number}{syntax}", syntax)


def test_the_explicit_syntax_is_what_a_source_becomes_whose_own_cannot_be_written(dicom_series, tmp_path) -> None:
    def edit(ds: Dataset, z: int) -> None:
        ds.RescaleSlope = "1"

    series = dicom_series(shape=SHAPE, edit=edit)
    for path in series.files:
        ds = pydicom.dcmread(path)
        ds.PixelData = np.frombuffer(ds.PixelData, "<u2").astype(">u2").tobytes()
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
        pydicom.dcmwrite(path, ds, implicit_vr=False, little_endian=False)
    volume = read_ct(series.folder)
    np.testing.assert_array_equal(volume.hu, series.stored - 1024)
    (first, *_) = _same(volume, tmp_path / "out", None)
    assert pydicom.dcmread(first).file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
