"""Where the tests find real scans; those that need them are skipped, with the reason, where there are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


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
def sample_series() -> Path:
    """The folder of the sample scan, a chest phantom, as the repository has it."""
    return REPOSITORY / "sample_data" / "chest_phantom"
