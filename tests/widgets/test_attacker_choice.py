"""Another attacker in the window: chosen, refused, and given back."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QFileDialog, QLabel

from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.controls.attacker_row import AttackerRow

PLACE = (20, 45, 34)
OTHER = (20, 45, 86)


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "my_inject.safetensors"
    path.write_text("1f")
    return path


def test_the_row_asks_for_a_folder_a_file_or_the_built_in_one(qtbot, tmp_path, monkeypatch):
    row = AttackerRow()
    qtbot.addWidget(row)
    asked = []
    row.chosen.connect(asked.append)
    assert row.name.text() == "Attacker: built in"
    assert not row.built_in_action.isEnabled()
    # the dialogs of the system cannot be driven by a test
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    row.folder_action.trigger()
    row.file_action.trigger()
    row.show_attacker("own.safetensors 12ab")
    assert row.name.text() == "Attacker: own.safetensors 12ab"
    row.built_in_action.trigger()
    assert asked == [tmp_path, None]
    row.show_attacker("a_very_long_name_of_an_attacker_that_fits_no_row.safetensors 12ab")
    row.resize(240, 30)
    row.show()
    shown = QLabel.text(row.name)
    assert len(shown) < 50
    assert "…" in shown
    assert row.name.toolTip().endswith("12ab")


def test_a_chosen_attacker_makes_the_next_attacks_only(dock, settle, weights):
    dock.workspace.attacking.attack("inject", PLACE)
    dock.sections["attack"].attacker.chosen.emit(weights)
    settle(dock)
    assert dock.sections["attack"].attacker.name.text() == "Attacker: my_inject.safetensors 1f"
    dock.workspace.attacking.attack("inject", OTHER)
    settle(dock)
    assert dock.workspace.session.injections == (
        Injection("inject", PLACE),
        Injection("inject", OTHER, "my_inject.safetensors 1f"),
    )
    history = dock.workspace.panels.image("attack").metadata["history"]
    assert [step["attacker"] for step in history] == ["ball", "my_inject.safetensors 1f"]
    assert "my_inject.safetensors 1f" in dock.sections["attack"].list.item(1).toolTip()
    dock.sections["attack"].attacker.built_in_action.trigger()
    settle(dock)
    assert dock.sections["attack"].attacker.name.text() == "Attacker: built in"
    assert dock.workspace.session.injections[1].attacker == "my_inject.safetensors 1f"


def test_injector_and_remover_are_chosen_apart(dock, settle, weights):
    dock.sections["attack"].attacker.chosen.emit(weights)
    settle(dock)
    dock.sections["attack"].remove_button.click()
    assert dock.sections["attack"].attacker.name.text() == "Attacker: built in"
    dock.sections["attack"].inject_button.click()
    assert "my_inject" in dock.sections["attack"].attacker.name.text()


def test_weights_that_do_something_else_are_refused_and_the_old_ones_stay(dock, settle, weights, tmp_path):
    dock.sections["attack"].attacker.chosen.emit(weights)
    settle(dock)
    dock.sections["attack"].attacker.chosen.emit(tmp_path / "nothing")
    settle(dock)
    assert dock.message.complaint.text() == "'nothing' holds no attacker that does inject; choose another."
    assert "my_inject" in dock.sections["attack"].attacker.name.text()
    dock.sections["attack"].remove_button.click()
    dock.sections["attack"].attacker.chosen.emit(weights)
    settle(dock)
    assert "does remove" in dock.message.complaint.text()
    assert dock.sections["attack"].attacker.name.text() == "Attacker: built in"
