"""Any bytes whatever give a volume or a ReadError, never another exception (MITS_GAN_FUZZ_EXAMPLES: how many)."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import ReadError

EXAMPLES = int(os.environ.get("MITS_GAN_FUZZ_EXAMPLES", "150"))
SYNTAXES = ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.1.99"]

edits = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["flip", "zero", "insert", "cut", "copy"]), st.binary(min_size=1, max_size=9)
    ),
    min_size=1,
    max_size=6,
)


def _damage(data: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    damaged = bytearray(data)
    for where, what, new in changes:
        # Headers matter most, so places crowd towards the beginning.
        at = int(where**3 * max(len(damaged) - 1, 0))
        if what == "flip":
            damaged[at : at + len(new)] = new
        elif what == "zero":
            damaged[at : at + 8] = bytes(8)
        elif what == "insert":
            damaged[at:at] = new
        elif what == "cut":
            del damaged[at : at + len(new) ** 2]
        else:
            damaged[at:at] = damaged[: len(new) * 20]
    return bytes(damaged)


def _read(folder: Path) -> None:
    before = sorted(p.name for p in folder.iterdir())
    target = folder / before[0] if len(before) == 1 else folder
    try:
        volume = read_ct(target)
    except ReadError as error:
        text = str(error)
        assert text
        assert str(folder) not in text
    else:
        assert volume.hu.ndim == 3
    assert sorted(p.name for p in folder.iterdir()) == before


@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from(SYNTAXES), edits, st.booleans())
def test_damaged_dicom(dicom_series, tmp_path_factory, syntax, changes, alone) -> None:
    series = dicom_series(tmp_path_factory.mktemp("fuzz"), shape=(3, 8, 8), syntax=syntax)
    series.files[1].write_bytes(_damage(series.files[1].read_bytes(), changes))
    if alone:
        series.files[0].unlink()
        series.files[2].unlink()
    _read(series.folder)


@settings(max_examples=max(EXAMPLES // 3, 30), suppress_health_check=list(HealthCheck), deadline=None)
@given(st.sampled_from([".nii", ".nii.gz", ".mha", ".nrrd"]), edits)
def test_damaged_images(tmp_path_factory, suffix, changes) -> None:
    folder = tmp_path_factory.mktemp("fuzz")
    path = folder / f"a{suffix}"
    sitk.WriteImage(sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5)), str(path))
    path.write_bytes(_damage(path.read_bytes(), changes))
    _read(folder)


@pytest.mark.parametrize("size", [0, 1, 7, 131, 132, 140, 400])
@pytest.mark.parametrize("start", [b"", b"\0" * 128 + b"DICM", b"\x08\0\x05\0", b"\x02\0\0\0UL\4\0"])
@pytest.mark.parametrize("name", ["a.dcm", "a", "a.nii", "a.nii.gz"])
def test_short_files(tmp_path, name, start, size) -> None:
    (tmp_path / name).write_bytes((start + b"\xff" * 400)[:size])
    with pytest.raises(ReadError):
        read_ct(tmp_path / name)
