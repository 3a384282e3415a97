from __future__ import annotations

from dataclasses import replace

import pytest

from napari_mits_gan.ct.read import SeriesInfo
from napari_mits_gan.widgets.controls.series_chooser import SeriesChooser, row_text

INFO = SeriesInfo("1.2.3", "Chest", "CT", 130, 130, True, 4, "B70f", 1.25, "20240131")


def test_a_row_has_what_tells_series_apart():
    assert row_text(INFO) == "Chest · CT · 130 images · number 4 · B70f · 1.25 mm · 2024-01-31"
    assert row_text(replace(INFO, patient=2, patients=3)).endswith(" · 2024-01-31 · patient 2 of 3")
    bare = replace(INFO, description="", modality="", number=None, kernel="", thickness_mm=None, study_date="")
    assert row_text(bare) == "no description · unknown · 130 images"


@pytest.mark.both_bindings
def test_the_largest_is_chosen_to_begin_with(qtbot):
    chooser = SeriesChooser([replace(INFO, uid="1", number_of_images=2), INFO, replace(INFO, uid="3", kernel="B30f")])
    qtbot.addWidget(chooser)
    assert chooser.chosen == "1.2.3"
    assert len({chooser.list.item(row).text() for row in range(3)}) == 3
