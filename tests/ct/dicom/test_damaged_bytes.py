"""Any bytes whatever give a volume or a ReadError, never another exception (MITS_GAN_FUZZ_EXAMPLES: how many)."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from damaged_input import EXAMPLES, OUTCOMES, attempt, byte_edits, damaged_bytes
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError

SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1.99"]


@pytest.fixture(scope="module", autouse=True)
def report():
    """What came of all inputs so far; seen with pytest's option -s."""
    yield
    print(f"{sum(OUTCOMES.values())} damaged inputs: {dict(OUTCOMES)}")


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(SYNTAXES), byte_edits, st.booleans())
def test_damaged_dicom(dicom_series, tmp_path_factory, syntax, changes, alone) -> None:
    series = dicom_series(tmp_path_factory.mktemp("fuzz"), shape=(3, 8, 8), syntax=syntax)
    series.files[1].write_bytes(damaged_bytes(series.files[1].read_bytes(), changes))
    if alone:
        series.files[0].unlink()
        series.files[2].unlink()
    attempt(series.folder)


@settings(max_examples=max(EXAMPLES // 3, 30), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from([".nii", ".nii.gz", ".mha", ".nrrd"]), byte_edits)
def test_damaged_images(tmp_path_factory, suffix, changes) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / f"a{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), str(path))
    path.write_bytes(damaged_bytes(path.read_bytes(), changes))
    attempt(folder)


@pytest.mark.parametrize("size", [0, 1, 7, 131, 132, 140, 400])
@pytest.mark.parametrize("start", [b"", b"\0" * 128 + b"DICM", b"\x08\0\x05\0", b"\x02\0\0\0UL\4\0"])
@pytest.mark.parametrize("name", ["a.dcm", "a", "a.nii", "a.nii.gz"])
def test_short_files(tmp_path, name, start, size) -> None:
    (tmp_path / name).write_bytes((start + b"\xff" * 400)[:size])
    with pytest.raises(ReadError):
        read_ct(tmp_path / name)
