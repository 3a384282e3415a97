"""The table of verdicts: what became of each attack, sorted, saved, gone to."""

from __future__ import annotations

import csv

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog

from napari_mits_gan.evidence.key import new_key, write_key

PLACE, OTHER = (20, 45, 34), (20, 45, 86)


def test_each_attack_has_its_figures_which_are_sorted_gone_to_and_saved(dock, settle, tmp_path, monkeypatch):
    work = dock.workspace
    work.attacking.attack("inject", PLACE)
    work.attacking.attack("remove", OTHER)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    dock.sections["compare"].table_button.click()
    table = dock.sections["compare"].verdicts
    first, second = table.table.texts()
    assert first[:4] == ["1", "20, 45, 34", "Inject", "lung"]
    assert first[4:7] == ["0.00", "1.00", "1.00"]
    assert float(first[7]) > 0
    assert first[8] in ("yes", "no")
    assert second[:4] == ["2", "20, 45, 86", "Remove", "lung"]
    assert second[11:] == ["–", "–"]
    verdict = dock.workspace.judging.verdicts[0]
    assert float(first[9]) == round(verdict.core_hu_original)
    assert verdict.disrupted == (verdict.deviation > 0.0125)

    table.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert [row[0] for row in table.table.texts()] == ["2", "1"]
    table.table.itemClicked.emit(table.table.item(0, 0))
    assert dock.workspace.display.selected.at == OTHER
    dock.workspace.changed.emit()
    assert [row[0] for row in table.table.texts()] == ["2", "1"]

    path = tmp_path / "verdicts.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    table.save_button.click()
    rows = list(csv.DictReader(path.open(encoding="utf-8")))
    assert [(row["z"], row["y"], row["x"], row["action"]) for row in rows] == [
        ("20", "45", "34", "inject"),
        ("20", "45", "86", "remove"),
    ]
    assert float(rows[0]["deviation"]) == pytest.approx(dock.workspace.judging.verdicts[0].deviation, abs=1e-6)
    before = path.read_bytes()
    table.save_button.click()
    assert "is there already" in dock.message.complaint.text()
    assert path.read_bytes() == before
    table.close()


def test_found_and_healed_follow_the_check(dock, settle, tmp_path):
    work = dock.workspace
    work.evidence.choose_key(write_key(new_key(), tmp_path / "ward.key"))
    work.evidence.seal()
    settle(dock)
    work.attacking.attack("inject", PLACE)
    settle(dock)
    assert work.judging.verdicts[0].found is None
    work.evidence.check()
    settle(dock)
    assert work.judging.verdicts[0].found is True
    assert work.judging.verdicts[0].healed is None
    work.evidence.recover()
    settle(dock)
    assert work.judging.verdicts[0].healed is True
