"""What the window says the detector finds after each attack."""

from __future__ import annotations

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.session import Detection, Injection
from napari_mits_gan.widgets.controls.attack_words import attack_details, attack_words

PLACE = (20, 45, 34)
OTHER = (20, 45, 86)


def row(dock, number: int = 0) -> str:
    return dock.sections["attack"].list.item(number).text()


def test_the_row_and_its_tooltip_say_what_was_found_and_by_whom_it_was_attacked():
    first = Injection("inject", (76, 227, 158))
    second = Injection("remove", (1, 2, 3), "own.safetensors 12ab")
    found = Detection(0.02, 0.97, 0.5)
    assert attack_words(1, first, found) == "1. Inject at z 76, y 227, x 158 — detector: nodule 0.97 (before 0.02)"
    assert attack_words(2, second) == "2. Remove at z 1, y 2, x 3"
    assert "Attacker: built in" in attack_details(first, found)
    assert "own.safetensors 12ab" in attack_details(second)
    assert attack_words(2, second, Detection(0.8, 0.1, 0.5)).endswith("detector: no nodule 0.10 (before 0.80)")


def test_a_detection_that_comes_later_leaves_row_and_voxel_as_the_user_chose_them(dock, settle):
    attack = dock.sections["attack"]
    dock.workspace.attacking.attack("inject", PLACE)
    dock.workspace.attacking.attack("inject", OTHER)
    attack.list.setCurrentRow(0)
    attack.show_voxel((9, 9, 9))
    settle(dock)
    assert "detector" in row(dock, 1)
    assert attack.list.currentRow() == 0
    assert attack.voxel == (9, 9, 9)


def test_the_detection_follows_an_attack_in_the_list_and_in_the_message(dock, settle):
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert row(dock) == "1. Inject at z 20, y 45, x 34 — detector: nodule 1.00 (before 0.00)"
    message = dock.message.text.text()
    assert message == f"{row(dock)}. A nodule is seen."
    dock.workspace.attacking.attack("remove", PLACE)
    settle(dock)
    assert row(dock, 0).endswith("nodule 1.00 (before 0.00)")
    assert row(dock, 1) == "2. Remove at z 20, y 45, x 34 — detector: no nodule 0.00 (before 1.00)"


def test_the_detection_is_that_of_the_version_that_is_shown(make_dock, scan, settle):
    def shield(volume, options, progress):
        from napari_mits_gan.ct.volume import Step

        return volume.with_hu(volume.hu + 1, Step("protection", {"method": options.method}))

    class FoiledByProtection:
        action = "inject"

        def tamper(self, volume, at):
            from napari_mits_gan.ct.volume import Step

            hu = volume.hu.copy()
            hu[tuple(slice(a - 6, a + 7) for a in at)] = -700 if volume.is_protected else 40
            return volume.with_hu(hu, Step("attack", {"at": list(at)}))

    dock = make_dock(scan, protector=shield, load_attacker=lambda action, device: FoiledByProtection())
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert "detector: nodule" in row(dock)
    dock.sections["protect"].protect_button.click()
    settle(dock)
    assert "detector: no nodule" in row(dock)
    assert "On the protected scan no nodule is seen" in dock.message.text.text()
    dock.sections["protect"].switch.click()
    settle(dock)
    assert "detector: nodule" in row(dock)


def test_undo_keeps_the_detections_of_those_that_stay(dock, settle):
    dock.workspace.attacking.attack("inject", PLACE)
    dock.workspace.attacking.attack("inject", OTHER)
    settle(dock)
    before = row(dock)
    assert "detector" in before
    dock.sections["attack"].undo_button.click()
    settle(dock)
    assert [dock.sections["attack"].list.item(i).text() for i in range(dock.sections["attack"].list.count())] == [
        before
    ]


def test_a_missing_detector_is_said_once_and_attacks_go_on(make_dock, scan, settle):
    def missing(device):
        raise WeightsError("the file 'detector.safetensors' is missing.")

    dock = make_dock(scan, load_detector=missing)
    said = []
    dock.workspace.messages.said.connect(said.append)
    complaints = []
    dock.workspace.messages.complained.connect(complaints.append)
    for place in (PLACE, OTHER):
        dock.workspace.attacking.attack("inject", place)
        settle(dock)
    assert dock.workspace.panels.image("attack").data[OTHER] >= 40
    assert [text for text in said if "detector" in text.lower()] == [
        "The detector is not available, and the attacks go on without it: the file 'detector.safetensors' is missing."
    ]
    assert complaints == []
    assert row(dock) == "1. Inject at z 20, y 45, x 34"
