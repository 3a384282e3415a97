"""The section Inspect: traces of tampering are listed, marked and gone to, and go away with what they were found in."""

from __future__ import annotations

import pytest

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.widgets.sections.inspect import NOT_INSPECTED
from noisy_chest import make_noisy_chest

SITE = (20, 66, 90)


@pytest.fixture
def dock(make_dock):
    return make_dock(make_noisy_chest(), load_attacker=lambda action, device, weights=None: CTGAN.load(action, "cpu"))


@pytest.fixture
def inspected(dock, settle):
    """A dock with a removal that was found."""
    dock.workspace.attacking.attack("remove", SITE)
    settle(dock)
    dock.sections["inspect"].inspect_button.click()
    settle(dock)
    return dock


def markers(dock, viewer):
    return [layer for layer in viewer.layers if layer.name.startswith("Traces of tampering")]


def test_a_trace_is_listed_marked_gone_to_and_put_away(inspected, settle, viewer_of):
    section, viewer = inspected.sections["inspect"], viewer_of(inspected)
    assert section.headline.text().startswith("1 trace of tampering found")
    assert section.findings.count() == 1
    assert "z 20, y 66, x 90" in section.findings.item(0).text()
    assert len(markers(inspected, viewer)) >= 2
    viewer.dims.set_point(0, 0.0)
    section.findings.setCurrentRow(0)
    section.findings.itemClicked.emit(section.findings.item(0))
    settle(inspected)
    assert round(viewer.dims.point[-3] / 2.5) == SITE[0]
    assert "CT-GAN" in inspected.message.text.text()
    section.clear_button.click()
    settle(inspected)
    assert section.headline.text() == NOT_INSPECTED
    assert not section.clear_button.isEnabled()
    assert markers(inspected, viewer) == []


def test_the_findings_go_away_with_the_attack(inspected, settle, viewer_of):
    section = inspected.sections["inspect"]
    inspected.sections["attack"].undo_button.click()
    settle(inspected)
    assert section.headline.text() == NOT_INSPECTED
    assert section.findings.isHidden()
    assert markers(inspected, viewer_of(inspected)) == []


def test_an_untouched_scan_is_not_called_authentic(dock, settle):
    section = dock.sections["inspect"]
    section.inspect_button.click()
    settle(dock)
    assert "does not show that there is none" in section.headline.text()
    assert "authentic" not in section.headline.text() + section.inspect_button.toolTip()
    assert section.findings.count() == 0
