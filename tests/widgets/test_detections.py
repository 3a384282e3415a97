"""What the window says the detector finds after each attack."""

from __future__ import annotations

import numpy as np

from napari_mits_gan.attack.contract import Attacker, Painted, box_of_mm
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.session import AttackVerdict, Detection, Injection
from napari_mits_gan.widgets.controls.attack_words import details, row_words, warning_words

PLACE = (20, 45, 34)
OTHER = (20, 45, 86)


def row(dock, number: int = 0) -> str:
    return dock.sections["attack"].list.item(number).text()


def test_the_row_and_its_tooltip_say_what_was_found_and_by_whom_it_was_attacked():
    first = Injection("inject", (76, 227, 158))
    second = Injection("remove", (1, 2, 3), "own.safetensors 12ab")
    found = AttackVerdict(
        first,
        "lung",
        Detection(0.02, 0.97, 0.5),
        Detection(0.03, 0.31, 0.5),
        deviation=0.02,
        disrupted=True,
    )
    assert row_words(1, found).splitlines() == [
        "1. Inject at z 76, y 227, x 158",
        "Detector before: no nodule (0.02), attacked original: nodule (0.97), attacked protected: no nodule (0.31)",
        "Deviation 0.0200, disrupted",
    ]
    assert row_words(2, AttackVerdict(second)) == "2. Remove at z 1, y 2, x 3"
    assert "Attacker: built in" in details(found)
    assert "own.safetensors 12ab" in details(AttackVerdict(second))


def test_what_says_nothing_about_an_attack_is_warned_of():
    seen, unseen = Detection(0.8, 0.1, 0.5), Detection(0.1, 0.1, 0.5)
    inject, remove = Injection("inject", (1, 2, 3)), Injection("remove", (1, 2, 3))
    assert warning_words(AttackVerdict(remove, "lung", seen)) == ""
    assert "none to remove" in warning_words(AttackVerdict(remove, "lung", unseen))
    assert "no success" in warning_words(AttackVerdict(inject, "lung", seen))
    assert "outside the body" in warning_words(AttackVerdict(inject, "outside the body", unseen))


def test_a_detection_that_comes_later_leaves_row_and_voxel_as_the_user_chose_them(dock, settle):
    attack = dock.sections["attack"]
    dock.workspace.attacking.attack("inject", PLACE)
    dock.workspace.attacking.attack("inject", OTHER)
    attack.list.setCurrentRow(0)
    attack.voxel_boxes.show_voxel((9, 9, 9))
    settle(dock)
    assert "Detector" in row(dock, 1)
    assert attack.list.currentRow() == 0
    assert attack.voxel_boxes.voxel == (9, 9, 9)


def test_the_verdict_follows_an_attack_in_the_list_and_in_the_message(dock, settle):
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert row(dock).splitlines() == [
        "1. Inject at z 20, y 45, x 34",
        "Detector before: no nodule (0.00), attacked original: nodule (1.00)",
    ]
    message = dock.message.text.text()
    assert (
        message
        == "1. Inject at z 20, y 45, x 34 · detector before: no nodule (0.00), attacked original: nodule (1.00)."
    )
    dock.workspace.attacking.attack("remove", PLACE)
    settle(dock)
    assert row(dock, 0).endswith("attacked original: nodule (1.00)")
    assert row(dock, 1).endswith("before: nodule (1.00), attacked original: no nodule (0.00)")


def test_a_warning_stays_beside_what_is_said_next_and_goes_with_its_attack(dock, settle):
    dock.workspace.attacking.attack("remove", PLACE)
    settle(dock)
    assert "none to remove" in dock.message.text.text()
    assert row(dock).startswith("⚠")
    dock.workspace.messages.say("Something else.")
    assert "none to remove" in dock.message.earlier.text()
    dock.sections["attack"].undo_button.click()
    settle(dock)
    assert dock.message.text.text() == "1 attack taken back."
    assert dock.message.earlier.text() == ""
    assert any("none to remove" in line for line in dock.workspace.messages.kept)


def test_the_verdict_compares_both_versions_whichever_is_shown(make_dock, scan, settle):
    def shield(volume, options, progress):
        from napari_mits_gan.ct.volume import Step

        return volume.with_hu(volume.hu + 1, Step("protection", {"method": options.method}))

    class FoiledByProtection(Attacker):
        name, action, family = "foiled", "inject", "foiled"

        def touched(self, at, spacing):
            return box_of_mm(at, 16.0, spacing)

        def paint(self, volume, at):
            box = self.touched(at, volume.spacing).inside(volume.shape)
            value = 40 if volume.hu[at] % 2 == base.hu[at] % 2 else -700
            return Painted(box, np.full(box.shape, value, dtype=np.int16))

    base = scan
    dock = make_dock(scan, protector=shield, load_attacker=lambda action, device: FoiledByProtection())
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    assert row(dock).endswith("attacked original: nodule (1.00)")
    dock.sections["protect"].protect_button.click()
    settle(dock)
    both = row(dock).splitlines()
    assert both[1].endswith("attacked original: nodule (1.00), attacked protected: no nodule (0.01)")
    assert both[2].endswith(", disrupted")
    assert "attacked protected: no nodule" in dock.message.text.text()
    dock.header.switch.click()
    settle(dock)
    assert row(dock).splitlines() == both


def test_undo_keeps_the_detections_of_those_that_stay(dock, settle):
    dock.workspace.attacking.attack("inject", PLACE)
    dock.workspace.attacking.attack("inject", OTHER)
    settle(dock)
    before = row(dock)
    assert "Detector" in before
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
    assert dock.workspace.judging.verdicts[0].core_hu_original > -200
