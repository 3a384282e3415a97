"""The Evidence section, opened through napari's menu: seal, inject, check, recover, as a user would."""

from __future__ import annotations

import logging
import os
import stat
from dataclasses import replace

import numpy as np
import pytest
from qtpy.QtWidgets import QFileDialog
from scipy import ndimage

from evidence.marked_scans import LUNG, chest, tampered
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.key import new_key, read_key, write_key
from napari_mits_gan.evidence.manifest import MANIFEST_NAME
from napari_mits_gan.evidence.mark.detect import carries_mark
from napari_mits_gan.evidence.seal import seal
from napari_mits_gan.session import Difference

PLACE = (20, 45, 34)


@pytest.fixture
def key_file(tmp_path):
    return write_key(new_key(), tmp_path / "ward.key")


@pytest.fixture
def sealed(dock, key_file, settle):
    """The dock with the small scan sealed, and nothing attacked."""
    section = dock.sections["evidence"]
    assert not section.seal_button.isEnabled()
    assert not section.check_button.isEnabled()
    dock.workspace.evidence.choose_key(key_file)
    section.seal_button.click()
    settle(dock)
    return dock


def _layers(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers]


@pytest.mark.both_bindings
def test_seal_inject_check_recover(sealed, settle, viewer_of, scan, key_file, caplog):
    caplog.set_level(logging.DEBUG, "napari_mits_gan")
    section, work, viewer = sealed.sections["evidence"], sealed.workspace, viewer_of(sealed)
    session = work.session
    volume = session.required("original")
    assert 0 < np.abs(volume.hu.astype(int) - scan.hu).max() <= 1
    assert session.original is scan
    assert section.seal_button.isChecked()
    assert "Scan · original, sealed" in _layers(viewer)
    section.check_button.click()
    settle(sealed)
    assert section.headline.text().startswith("Intact")
    assert section.findings.isHidden()

    work.attacking.attack("inject", PLACE)
    settle(sealed)
    assert section.headline.text() == "Not checked yet"
    section.check_button.click()
    settle(sealed)
    attacked = session.attacked("original")
    assert section.headline.text().startswith("Tampered: ")
    changed = session.examined.changed
    assert changed[attacked.hu != volume.hu].all()
    z = np.flatnonzero(changed.any(axis=(1, 2)))
    assert f"in {len(z)} slices" in section.headline.text()
    for role in ("scan", "attack", "difference"):
        layer = work.panels.overlay("blocks", role)
        assert layer.visible
        np.testing.assert_array_equal(layer.data.astype(bool), changed)

    section.recover_button.click()
    settle(sealed)
    healed = work.panels.image("healed")
    recovery = session.examined.recovery
    assert healed.data is recovery.volume.hu
    assert "SIMULATED ATTACK" in healed.name
    outside = ~recovery.healed
    np.testing.assert_array_equal(healed.data[outside], volume.hu[outside])
    assert abs(int(healed.data[PLACE]) - int(volume.hu[PLACE])) < 150 < abs(int(attacked.hu[PLACE]) - volume.hu[PLACE])
    assert work.display.kind is Difference.HEALED
    np.testing.assert_array_equal(work.panels.image("difference").data, recovery.difference_hu)
    assert len(viewer.layers) == 4 * 3

    secret = key_file.read_text().split()[-1]
    told = " ".join(str({**layer.metadata}) for layer in viewer.layers) + caplog.text + sealed.message.text.text()
    assert secret not in told.lower()
    assert secret not in " ".join(repr(step) for step in recovery.volume.history)

    section.clear_button.click()
    settle(sealed)
    assert work.panels.image("healed") is None
    assert work.panels.overlay("blocks", "scan") is None
    assert work.display.kind is Difference.ATTACK


def test_a_finding_leads_to_its_place(sealed, settle, viewer_of, qtbot):
    work, section = sealed.workspace, sealed.sections["evidence"]
    work.attacking.attack("inject", PLACE)
    settle(sealed)
    section.check_button.click()
    settle(sealed)
    work.panels.go_to(work.session.original, (0, 0, 0))
    section.findings.setCurrentRow(0)
    section.findings.itemClicked.emit(section.findings.item(0))
    finding = work.session.examined.verdict.findings[0]
    layer = work.panels.image("scan")
    z = round(float(layer.world_to_data(viewer_of(sealed).dims.point[-3:])[0]))
    assert finding.box[0][0] <= z < finding.box[0][1]
    assert sealed.message.text.text() == finding.sentence


def test_a_simulated_attack_and_its_healed_scan_are_not_exported(sealed, settle, viewer_of, tmp_path):
    work, viewer = sealed.workspace, viewer_of(sealed)
    work.attacking.attack("inject", PLACE)
    settle(sealed)
    work.evidence.recover()
    settle(sealed)
    for role in ("attack", "healed"):
        viewer.layers.selection.active = work.panels.image(role)
        work.exporting.export(str(tmp_path / role), selected_layer=True)
        settle(sealed)
        assert not (tmp_path / role).exists()
    work.exporting.export(str(tmp_path / "shown"), shown=True)
    settle(sealed)
    assert read_ct(tmp_path / "shown").shape == (40, 90, 120)


def test_an_export_carries_seal_and_manifest(sealed, settle, key_file, tmp_path):
    section = sealed.sections["export"]
    section.source.setCurrentText("Scan shown")
    section.folder.setText(str(tmp_path / "export"))
    section.export_button.click()
    settle(sealed)
    assert (tmp_path / "export" / MANIFEST_NAME).is_file()
    assert verify(read_ct(tmp_path / "export"), read_key(key_file)).is_intact


def test_protect_and_seal_in_one_go(dock, key_file, settle):
    work, section = dock.workspace, dock.sections["protect"]
    assert not section.seal_too.isEnabled()
    work.evidence.choose_key(key_file)
    section.seal_too.click()
    section.protect_button.click()
    settle(dock)
    session = work.session
    assert session.sealed("protected") is not None
    assert session.sealed("original") is None
    assert session.required("protected").is_sealed
    assert verify(session.required("protected"), read_key(key_file)).is_intact
    work.protecting.switch(False)
    settle(dock)
    assert not dock.sections["evidence"].seal_button.isChecked()


def test_a_received_scan_is_checked_and_healed_and_a_second_seal_refused(make_dock, sealed, settle, key_file, qtbot):
    hu = sealed.workspace.session.required("original").hu.copy()
    work = sealed.workspace
    work.session.open(CTVolume(hu.copy(), spacing=(2.0, 1.0, 1.0), name="received"))
    settle(sealed)
    with qtbot.waitSignal(work.messages.complained) as complained:
        work.evidence.seal()
        settle(sealed)
    assert "already" in complained.args[0]
    assert work.session.sealed("original") is None
    whole = hu.copy()
    hu[20, 40:50, 30:40] = 300
    work.session.open(CTVolume(np.delete(hu, 5, axis=0), spacing=(2.0, 1.0, 1.0), name="received"))
    settle(sealed)
    work.evidence.recover()
    settle(sealed)
    healed = work.session.examined.recovery
    assert work.panels.image("healed").data.shape == whole.shape
    assert work.panels.overlay("blocks", "healed").data.shape == whole.shape
    assert np.abs(healed.volume.hu[20, 40:50, 30:40].astype(int) - whole[20, 40:50, 30:40]).mean() < 60
    assert not healed.volume.is_tampered
    assert any("missing" in sealed.sections["evidence"].findings.item(n).text() for n in range(2))


def test_another_key_finds_no_seal(sealed, settle, tmp_path, qtbot):
    work, section = sealed.workspace, sealed.sections["evidence"]
    work.evidence.choose_key(write_key(new_key(), tmp_path / "other.key"))
    section.check_button.click()
    settle(sealed)
    assert section.headline.text() == "No seal of this key was found."
    assert section.findings.count() == 1
    assert work.panels.overlay("blocks", "scan") is None
    with qtbot.waitSignal(work.messages.complained) as complained:
        section.recover_button.click()
        settle(sealed)
    assert complained.args[0].startswith("No seal of this key was found")


def test_where_the_mark_of_a_filtered_scan_is_missing_is_a_finding_that_leads_there(dock, key_file, settle, viewer_of):
    marked = seal(chest(), read_key(key_file), with_copy=False, mark=True)
    changed = tampered(marked, LUNG, 14, 30)
    filtered = np.rint(ndimage.gaussian_filter(changed.hu.astype(float), 0.5)).astype(np.int16)
    work, section = dock.workspace, dock.sections["evidence"]
    work.session.open(replace(changed, hu=filtered))
    settle(dock)
    work.evidence.choose_key(key_file)
    section.check_button.click()
    settle(dock)
    assert "missing at one place" in section.headline.text()
    assert section.findings.item(1).text().endswith("the mark is missing.")
    work.evidence.go_to(1)
    assert dock.message.text.text() == section.findings.item(1).text()
    layer = work.panels.image("scan")
    place = layer.world_to_data(viewer_of(dock).dims.point[-3:])
    assert np.abs(np.subtract(place, LUNG)).max() < 8


def test_the_mark_is_made_where_it_is_asked_for_and_its_strength_said(dock, key_file, settle):
    work, section = dock.workspace, dock.sections["evidence"]
    work.session.open(chest())
    settle(dock)
    work.evidence.choose_key(key_file)
    assert not section.mark_too.isChecked()
    assert "12 HU RMS" in section.mark_too.text()
    section.mark_too.click()
    section.seal_button.click()
    settle(dock)
    sealed = work.session.required("original")
    assert [step.kind for step in sealed.history] == ["mark", "seal"]
    assert f"marked with {sealed.history[0].parameters['lungs_rms_hu']:.1f} HU RMS" in dock.message.text.text()
    assert not section.mark_too.isEnabled()
    assert carries_mark(sealed, read_key(key_file))


def test_a_check_is_cancelled_and_changes_nothing(sealed, settle):
    work = sealed.workspace
    work.evidence.check()
    assert work.slow.title == "Checking the scan"
    work.slow.cancel()
    settle(sealed)
    assert work.session.examined is None
    assert sealed.message.text.text() == "Checking the scan: stopped; nothing was changed."


def test_the_seal_is_taken_off(sealed, settle, scan):
    sealed.sections["evidence"].seal_button.click()
    settle(sealed)
    assert sealed.workspace.session.required("original") is scan
    assert not sealed.sections["evidence"].seal_button.isChecked()


def test_a_new_key_is_for_its_owner_only_and_never_written_over(dock, tmp_path, monkeypatch, qtbot):
    path = tmp_path / "new.key"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *given, **options: (str(path), ""))
    section, work = dock.sections["evidence"], dock.workspace
    section.new_button.click()
    assert section.key_name.text() == "new.key"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (tmp_path / "new.key.pub").is_file()
    before = path.read_bytes()
    with qtbot.waitSignal(work.messages.complained) as complained:
        section.new_button.click()
    assert "is there already" in complained.args[0]
    assert path.read_bytes() == before


def test_a_file_that_is_no_key_is_refused(dock, tmp_path, qtbot):
    (tmp_path / "notes.txt").write_text("hello")
    with qtbot.waitSignal(dock.workspace.messages.complained) as complained:
        assert not dock.workspace.evidence.choose_key(tmp_path / "notes.txt")
    assert "no key file" in complained.args[0]
    assert dock.sections["evidence"].key_name.text() == "none chosen"


def test_all_suggested_sites_are_attacked_on_a_copy_and_found(sealed, settle, monkeypatch, qtbot):
    from napari_mits_gan.detection.sites import Site

    places = [(20, 45, 34), (10, 40, 86), (32, 50, 34)]
    monkeypatch.setattr(
        "napari_mits_gan.session.sealed_sites.suggested_sites",
        lambda session, action, n: [Site(at=at, score=0.5, action=action) for at in places],
    )
    work, section = sealed.workspace, sealed.sections["evidence"]
    before = work.session.required("original").hu.copy()
    section.sites_button.click()
    settle(sealed)
    assert work.sealed_sites.found.sites == tuple(places)
    assert work.sealed_sites.found.found == (True, True, True)
    assert sealed.message.text.text().startswith("3 of 3 injections")
    layer = work.panels.overlay("sealed sites", "scan")
    assert "SIMULATED ATTACK" in layer.name
    np.testing.assert_array_equal(work.session.required("original").hu, before)
    assert not work.session.injections
    section.clear_button.click()
    assert work.panels.overlay("sealed sites", "scan") is None
    section.sites_button.click()
    settle(sealed)
    work.evidence.take_seal_off()
    settle(sealed)
    assert work.sealed_sites.found is None
    with qtbot.waitSignal(work.messages.complained) as complained:
        section.sites_button.click()
        settle(sealed)
    assert complained.args[0] == "This scan carries no seal of this key; seal it first."
