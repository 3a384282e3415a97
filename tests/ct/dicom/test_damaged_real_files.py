"""Real files with damaged bytes and elements: a volume or a ReadError, soon, and nothing is written or given away."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from damaged_input import (
    EXAMPLES,
    OUTCOMES,
    PATIENT,
    attempt,
    byte_edits,
    damaged_bytes,
    damaged_elements,
    element_edits,
)

HEEDED = [
    tag_for_keyword(keyword)
    for keyword in (
        "SpecificCharacterSet", "ImageType", "SOPClassUID", "SOPInstanceUID", "Modality", "SeriesDescription",
        "SliceThickness", "SeriesInstanceUID", "SeriesNumber", "ImagePositionPatient", "ImageOrientationPatient",
        "FrameOfReferenceUID", "SamplesPerPixel", "PhotometricInterpretation", "NumberOfFrames", "Rows", "Columns",
        "PixelSpacing", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelPaddingValue",
        "RescaleIntercept", "RescaleSlope", "RescaleType", "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence", "PixelData",
    )
]  # fmt: skip
_PIXEL_FORMAT = (
    "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit",
    "PixelRepresentation",
)  # fmt: skip
_COMPRESSED_AGAIN = (JPEG2000Lossless, JPEGLSLossless, RLELossless)
_MOST_FILES = 3
_SIDE = 48
"""Pixels along each side of what is kept of an image: damage is found by headers and lengths, time goes by pixels."""


@dataclass(frozen=True, repr=False)
class Case:
    """Files of one series in a folder of their own, in which one after the other is damaged."""

    folder: Path
    files: list[Path]
    contents: list[bytes]
    datasets: list[pydicom.Dataset]


def _prepare(path: Path) -> None:
    """Give the patient a name that can be looked for, and keep the middle of the image only."""
    ds = pydicom.dcmread(path, force=True)
    for keyword, value in PATIENT.items():
        setattr(ds, keyword, value)
    if "PixelData" in ds:
        _crop(ds)
    ds.save_as(path, enforce_file_format=False)


def _crop(ds: pydicom.Dataset) -> None:
    """Cut images to the middle `_SIDE` x `_SIDE` pixels; those that nothing here compresses again stay whole."""
    frames, rows, columns = int(ds.get("NumberOfFrames", 1)), ds.Rows, ds.Columns
    middle = [slice(max(n - _SIDE, 0) // 2, max(n - _SIDE, 0) // 2 + _SIDE) for n in (rows, columns)]
    syntax = ds.file_meta.get("TransferSyntaxUID", ImplicitVRLittleEndian)
    if not syntax.is_encapsulated:
        pixel_bytes = ds.SamplesPerPixel * ds.BitsAllocated // 8
        if len(ds.PixelData) < frames * rows * columns * pixel_bytes or ds.get("PlanarConfiguration", 0):
            return
        whole = np.frombuffer(ds.PixelData, np.uint8)[: frames * rows * columns * pixel_bytes]
        ds.PixelData = whole.reshape(frames, rows, columns, pixel_bytes)[:, middle[0], middle[1]].tobytes()
        ds.Rows, ds.Columns = (len(range(n)[part]) for n, part in zip((rows, columns), middle, strict=True))
    elif syntax in (JPEGLosslessSV1, *_COMPRESSED_AGAIN) and frames == 1 and ds.SamplesPerPixel == 1:
        values = np.ascontiguousarray(pydicom.pixels.pixel_array(ds, raw=True)[middle[0], middle[1]])
        ds.Rows, ds.Columns = values.shape
        if syntax == JPEGLosslessSV1:
            ds.PixelData = _lossless_jpeg(ds, values)
        else:
            ds.compress(syntax, values, generate_instance_uid=False)


def _lossless_jpeg(ds: pydicom.Dataset, values: np.ndarray) -> bytes:
    """An image as JPEG lossless, which of the libraries here only GDCM writes; `ds` says how its values are stored."""
    plain = pydicom.Dataset()
    plain.file_meta = FileMetaDataset()
    plain.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    plain.SOPClassUID, plain.SOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    for keyword in _PIXEL_FORMAT:
        setattr(plain, keyword, ds[keyword].value)
    plain.PixelData = values.tobytes()
    with tempfile.TemporaryDirectory() as folder:
        before, after = str(Path(folder, "before")), str(Path(folder, "after"))
        plain.save_as(before, enforce_file_format=True)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(before)
        assert reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer.SetFileName(after)
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
        compressed: bytes = pydicom.dcmread(after).PixelData
    return compressed


def _case(folder: Path, sources: list[Path]) -> Case:
    folder.mkdir()
    files = [Path(shutil.copy(source, folder)) for source in sources]
    for path in files:
        path.chmod(0o644)
    for path in files:
        _prepare(path)
    datasets = [pydicom.dcmread(path, force=True) for path in files]
    return Case(folder, files, [path.read_bytes() for path in files], datasets)


@pytest.fixture(scope="module")
def cases(tmp_path_factory, sample_series, request) -> list[Case]:
    """Some slices of the sample scan and, where they are there, of the difficult files."""
    place = tmp_path_factory.mktemp("cases")
    groups = [sorted(sample_series.glob("*.dcm"))[60:63]]
    try:
        shared: Path = request.getfixturevalue("shared_dir")
    except pytest.skip.Exception:
        pass
    else:
        groups.append(sorted((shared / "ct" / "LIDC-IDRI-0001").iterdir())[:2])
        nasty = sorted(p for p in (shared / "nasty").rglob("*") if p.is_file())
        for folder in sorted({p.parent for p in nasty}):
            inside = [p for p in nasty if p.parent == folder]
            # Of these each is a case of its own.
            alone = folder.name.startswith(("01", "02"))
            groups += [[p] for p in inside] if alone else [inside[:_MOST_FILES]]
            if not alone and len(inside) > _MOST_FILES:
                groups.append(inside[-_MOST_FILES:])
    return [_case(place / f"{number:02d}", group) for number, group in enumerate(groups)]


def _try(cases: list[Case], which: int, file: int, made) -> None:
    case = cases[which % len(cases)]
    number = file % len(case.files)
    damaged = made(case, number)
    if damaged is None:
        return
    case.files[number].write_bytes(damaged)
    try:
        attempt(case.folder)
    finally:
        case.files[number].write_bytes(case.contents[number])


@pytest.fixture(scope="module", autouse=True)
def report():
    """What came of all inputs so far; seen with pytest's option -s."""
    yield
    print(f"{sum(OUTCOMES.values())} damaged inputs: {dict(OUTCOMES)}")


# Integers, since of numbers between 0 and 1 Hypothesis takes every third to be 0.
any_number = st.integers(0, 9_999)


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(any_number, any_number, byte_edits)
def test_damaged_bytes_of_real_files(cases, which, file, changes) -> None:
    _try(cases, which, file, lambda case, number: damaged_bytes(case.contents[number], changes))


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(any_number, any_number, element_edits)
def test_damaged_elements_of_real_files(cases, which, file, changes) -> None:
    _try(cases, which, file, lambda case, number: damaged_elements(case.datasets[number], HEEDED, changes))
