"""What the window says of the judge's verdict after each attack."""

from __future__ import annotations

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.session import Injection, Verdict
from napari_mits_gan.widgets.attack_widget import AttackWidget

PLACE = (20, 45, 34)
OTHER = (20, 45, 86)


def row(dock, number: int = 0) -> str:
    return dock.attack.list.item(number).text()


def test_the_row_says_the_verdict_and_its_tooltip_the_attacker(qtbot):
    widget = AttackWidget()
    qtbot.addWidget(widget)
    injections = [Injection("inject", (76, 227, 158)), Injection("remove", (1, 2, 3), "own.safetensors 12ab")]
    widget.show_injections(injections, [Verdict(0.02, 0.97, 0.5)])
    assert widget.list.item(0).text() == "1. Inject at z 76, y 227, x 158 — judge: nodule 0.97 (before 0.02)"
    assert widget.list.item(1).text() == "2. Remove at z 1, y 2, x 3"
    assert "Attacker: built in" in widget.list.item(0).toolTip()
    assert "own.safetensors 12ab" in widget.list.item(1).toolTip()
    widget.list.setCurrentRow(0)
    widget.show_place((9, 9, 9))
    widget.show_injections(injections, [Verdict(0.02, 0.97, 0.5), Verdict(0.8, 0.1, 0.5)])
    assert widget.list.item(1).text().endswith("judge: no nodule 0.10 (before 0.80)")
    assert widget.list.currentRow() == 0
    assert widget.voxel == (9, 9, 9)


def test_the_verdict_follows_an_attack_in_the_list_and_in_the_message(dock, settle):
    dock.manager.attack("inject", PLACE)
    settle(dock)
    assert row(dock) == "1. Inject at z 20, y 45, x 34 — judge: nodule 1.00 (before 0.00)"
    message = dock.message.text.text()
    assert message == f"{row(dock)}. A nodule is seen."
    dock.manager.attack("remove", PLACE)
    settle(dock)
    assert row(dock, 0).endswith("nodule 1.00 (before 0.00)")
    assert row(dock, 1) == "2. Remove at z 20, y 45, x 34 — judge: no nodule 0.00 (before 1.00)"


def test_the_verdict_is_that_of_the_version_that_is_shown(make_dock, scan, settle):
    def shield(volume, *, method, max_change_hu, seed, key, device, progress):
        from napari_mits_gan.ct.volume import Step

        return volume.with_hu(volume.hu + 1, Step("protection", {"method": method}))

    class FoiledByProtection:
        action = "inject"

        def tamper(self, volume, at):
            from napari_mits_gan.ct.volume import Step

            hu = volume.hu.copy()
            hu[tuple(slice(a - 6, a + 7) for a in at)] = -700 if volume.is_protected else 40
            return volume.with_hu(hu, Step("attack", {"at": list(at)}))

    dock = make_dock(scan, protector=shield, load_attacker=lambda action, device: FoiledByProtection())
    dock.manager.attack("inject", PLACE)
    settle(dock)
    assert "judge: nodule" in row(dock)
    dock.protection.protect_button.click()
    settle(dock)
    assert "judge: no nodule" in row(dock)
    assert "On the protected scan no nodule is seen" in dock.message.text.text()
    dock.protection.switch.click()
    settle(dock)
    assert "judge: nodule" in row(dock)


def test_undo_keeps_the_verdicts_of_those_that_stay(dock, settle):
    dock.manager.attack("inject", PLACE)
    dock.manager.attack("inject", OTHER)
    settle(dock)
    before = row(dock)
    assert "judge" in before
    dock.attack.undo_button.click()
    settle(dock)
    assert [dock.attack.list.item(i).text() for i in range(dock.attack.list.count())] == [before]


def test_a_missing_judge_is_said_once_and_attacks_go_on(make_dock, scan, settle):
    def missing(device):
        raise WeightsError("the file 'detector.safetensors' is missing.")

    dock = make_dock(scan, load_detector=missing)
    said = []
    dock.manager.said.connect(said.append)
    complaints = []
    dock.manager.complained.connect(complaints.append)
    for place in (PLACE, OTHER):
        dock.manager.attack("inject", place)
        settle(dock)
    assert dock.manager.panels.image("attack").data[OTHER] >= 40
    assert [text for text in said if "judge" in text.lower()] == [
        "The judge is not available, and the attacks go on without it: the file 'detector.safetensors' is missing."
    ]
    assert complaints == []
    assert row(dock) == "1. Inject at z 20, y 45, x 34"
