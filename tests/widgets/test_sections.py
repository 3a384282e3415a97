"""Each section of the dock, opened through napari's menu: what it asks for, and with which values."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_mits_gan.evaluation.measures.fidelity import Fidelity
from napari_mits_gan.protection.gaussian_noise import GaussianNoise
from napari_mits_gan.session import Difference, Figures
from napari_mits_gan.workflow.protect_series import ProtectionOptions

PLACE = (20, 45, 34)


@pytest.fixture
def asked(make_dock, scan):
    """A dock, and the options that its protection was asked for."""
    options: list[ProtectionOptions] = []

    def protector(volume, given, progress):
        options.append(given)
        return volume

    return make_dock(scan, protector=protector), options


def test_a_path_is_opened_without_the_blanks_around_it(make_dock, qtbot, settle):
    dock = make_dock()
    section = dock.sections["scan"]
    with qtbot.waitSignal(dock.workspace.messages.complained) as complained:
        section.path.setText("  no/such/folder ")
        qtbot.keyClick(section.path, Qt.Key.Key_Return)
    assert "no/such/folder" in complained.args[0] or "folder" in complained.args[0]
    section.path.clear()
    with qtbot.assertNotEmitted(dock.workspace.slow.started):
        qtbot.keyClick(section.path, Qt.Key.Key_Return)
    settle(dock)


def test_protection_asks_with_method_budget_and_key(asked, settle):
    (dock, options), section = asked, asked[0].sections["protect"]
    assert section.method.itemText(0) == "mits-gan"
    row = section.method.findText("gaussian-noise")
    assert section.method.itemData(row, Qt.ItemDataRole.ToolTipRole) == "Control: white noise in every slice."
    section.method.setCurrentText("gaussian-noise")
    section.budget.setValue(33)
    section.key.setText("ward 7")
    assert "ward" not in section.key.displayText()
    section.device.setCurrentText("cpu")
    section.protect_button.click()
    settle(dock)
    assert options == [ProtectionOptions("gaussian-noise", 33, key="ward 7", device="cpu")]
    assert dock.workspace.session.networks.device == "cpu"


def test_options_of_a_method_are_a_form_made_from_its_class(asked, settle):
    (dock, options), section = asked, asked[0].sections["protect"]
    section.method.setCurrentText("constant-shift")
    section.options_button.click()
    assert section.options.isHidden()
    assert not section.without_lungs.isHidden()
    section.without_lungs.click()
    section.again.click()
    section.options_button.click()
    section.method.setCurrentText("gaussian-noise")
    section.options_button.click()
    assert not section.options.isHidden()
    sigma = section.options.rows["sigma"]
    assert sigma.value == 0.7
    assert "Standard deviation" in sigma.tooltip
    sigma.value = 0.25
    section.protect_button.click()
    settle(dock)
    assert options == [ProtectionOptions(GaussianNoise(sigma=0.25), without_lungs=True, again=True)]
    section.options_button.click()
    assert section.options.isHidden()


def test_the_budget_stays_between_1_and_40_hu(dock):
    budget = dock.sections["protect"].budget
    for wanted, given in ((0, 1), (41, 40), (20, 20)):
        budget.setValue(wanted)
        assert budget.value() == given


def test_the_switch_says_what_is_shown(dock, settle):
    section = dock.sections["protect"]
    switch = dock.header.switch
    assert switch.text() == "Not protected yet: protect now"
    section.protect_button.click()
    settle(dock)
    assert switch.text() == "Protection is ON: mits-gan, at most 20 HU, seed 0"
    switch.click()
    settle(dock)
    assert switch.text() == "Protection is OFF: original scan"
    assert dock.workspace.session.shown == "original"


def test_attacks_are_listed_and_the_newest_is_selected(dock, settle):
    section = dock.sections["attack"]
    dock.workspace.attacking.attack("inject", PLACE)
    dock.workspace.attacking.attack("remove", (20, 45, 86))
    settle(dock)
    assert [section.list.item(row).text().split("\n")[0].removeprefix("⚠ ") for row in range(2)] == [
        "1. Inject at z 20, y 45, x 34",
        "2. Remove at z 20, y 45, x 86",
    ]
    assert section.list.currentRow() == 1
    assert section.voxel_boxes.voxel == (20, 45, 86)
    section.clear_button.click()
    settle(dock)
    assert not section.undo_button.isEnabled()


def test_compare_offers_only_what_there_is(dock, settle):
    section = dock.sections["compare"]
    assert not section.difference.isEnabled()
    dock.sections["protect"].protect_button.click()
    settle(dock)
    assert [section.difference.itemData(row) for row in range(section.difference.count())] == [Difference.PROTECTION]
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert [section.difference.itemData(row) for row in range(section.difference.count())] == [
        kind for kind in Difference if kind is not Difference.HEALED
    ]


def test_figures_are_written_with_a_dash_for_what_there_is_not(dock):
    figures = dock.sections["compare"].figures
    fidelity = Fidelity.from_rms(max_change_hu=20, rms_hu=0.0, ssim=1.0)
    figures.show_figures(Figures(protection_slice=fidelity))
    assert figures.text("protection_slice", "max_change_hu") == "20"
    assert figures.text("protection_slice", "psnr_db") == "∞"
    assert figures.text("attack_cuboid", "ssim") == "–"


@pytest.mark.both_bindings
def test_each_page_is_chosen_by_its_button(shown_dock):
    for name, button in shown_dock.tasks.buttons.items():
        button.click()
        assert shown_dock.page == name
        assert [section.name for section in shown_dock.sections.values() if section.isVisible()] == [name]
        assert button.isChecked()


def test_a_section_grows_with_what_it_holds(shown_dock, qtbot):
    section = shown_dock.sections["scan"]
    shown_dock.show_page("scan")
    before = section.height()
    section.summary.setText("CT series of many words " * 20)
    QApplication.processEvents()
    qtbot.waitUntil(lambda: section.height() > before)
    assert section.summary.height() >= section.summary.heightForWidth(section.summary.width())


@pytest.mark.both_bindings
def test_the_numbers_of_the_voxel_are_seen(shown_dock):
    shown_dock.show_page("attack")
    for box in shown_dock.sections["attack"].voxel_boxes.boxes:
        box.setValue(1234)
        edit = box.lineEdit()
        needed = edit.fontMetrics().horizontalAdvance(box.text())
        assert edit.width() >= needed
        assert edit.height() >= edit.fontMetrics().height()


def test_what_was_left_out_or_moved_when_the_scan_was_read_stands_below_its_size(make_dock, scan, settle):
    from dataclasses import replace

    dock = make_dock(scan)
    section = dock.sections["scan"]
    assert section.notes.isHidden()
    dock.workspace.session.open(replace(scan, notes=("One image was left out.", "The slices were moved.")))
    settle(dock)
    assert not section.notes.isHidden()
    assert section.notes.text() == "One image was left out. The slices were moved."


def test_the_export_is_anonymous_where_that_is_ticked(make_dock, dicom_series, settle, tmp_path):
    import pydicom

    from napari_mits_gan.ct.read import read_ct

    dock = make_dock(read_ct(dicom_series(shape=(6, 40, 48)).folder))
    section = dock.sections["export"]
    section.source.setCurrentText("Scan shown")
    for ticked, name in ((False, "Doe^Test"), (True, "Anonymous")):
        section.anonymise.setChecked(ticked)
        section.folder.setText(str(tmp_path / name))
        section.export_button.click()
        settle(dock)
        assert {str(pydicom.dcmread(path).PatientName) for path in (tmp_path / name).iterdir()} == {name}
