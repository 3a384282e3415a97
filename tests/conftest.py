"""Where the tests find real scans (those that need them are skipped where there are none), and synthetic series."""

from __future__ import annotations

import functools
import itertools
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import settings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume

REPOSITORY = Path(__file__).resolve().parents[1]

# How long an example takes says more about what else runs, other tests among it, than about the code.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


SCANS = ("shared_ct", "shared_dir", "real_scan")
"""Fixtures that need real scans."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--only-scans", action="store_true", help="run only the tests that need real scans")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `--only-scans`: files that name no such fixture, nor does a conftest above; importing all takes long."""
    if not config.getoption("--only-scans") or collection_path.suffix != ".py":
        return None
    above = (folder / "conftest.py" for folder in collection_path.parents if REPOSITORY / "tests" in folder.parents)
    texts = [path.read_text(encoding="utf-8") for path in (collection_path, *above) if path.is_file()]
    return None if any(name in text for text in texts for name in SCANS) else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--only-scans"):
        wanted = [item for item in items if set(SCANS) & set(getattr(item, "fixturenames", ()))]
        config.hook.pytest_deselected(items=[item for item in items if item not in wanted])
        items[:] = wanted


@pytest.fixture(scope="session")
def shared_ct() -> Path:
    """The folder with real chest CT: the environment variable MITS_GAN_SCANS, or `shared/ct` beside the checkout."""
    folder = Path(os.environ.get("MITS_GAN_SCANS", REPOSITORY.parent / "shared" / "ct"))
    if not folder.is_dir():
        pytest.skip("no real scans here; set MITS_GAN_SCANS to a folder that holds LIDC-IDRI-0001 and the others")
    return folder


@pytest.fixture(scope="session")
def shared_dir(shared_ct: Path) -> Path:
    """The folder above the real scans; it also holds difficult DICOM files and reference vectors of CT-GAN."""
    return shared_ct.parent


@pytest.fixture(scope="session")
def real_scan(shared_ct: Path) -> Callable[[str], CTVolume]:
    """A real scan by its file's or folder's name; read once a process, and with it its lungs are found once."""
    return functools.cache(lambda name: read_ct(shared_ct / name))


@pytest.fixture
def part_of_series(tmp_path: Path) -> Callable[[CTVolume, slice], CTVolume]:
    """Some slices of a series of single files, copied into a folder of their own and read from there."""
    numbers = itertools.count()

    def part(volume: CTVolume, slices: slice) -> CTVolume:
        folder = tmp_path / f"part{next(numbers)}"
        folder.mkdir()
        for item in volume.source.slices[slices]:
            shutil.copy(item.header.path, folder)
        return read_ct(folder)

    return part


@pytest.fixture(scope="session")
def sample_series() -> Path:
    """The folder of the sample scan, a chest phantom, as the repository has it."""
    return REPOSITORY / "sample_data" / "chest_phantom"


@pytest.fixture(scope="session")
def short_series(sample_series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with 48 slices from the middle of the sample scan: 96 mm with both lungs, for what takes long."""
    folder = tmp_path_factory.mktemp("short") / "chest"
    folder.mkdir()
    for path in sorted(sample_series.glob("*.dcm"))[44:92]:
        shutil.copy(path, folder)
    return folder


@dataclass(frozen=True)
class DicomSeries:
    """A synthetic series on disk, and what was put into it; item i of each belongs to file i."""

    folder: Path
    files: list[Path]
    stored: np.ndarray
    positions: np.ndarray


@pytest.fixture
def dicom_series(tmp_path: Path) -> Callable[..., DicomSeries]:
    """A factory of small, valid CT series.

    Its arguments: `folder` (default: a new one), `stored` (values, shape (z, y, x); default: random ones from a fixed
    seed), `spacing` (z, y, x) in mm, `origin`, `row`, `column` (unit vectors), `order` (which slice goes into which
    file), `slope`, `intercept` (numbers, or one per slice), `bits_stored`, `signed`, `syntax` (UID), `edit` (called
    with each dataset and its z before it is written), `suffix`.
    """
    made = itertools.count()

    def make(
        folder: Path | None = None,
        *,
        stored: np.ndarray | None = None,
        shape: tuple[int, int, int] = (5, 16, 12),
        spacing: tuple[float, float, float] = (2.5, 0.8, 0.7),
        origin: tuple[float, float, float] = (-120.5, -99.25, -300.0),
        row: Sequence[float] = (1.0, 0.0, 0.0),
        column: Sequence[float] = (0.0, 1.0, 0.0),
        order: Sequence[int] | None = None,
        slope: Any = 1,
        intercept: Any = -1024,
        bits_stored: int = 16,
        signed: bool = True,
        syntax: str = ExplicitVRLittleEndian,
        edit: Callable[[Dataset, int], None] | None = None,
        suffix: str = ".dcm",
    ) -> DicomSeries:
        folder = tmp_path / f"series{next(made)}" if folder is None else folder
        folder.mkdir(exist_ok=True, parents=True)
        dtype = np.int16 if signed else np.uint16
        if stored is None:
            stored = np.random.default_rng(7).integers(0, 3000, shape).astype(dtype)
        count = len(stored)
        normal = np.cross(row, column)
        uids = [generate_uid(prefix=None) for _ in range(3)]
        files, positions = [], []
        for number, z in enumerate(range(count) if order is None else order):
            ds = Dataset()
            ds.file_meta = FileMetaDataset()
            ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid(prefix=None)
            ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
            ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Doe^Test", "T1", "", ""
            ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = uids
            ds.StudyDate = ds.ContentDate = ds.AcquisitionDate = "20200102"
            ds.StudyTime = ds.ContentTime = ds.AcquisitionTime = "101112"
            ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "1", "", ""
            ds.Modality, ds.SeriesNumber, ds.SeriesDescription, ds.Manufacturer = "CT", 3, "CHEST 2.5", "Maker"
            ds.PatientPosition, ds.Laterality, ds.PositionReferenceIndicator = "HFS", "", ""
            ds.AcquisitionNumber, ds.InstanceNumber, ds.KVP = 1, number + 1, 120
            position = np.asarray(origin) + z * spacing[0] * normal
            ds.ImagePositionPatient = [format_number_as_ds(float(v)) for v in position]
            ds.ImageOrientationPatient = [format_number_as_ds(float(v)) for v in (*row, *column)]
            ds.PixelSpacing = [format_number_as_ds(float(v)) for v in spacing[1:]]
            ds.SliceThickness = 9.0  # a thickness that is no spacing, so that nobody takes it for one
            ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
            ds.Rows, ds.Columns = stored.shape[1:]
            ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, bits_stored, bits_stored - 1
            ds.PixelRepresentation = int(signed)
            ds.RescaleSlope = format_number_as_ds(float(np.broadcast_to(slope, count)[z]))
            ds.RescaleIntercept = format_number_as_ds(float(np.broadcast_to(intercept, count)[z]))
            ds.RescaleType = "HU"
            ds.PixelData = np.ascontiguousarray(stored[z]).tobytes()
            ds["PixelData"].VR = "OW"
            if edit is not None:
                edit(ds, z)
            if UID(syntax).is_encapsulated:
                pydicom.pixels.compress(ds, syntax, stored[z], generate_instance_uid=False)
            ds.file_meta.TransferSyntaxUID = UID(syntax)
            path = folder / f"{number + 1:03d}{suffix}"
            pydicom.dcmwrite(path, ds, enforce_file_format=True)
            files.append(path)
            positions.append(position)
        return DicomSeries(folder, files, stored, np.array(positions))

    return make
