"""Saving a session and loading it again in the window, as commands, and as a report."""

from __future__ import annotations

from qtpy.QtWidgets import QApplication, QFileDialog, QMessageBox

from napari_mits_gan.workflow.protect_series import write_series

PLACE = (20, 45, 34)


def test_a_session_is_saved_and_comes_back_as_it_was(dock, scan, settle, tmp_path, monkeypatch):
    work, section = dock.workspace, dock.sections["export"]
    write_series(scan, tmp_path / "scan")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "session.json"), ""))
    section.save_button.click()
    assert "taken from a layer" in dock.message.complaint.text()
    work.loading.open_path(str(tmp_path / "scan"))
    settle(dock)
    work.attacking.attack("inject", PLACE)
    dock.sections["protect"].budget.setValue(11)
    dock.header.switch.click()
    settle(dock)
    dock.header.plane_buttons["coronal"].click()
    dock.sections["compare"].four_button.click()
    dock.sections["compare"].three_planes.click()
    work.three_planes.choose("other scan")
    attacked = work.session.attacked("protected").hu
    section.save_button.click()
    section.python_button.click()
    assert "mg.protect(scan, 'mits-gan', 11, seed=0)" in QApplication.clipboard().text()
    section.commands_button.click()
    assert "tamper" in QApplication.clipboard().text()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "report.html"), ""))
    section.report_button.click()
    settle(dock)
    assert "SIMULATED ATTACK on the protected scan" in (tmp_path / "report.html").read_text(encoding="utf-8")

    dock.sections["protect"].budget.setValue(20)
    work.session.clear()
    work.three_planes.stop()
    work.three_planes.choose("scan")
    dock.header.plane_buttons["axial"].click()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(tmp_path / "session.json"), ""))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Open)
    monkeypatch.setattr(
        "napari_mits_gan.workflow.protect_series.protect_volume",
        lambda volume, options, progress: work.session.make_protected(options, progress),
    )
    section.load_button.click()
    settle(dock)
    assert [injection.at for injection in work.session.injections] == [PLACE]
    assert (work.session.attacked("protected").hu == attacked).all()
    assert work.panels.view.plane == "coronal"
    assert work.panels.shown == ("other scan", "scan", "other attack", "attack")
    assert (work.three_planes.on, work.three_planes.role) == (True, "other scan")
    assert dock.sections["protect"].budget.value() == 11
    assert dock.header.switch.text().startswith("Protection is ON: mits-gan, at most 11 HU")
