"""Each part of the dock by itself: what it asks for, and with which values."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt

from napari_mits_gan.evaluation.measures.fidelity import Fidelity
from napari_mits_gan.session import Difference, Figures, Injection
from napari_mits_gan.widgets.attack_widget import AttackWidget
from napari_mits_gan.widgets.compare_widget import CompareWidget
from napari_mits_gan.widgets.export_widget import ExportWidget
from napari_mits_gan.widgets.load_widget import LoadWidget
from napari_mits_gan.widgets.protection_widget import ProtectionWidget


@pytest.fixture
def made(qtbot):
    def make(kind):
        widget = kind()
        qtbot.addWidget(widget)
        return widget

    return make


def test_load_asks_for_the_path_without_blanks(made, qtbot):
    widget = made(LoadWidget)
    widget.path.setText("  some/folder ")
    with qtbot.waitSignal(widget.open_requested) as asked:
        qtbot.keyClick(widget.path, Qt.Key.Key_Return)
    assert asked.args == ["some/folder"]
    widget.path.clear()
    with qtbot.assertNotEmitted(widget.open_requested):
        qtbot.keyClick(widget.path, Qt.Key.Key_Return)


def test_protection_asks_with_method_budget_and_key(made, qtbot):
    widget = made(ProtectionWidget)
    widget.set_ready(True)
    widget.offer(["auto", "cuda", "cpu"], {"mits-gan": "The default.", "gaussian-noise": "White noise."})
    assert [widget.method.itemText(row) for row in range(2)] == ["mits-gan", "gaussian-noise"]
    assert widget.method.itemData(1, Qt.ItemDataRole.ToolTipRole) == "White noise."
    widget.method.setCurrentText("gaussian-noise")
    widget.budget_slider.setValue(33)
    with qtbot.waitSignal(widget.protect_requested) as asked:
        widget.protect_button.click()
    assert asked.args == ["gaussian-noise", 33, ""]
    widget.key.setText("ward 7")
    assert "ward" not in widget.key.displayText()
    with qtbot.waitSignal(widget.protect_requested) as asked:
        widget.protect_button.click()
    assert asked.args == ["gaussian-noise", 33, "ward 7"]
    with qtbot.waitSignal(widget.device_chosen) as chosen:
        widget.device.setCurrentText("cuda")
    assert chosen.args == ["cuda"]


def test_the_budget_stays_between_1_and_40_hu(made):
    widget = made(ProtectionWidget)
    for asked, given in ((0, 1), (41, 40), (20, 20)):
        widget.budget.setValue(asked)
        assert widget.budget.value() == widget.budget_slider.value() == given


def test_what_is_offered_anew_keeps_the_choice(made):
    widget = made(ProtectionWidget)
    widget.device.setCurrentText("cpu")
    widget.offer(["auto", "cuda", "cpu"], {"mits-gan": "The default."})
    assert widget.device.currentText() == "cpu"


def test_the_switch_says_what_is_shown(made, qtbot):
    widget = made(ProtectionWidget)
    assert not widget.switch.isEnabled()
    widget.show_protection(True, True)
    assert "ON" in widget.switch.text()
    with qtbot.waitSignal(widget.switched) as switched:
        widget.switch.click()
    assert switched.args == [False]


def test_attack_asks_with_action_and_place(made, qtbot):
    widget = made(AttackWidget)
    widget.set_ready(True)
    widget.show_place((3, 40, 500))
    widget.remove_button.click()
    with qtbot.waitSignal(widget.attack_requested) as asked:
        widget.here_button.click()
    assert asked.args == ["remove", (3, 40, 500)]
    with qtbot.waitSignal(widget.armed) as armed:
        widget.arm.click()
    assert armed.args == [True]


def test_attacks_are_listed_and_the_newest_is_selected(made):
    widget = made(AttackWidget)
    widget.show_injections([Injection("inject", (1, 2, 3)), Injection("remove", (4, 5, 6))])
    assert [widget.list.item(row).text() for row in range(2)] == [
        "1. Inject at z 1, y 2, x 3",
        "2. Remove at z 4, y 5, x 6",
    ]
    assert widget.list.currentRow() == 1
    assert widget.voxel == (4, 5, 6)
    assert widget.undo_button.isEnabled()
    widget.show_injections([])
    assert not widget.undo_button.isEnabled()


def test_compare_offers_only_what_there_is(made):
    widget = made(CompareWidget)
    assert not widget.difference.isEnabled()
    widget.offer([Difference.PROTECTION, Difference.EFFECT], Difference.EFFECT)
    assert [widget.difference.itemData(row) for row in range(2)] == [Difference.PROTECTION, Difference.EFFECT]
    assert widget.difference.currentData() is Difference.EFFECT


def test_figures_are_written_with_a_dash_for_what_there_is_not(made):
    widget = made(CompareWidget)
    fidelity = Fidelity.from_rms(max_change_hu=20, rms_hu=0.0, ssim=1.0)
    widget.figures.show_figures(Figures(protection_slice=fidelity))
    assert widget.figures.text("protection_slice", "max_change_hu") == "20"
    assert widget.figures.text("protection_slice", "psnr_db") == "∞"
    assert widget.figures.text("attack_cuboid", "ssim") == "–"


def test_export_asks_with_source_and_folder(made, qtbot):
    widget = made(ExportWidget)
    widget.set_ready(True)
    widget.folder.setText(" out ")
    with qtbot.waitSignal(widget.export_requested) as asked:
        widget.export_button.click()
    assert asked.args == ["Protected scan", "out"]
