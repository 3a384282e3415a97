"""One list of endings: what can be read is offered everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.suffixes import IMAGE_SUFFIXES, READABLE_SUFFIXES, WRITABLE_SUFFIXES, ending_of

SOURCES = sorted((Path(__file__).parents[2] / "src").rglob("*.py"))


@pytest.mark.parametrize("suffix", IMAGE_SUFFIXES)
def test_every_ending_that_is_listed_can_be_read(tmp_path, suffix) -> None:
    hu = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    sitk.WriteImage(sitk.GetImageFromArray(hu), str(tmp_path / f"scan{suffix}"))
    np.testing.assert_array_equal(read_ct(tmp_path / f"scan{suffix}").hu, hu)


def test_no_other_file_lists_endings_of_its_own() -> None:
    endings = re.compile(r"(?<=\"\.)(?:nii|nrrd|nhdr|mha|mhd|ima|dicom)\b|\*\.nii")
    listing = {p.name for p in SOURCES if len(set(endings.findall(p.read_text("utf-8")))) > 3}
    assert listing <= {"suffixes.py"}


def test_what_can_be_written_can_be_read() -> None:
    assert set(WRITABLE_SUFFIXES) <= set(IMAGE_SUFFIXES) <= set(READABLE_SUFFIXES)


@pytest.mark.parametrize(
    ("name", "ending"), [("a.nii.gz", ".nii.gz"), ("A.NII", ".NII"), ("a.b.Dcm", ".Dcm"), ("IM0001", ""), ("a.gz", "")]
)
def test_the_ending_of_a_name(name, ending) -> None:
    assert ending_of(name) == ending
