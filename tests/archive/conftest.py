"""Small archives, and how to look at what was made of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import MRImageStorage

from napari_mits_gan.archive.output import STATE
from napari_mits_gan.archive.run import ArchiveRun, Finished, run_archive
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.volume import CTVolume

MOMENT = "1700000000"


@pytest.fixture(autouse=True)
def _one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """All outputs are begun at the same time, so that they can be compared."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", MOMENT)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    return folder


@pytest.fixture
def add(root: Path, dicom_series) -> Callable[..., Path]:
    """Adds a DICOM series to the archive."""

    def added(place: str, **more) -> Path:
        return dicom_series(root / place, **{"shape": (4, 16, 16), **more}).folder

    return added


@pytest.fixture
def mixed(root: Path, add) -> Path:
    """Three CT series, two of them in one folder, an image file, an MR series, and two that are damaged."""
    add("Doe^Jane/2020")
    add("Doe^Jane/2020", suffix=".b.dcm")
    add("Roe/ct/thin", shape=(6, 16, 16))

    def magnetic(ds, z):
        ds.SOPClassUID, ds.Modality = MRImageStorage, "MR"

    add("Roe/mr", edit=magnetic)
    cut = add("Poe/cut") / "002.dcm"
    cut.write_bytes(cut.read_bytes()[:-100])
    (root / "Poe" / "JanePoe.nii").write_bytes(b"no scan")
    hu = np.random.default_rng(1).integers(-1000, 1000, (4, 16, 16)).astype(np.int16)
    write_image(CTVolume(hu, (1, 1, 1)), root / "Roe" / "chest.nii.gz")
    return root


@pytest.fixture
def run_of(root: Path, tmp_path: Path) -> Callable[..., Finished]:
    """Runs a job for the archive, in this process unless told otherwise."""

    def run(job, out: str = "out", **more) -> Finished:
        return run_archive(ArchiveRun(root, tmp_path / out, job, **{"workers": 0, **more}))

    return run


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, str]]:
    return _contents


def _contents(out: Path) -> dict[str, str]:
    """Digests of all files of an output by their names, the program's own records and the report left out."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(out.rglob("*"))
        if path.is_file() and STATE not in path.parts and not path.name.startswith("report.")
    }
