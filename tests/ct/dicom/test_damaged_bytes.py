"""Any bytes whatever give a volume or a ReadError, never another exception (MITS_GAN_FUZZ_EXAMPLES: how many)."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

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


@pytest.fixture
def intact(dicom_series) -> dict[str, list[bytes]]:
    """The files of a small series in each transfer syntax, made once: thousands of them are damaged."""
    made = {syntax: dicom_series(shape=(3, 8, 8), syntax=syntax) for syntax in SYNTAXES}
    return {syntax: [path.read_bytes() for path in series.files] for syntax, series in made.items()}


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(SYNTAXES), byte_edits, st.booleans())
def test_damaged_dicom(intact, syntax, changes, alone) -> None:
    first, second, third = intact[syntax]
    damaged = {"1.dcm": damaged_bytes(second, changes)}
    with TemporaryDirectory() as folder:
        for name, content in (damaged if alone else {"0.dcm": first, **damaged, "2.dcm": third}).items():
            Path(folder, name).write_bytes(content)
        attempt(Path(folder))


@settings(max_examples=max(EXAMPLES // 3, 30), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from([".nii", ".nii.gz", ".mha", ".nrrd"]), byte_edits)
def test_damaged_images(suffix, changes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        sitk.WriteImage(sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), str(path))
        path.write_bytes(damaged_bytes(path.read_bytes(), changes))
        attempt(Path(folder))


@pytest.mark.parametrize("size", [0, 1, 7, 131, 132, 140, 400])
@pytest.mark.parametrize("start", [b"", b"\0" * 128 + b"DICM", b"\x08\0\x05\0", b"\x02\0\0\0UL\4\0"])
@pytest.mark.parametrize("name", ["a.dcm", "a", "a.nii", "a.nii.gz"])
def test_short_files(tmp_path, name, start, size) -> None:
    (tmp_path / name).write_bytes((start + b"\xff" * 400)[:size])
    with pytest.raises(ReadError):
        read_ct(tmp_path / name)
