"""A short scan that commands can work on quickly: some slices of the sample scan."""

from dataclasses import replace

import pytest

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.image.write import write_image
from napari_mits_gan.ct.read import read_ct


@pytest.fixture(scope="session")
def short_scan(sample_series):
    scan = read_ct(sample_series)
    return replace(scan, hu=scan.hu[66:102].copy(), padding=None, source=None)


@pytest.fixture(scope="session")
def image_file(short_scan, tmp_path_factory):
    return write_image(short_scan, tmp_path_factory.mktemp("image") / "chest.nii.gz")


@pytest.fixture(scope="session")
def series_folder(short_scan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("series") / "chest"
    write_dicom(replace(short_scan, hu=short_scan.hu[:8].copy()), folder, series_description="Short chest")
    return folder
