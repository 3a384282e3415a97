"""Real files with damaged bytes and elements: a volume or a ReadError, soon, and nothing is written or given away."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.datadict import tag_for_keyword

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
_MOST_FILES = 4


@dataclass(frozen=True, repr=False)
class Case:
    """Files of one series in a folder of their own, in which one after the other is damaged."""

    folder: Path
    files: list[Path]
    contents: list[bytes]
    datasets: list[pydicom.Dataset]


def _plant(path: Path) -> None:
    """Give the patient a name that can be looked for."""
    ds = pydicom.dcmread(path, force=True)
    for keyword, value in PATIENT.items():
        setattr(ds, keyword, value)
    ds.save_as(path, enforce_file_format=False)


def _case(folder: Path, sources: list[Path]) -> Case:
    folder.mkdir()
    files = [Path(shutil.copy(source, folder)) for source in sources]
    for path in files:
        path.chmod(0o644)
    for path in files:
        _plant(path)
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
    return [_case(place / f"{number:02d}", group) for number, group in enumerate(groups)]


def _try(cases: list[Case], which: float, file: float, made) -> None:
    case = cases[int(which * len(cases))]
    number = int(file * len(case.files))
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


position = st.floats(0, 1, exclude_max=True)


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(position, position, byte_edits)
def test_damaged_bytes_of_real_files(cases, which, file, changes) -> None:
    _try(cases, which, file, lambda case, number: damaged_bytes(case.contents[number], changes))


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(position, position, element_edits)
def test_damaged_elements_of_real_files(cases, which, file, changes) -> None:
    _try(cases, which, file, lambda case, number: damaged_elements(case.datasets[number], HEEDED, changes))
