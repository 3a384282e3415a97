"""What became of each attack, without a window."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from napari_mits_gan.attack.contract import Attacker, Painted, box_of_mm
from napari_mits_gan.ct.anatomy import Anatomy, keep_anatomy
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.session import Networks, Session
from napari_mits_gan.session.analysis import detections
from napari_mits_gan.session.attack_verdicts import COLUMNS, attack_verdicts, to_csv

LUNG, HEART = (20, 20, 20), (20, 20, 44)


class Paints(Attacker):
    """Paints 60 HU where the scan is even at the site, else -700: one HU of change foils it."""

    name, action, family = "paints", "inject", "paints"

    def touched(self, at, spacing):
        return box_of_mm(at, 16.0, spacing)

    def paint(self, volume, at):
        box = self.touched(at, volume.spacing).inside(volume.shape)
        return Painted(box, np.full(box.shape, -700 if volume.hu[at] % 2 else 60, dtype=np.int16))


class Bright:
    threshold = 0.5

    def scores(self, volume, places):
        return np.array([float(volume.hu[at] > 0) for at in places])


@pytest.fixture
def session():
    hu = np.full((40, 64, 64), -800, dtype=np.int16)
    scan = CTVolume(hu, (1.0, 1.0, 1.0))
    lungs, body = np.zeros(hu.shape, bool), np.ones(hu.shape, bool)
    lungs[:, 2:, :32] = True
    body[:, :2] = False
    keep_anatomy(scan, Anatomy(lungs, body, np.zeros(hu.shape, bool)))
    made = Session(Networks(lambda action, device: Paints(), lambda device: Bright()))
    made.open(scan)
    made.accept_protected(scan.with_hu(hu + np.int16(1), Step("protection", {"method": "m", "max_change_hu": 1})))
    for at in (LUNG, HEART, (20, 0, 20)):
        made.add_injection("inject", at)
    return made


def test_each_attack_is_compared_on_both_versions(session):
    for version in ("original", "protected"):
        detections(session, version)
    first, second, third = attack_verdicts(session)
    assert (first.place, second.place, third.place) == ("lung", "outside the lungs", "outside the body")
    assert (first.original.seen, first.protected.seen) == (True, False)
    assert (first.core_hu_original, first.core_hu_protected) == (60, -700)
    assert first.disrupted is True
    assert first.deviation == pytest.approx((760 / 1400) ** 2, rel=1e-3)
    assert (first.found, first.healed) == (None, None)


def test_the_table_has_a_line_for_each_and_leaves_open_what_is_not_known(session):
    rows = list(csv.DictReader(io.StringIO(to_csv(attack_verdicts(session)))))
    assert tuple(rows[0]) == COLUMNS
    assert [row["number"] for row in rows] == ["1", "2", "3"]
    assert rows[0]["disrupted"] == "yes"
    assert rows[0]["score_original"] == ""
    assert rows[0]["found"] == ""


def test_what_is_computed_of_an_attack_is_computed_once(session, monkeypatch):
    attack_verdicts(session)
    monkeypatch.setattr(Paints, "paint", lambda *_: pytest.fail("painted again"))
    attack_verdicts(session)
