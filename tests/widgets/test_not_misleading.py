"""What is on the screen is what is: protection and its settings, attacks outside the lungs, scans that are replaced."""

from __future__ import annotations

from qtpy.QtWidgets import QMessageBox

from napari_mits_gan.workflow.protect_series import write_series

PLACE, HEART, AIR = (20, 45, 34), (20, 45, 60), (20, 2, 2)


def test_settings_that_were_changed_afterwards_are_told_from_those_in_use(dock, settle):
    section = dock.sections["protect"]
    section.budget.setValue(11)
    section.key.setText("ward 7")
    dock.header.switch.click()
    settle(dock)
    assert dock.header.switch.text() == "Protection is ON: mits-gan, at most 11 HU, with a key"
    assert section.outdated.isHidden()
    section.budget.setValue(30)
    assert not section.outdated.isHidden()
    assert "at most 11 HU" in section.outdated.text()
    assert "at most 11 HU" in dock.header.switch.text()
    section.budget.setValue(11)
    assert section.outdated.isHidden()
    section.key.setText("ward 8")
    assert not section.outdated.isHidden()
    section.protect_button.click()
    settle(dock)
    assert section.outdated.isHidden()


def test_an_attack_outside_the_lungs_is_warned_of(dock, settle):
    for at in (HEART, AIR):
        dock.workspace.attacking.attack("remove", at)
        settle(dock)
        assert "This place lies outside the" in dock.message.text.text()
        assert dock.sections["attack"].list.item(0).text().startswith("⚠")
        dock.sections["attack"].undo_button.click()
        settle(dock)
        assert "outside the" not in dock.message.text.text()


def test_another_scan_is_opened_only_after_a_question(dock, settle, sample_series, monkeypatch):
    section, session, asked = dock.sections["scan"], dock.workspace.session, []
    answer = QMessageBox.StandardButton.Cancel

    def ask(parent, title, text, *_):
        asked.append(text)
        return answer

    monkeypatch.setattr(QMessageBox, "question", ask)
    before = session.original
    dock.workspace.attacking.attack("inject", PLACE)
    dock.header.switch.click()
    settle(dock)
    section.sample_button.click()
    settle(dock)
    assert session.original is before
    assert asked == [
        "Another scan takes the place of this one; the protected version and the attack will be gone. Open it?"
    ]
    answer = QMessageBox.StandardButton.Open
    section.path.setText(str(sample_series))
    section.path.returnPressed.emit()
    settle(dock)
    assert session.original is not before
    assert len(asked) == 2
    section.sample_button.click()
    settle(dock)
    assert len(asked) == 2


def test_a_protected_export_is_recognised_and_not_protected_again(dock, settle, tmp_path, qtbot):
    work, session = dock.workspace, dock.workspace.session
    dock.header.switch.click()
    settle(dock)
    write_series(session.required("protected"), tmp_path / "out")
    session.clear()
    work.loading.open_path(str(tmp_path / "out"))
    settle(dock)
    section = dock.sections["scan"]
    assert section.earlier.text() == "Before it was opened: protection (method=mits-gan, max_change_hu=20)."
    assert dock.header.switch.text() == "Protected before it was opened"


def test_the_removal_map_has_no_marks_of_a_detector_that_was_not_asked(scan):
    from napari_mits_gan.evaluation.vulnerability import VulnerabilityMap
    from napari_mits_gan.widgets.layers.marks import vulnerability_options

    found = VulnerabilityMap("remove", "remover", (PLACE,), (0.02,), (), (), 1.0, "")
    assert set(map(str, [vulnerability_options(scan, found)["symbol"]])) == {"disc"}


def test_the_canvas_is_black_and_its_words_light_in_every_theme(dock, viewer_of):
    viewer = viewer_of(dock)
    for theme in ("light", "dark"):
        viewer.theme = theme
        assert tuple(viewer.canvas.background_color)[:3] == (0, 0, 0)
        overlay = viewer.layers["Scan · original"].name_overlay
        assert min(overlay.color[:3]) > 0.4
    dock.workspace.panels.clear()
    assert viewer.canvas.background_color_override is None
