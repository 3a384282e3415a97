"""Every row of the table of difficult scans, and that the document says what the table says."""

from __future__ import annotations

import os

import numpy as np
import pytest

from conftest import REPOSITORY
from dicom_cases import CASES, OFFERED, READ, Case, Maker, tables
from napari_mits_gan.ct.read import SeveralSeriesError, read_ct
from napari_mits_gan.errors import ReadError

DOCUMENT = REPOSITORY / "docs" / "dicom-cases.md"
ROWS = [pytest.param(case, id=case.what[:60]) for cases in CASES.values() for case in cases]


@pytest.mark.parametrize("case", ROWS)
def test_what_the_table_says_happens(case: Case, dicom_series, tmp_path) -> None:
    if "pipe" in case.what and os.name == "nt":
        pytest.skip("there are no named pipes in folders on Windows")
    made = []

    def series(*args, **options):
        made.append(dicom_series(*args, **options))
        return made[-1]

    path = case.make(Maker(series, tmp_path))
    if case.happens == READ:
        volume = read_ct(path)
        assert volume.shape == case.shape
        assert any(case.says in note for note in volume.notes) if case.says else volume.notes == ()
        if case.stored:
            np.testing.assert_array_equal(volume.hu, made[-1].stored.astype(int) - 1024)
        return
    with pytest.raises(ReadError) as caught:
        read_ct(path)
    assert case.says in str(caught.value)
    assert isinstance(caught.value, SeveralSeriesError) == (case.happens == OFFERED)


@pytest.mark.parametrize("place", tables())
def test_the_document_is_made_of_the_table(place) -> None:
    begin, end = f"<!-- {place} -->\n\n", f"\n\n<!-- end of {place} -->"
    text = DOCUMENT.read_text("utf-8")
    assert text.count(begin) == text.count(end) == 1
    written = text[text.index(begin) + len(begin) : text.index(end)]
    assert written == tables()[place], "run scripts/make_dicom_cases.py"
