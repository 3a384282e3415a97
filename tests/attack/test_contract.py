"""What every attacker may rely on, whatever it paints."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.attack.contract import Attacker, Painted, box_of_mm
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, MitsGanError
from soft_tissue_ball import SoftTissueBall

SPACING = (2.0, 1.0, 1.0)


class Constant(Attacker):
    """Fills a box with one value; a box beyond what it says it touches, if told."""

    name, action, family = "constant", "remove", "constant"

    def __init__(self, value: float, beyond: int = 0) -> None:
        self.value, self.beyond = value, beyond

    def touched(self, at, spacing):
        return Box.around(at, (3, 5, 5))

    def paint(self, volume, at):
        z, y, x = (n + self.beyond for n in (3, 5, 5))
        box = Box.around(at, (z, y, x)).inside(volume.shape)
        return Painted(box, np.full(box.shape, self.value))


@pytest.fixture
def scan() -> CTVolume:
    hu = np.random.default_rng(0).normal(-860, 20, (20, 30, 40)).round().astype(np.int16)
    hu[:, :4] = 40
    return CTVolume(hu, SPACING, name="a scan")


@settings(max_examples=40, deadline=None)
@given(at=st.tuples(st.integers(0, 19), st.integers(0, 29), st.integers(0, 39)))
def test_only_the_touched_box_changes_and_the_scan_stays(at):
    hu = np.random.default_rng(1).normal(-860, 20, (20, 30, 40)).round().astype(np.int16)
    hu[:, :4] = 40
    before = CTVolume(hu, SPACING)
    attacker = SoftTissueBall()
    after = attacker.tamper(before, at)
    changed = after.hu != before.hu
    outside = np.ones(changed.shape, bool)
    outside[attacker.touched(at, SPACING).inside(before.shape).slices()] = False
    assert changed[at] == (before.hu[at] != 40)
    assert not changed[outside].any()
    assert not before.is_tampered


def test_the_result_may_be_put_into_memory_that_is_there(scan):
    at, out = (4, 10, 10), np.full(scan.shape, 7, np.int16)
    into = Constant(50.0).tamper(scan, at, out=out)
    assert np.shares_memory(into.hu, out)
    np.testing.assert_array_equal(into.hu, Constant(50.0).tamper(scan, at).hu)


def test_the_result_is_labelled_and_says_who_attacked_where(scan):
    step = SoftTissueBall().tamper(scan, at=(5, 15, 20)).history[-1]
    assert step.kind == "attack"
    assert dict(step.parameters) == {
        "label": "SIMULATED ATTACK",
        "attack": "ball",
        "action": "inject",
        "at": [5, 15, 20],
        "attacker": "soft tissue, 6 mm",
    }


def test_the_result_is_never_written_as_dicom(scan, tmp_path):
    with pytest.raises(MitsGanError, match="simulated attack"):
        write_dicom(SoftTissueBall().tamper(scan, at=(5, 15, 20)), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_padding_stays(scan):
    padding = np.zeros(scan.shape, bool)
    padding[:, :, 20:] = True
    padded = dataclasses.replace(scan, padding=padding)
    after = Constant(0).tamper(padded, (5, 15, 20))
    np.testing.assert_array_equal(after.hu[padding], scan.hu[padding])
    assert (after.hu[5, 15, 18:20] == 0).all()


@pytest.mark.parametrize(("painted", "stored"), [(-12.4, -12), (0.5, 0), (1.5, 2), (1e6, 32767), (-1e6, -32768)])
def test_hu_are_rounded_and_clipped_to_int16(scan, painted, stored):
    assert Constant(painted).tamper(scan, (5, 15, 20)).hu[5, 15, 20] == stored


@pytest.mark.parametrize(
    ("at", "sentence"),
    [
        ((20, 0, 0), "outside the scan"),
        ((0, -1, 0), "outside the scan"),
        ((1.5, 2, 3), "not a voxel"),
        ((1, 2), "not a"),
    ],
)
def test_what_is_no_voxel_of_the_scan_is_refused(scan, at, sentence):
    with pytest.raises(AttackError, match=sentence):
        SoftTissueBall().tamper(scan, at)


def test_a_scan_thinner_than_an_attacker_needs_is_refused(scan):
    attacker = Constant(0)
    attacker.needed_mm = 35.0
    with pytest.raises(AttackError, match="30 mm thick along y, and an attack needs 35 mm"):
        attacker.tamper(scan, (5, 15, 20))


def test_an_attacker_that_paints_beyond_what_it_says_is_found_out(scan):
    with pytest.raises(ValueError, match="it may only touch"):
        Constant(0, beyond=2).tamper(scan, (5, 15, 20))


def test_several_sites_are_attacked_each_on_its_own(scan):
    sites = [(5, 15, 20), (6, 15, 20), (0, 0, 0)]
    for at, found in zip(sites, SoftTissueBall().attacks(scan, sites), strict=True):
        assert found.at == at
        np.testing.assert_array_equal(found.hu, SoftTissueBall().tamper(scan, at).hu[found.box.slices()])


@pytest.mark.parametrize("at", [(5, 15, 20), (0, 29, 0)])
def test_without_units_of_its_own_a_core_is_its_hu_in_a_window(scan, at):
    # -1000 to 400 HU become -0.5 to 0.5, so 50 HU are 0.25.
    core = Constant(50).cores([(scan, at)])[0]
    assert core.shape == (3, 5, 5)
    np.testing.assert_allclose(core, 0.25)
    np.testing.assert_allclose(Constant(2000).cores([(scan, at)])[0], 0.5)


def test_cores_compare_scans_by_what_is_left_of_an_attack(scan):
    # The attacker paints a ball; around it the core shows the scan, which is 14 HU brighter: a hundredth of the window.
    brighter = dataclasses.replace(scan, hu=scan.hu + np.int16(14))
    attacker, at = SoftTissueBall(), (10, 15, 20)
    original, protected = attacker.cores([(scan, at), (brighter, at)])
    np.testing.assert_allclose(protected - original, 0.01, atol=1e-5)


def test_a_box_in_mm_holds_the_voxels_whose_centres_lie_in_it():
    assert box_of_mm((10, 10, 10), 12.0, (2.5, 1.0, 0.7)) == Box((8, 4, 2), (5, 13, 17))
