from __future__ import annotations

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest

import napari_mits_gan as mg
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import Cancelled, InspectionError
from napari_mits_gan.inspection.contract import Trace
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.inspect import inspect
from napari_mits_gan.inspection.outline import Outline
from noisy_chest import make_lung_block, told_to_be_lung

SITE = (22, 60, 75)


@pytest.fixture(scope="module")
def lung():
    return make_lung_block()


@pytest.fixture(scope="module")
def tampered(lung):
    return told_to_be_lung(replace(mg.CTGAN.load("remove", "cpu").tamper(lung, SITE), origin=(5.0, -7.0, 11.0)))


TAIL = Tail(5.0, 0.1, 1.0)


@dataclass(frozen=True)
class Fixed:
    """A method that notices the same in every scan."""

    found: tuple[Trace, ...]
    name: str = "fixed"
    share: float = 1.0

    def traces(self, scan, *, progress):
        return self.found

    def not_seen(self, scan):
        return None

    def false_alarms_per_scan(self, score):
        return TAIL.false_alarms_per_scan(score)


def test_a_removal_is_told_with_its_place_in_voxels_and_mm(tampered):
    found = mg.inspect(tampered)
    first = found.findings[0]
    assert first.at == SITE
    assert first.world_mm == tampered.world_from_voxel(SITE)
    assert first.false_alarms_per_scan < 1e-4
    assert found.headline.startswith("1 trace of tampering found")
    assert "z 22, y 60, x 75" in found.text()
    assert json.loads(json.dumps(found.as_json()))["findings"][0]["voxel_zyx"] == list(SITE)


def test_evidence_lies_on_the_scans_grid_where_the_finding_is(tampered):
    evidence = mg.inspect(tampered).evidence()
    assert evidence.shape == tampered.shape
    assert evidence[SITE] > 4
    assert evidence[0, 0, 0] == 0
    assert 0 < (evidence > 0).mean() < 0.3


def test_nothing_found_is_never_called_authentic(lung):
    found = inspect(lung)
    assert not found.found
    assert "does not show that there is none" in found.headline
    assert "authentic" not in found.text() + json.dumps(found.as_json())
    assert "Not seen:" in found.text()
    assert not found.evidence().any()


def test_findings_are_ordered_and_limited_by_their_false_alarms(lung):
    weak, strong = (Trace((5, 50, x), "copied noise", score, "Here.", 5.0) for x, score in ((20, 8.0), (80, 20.0)))
    method = Fixed((weak, strong))
    assert [f.score for f in inspect(lung, methods=[method]).findings] == [20.0, 8.0]
    assert [f.score for f in inspect(lung, methods=[method], false_alarms_per_scan=1e-4).findings] == [20.0]


def test_methods_share_the_false_alarms(lung):
    trace = Trace((5, 50, 20), "copied noise", 8.0, "Here.", 5.0)
    (alone,) = inspect(lung, methods=[Fixed((trace,))]).findings
    methods = [Fixed((trace,)), Fixed((), share=3.0)]
    (shared,) = inspect(lung, methods=methods, false_alarms_per_scan=0.1).findings
    assert shared.false_alarms_per_scan == pytest.approx(4 * alone.false_alarms_per_scan)


def test_what_two_methods_see_of_one_copy_is_one_finding(lung):
    here, there = (22, 60, 75), (22, 30, 30)
    sees = Fixed((Trace(here, "copied noise", 30.0, "Here.", 5.0, there),))
    unsure = Fixed(
        (
            Trace(there, "copied noise", 20.0, "There.", 5.0, here),
            Trace((40, 66, 20), "copied noise", 19.5, "As far.", 5.0, (40, 36, -25)),
            Trace((5, 20, 90), "copied noise", 19.0, "Elsewhere.", 5.0),
        )
    )
    assert [f.at for f in inspect(lung, methods=[sees, unsure]).findings] == [here, (5, 20, 90)]


def test_of_what_is_beyond_all_doubt_a_copy_comes_first(lung):
    unlike = Trace((22, 61, 80), "unlike noise", 99.0, "Here.", 5.0)
    copy = Trace((22, 60, 75), "copied noise", 50.0, "Here.", 5.0, (22, 30, 30))
    assert [f.at for f in inspect(lung, methods=[Fixed((unlike, copy))]).findings] == [copy.at]


def test_evidence_covers_the_outline_of_a_trace(lung):
    outline = Outline(Box((20, 50, 60), (2, 3, 4)), np.arange(24).reshape(2, 3, 4) % 2 == 0)
    trace = Trace((21, 51, 61), "copied noise", 20.0, "Here.", 5.0, outline=outline)
    covered = inspect(lung, methods=[Fixed((trace,))]).evidence() > 0
    assert covered.sum() == 12
    assert (covered[20:22, 50:53, 60:64] == outline.inside).all()


@pytest.mark.parametrize("rate", [0.0, -1.0, 2.0, float("nan")])
def test_a_rate_out_of_range_is_refused(lung, rate):
    with pytest.raises(InspectionError, match="out of range"):
        inspect(lung, false_alarms_per_scan=rate)


def test_a_scan_without_lungs_is_refused():
    with pytest.raises(InspectionError, match="no lung was found in 'block'"):
        inspect(CTVolume(np.full((30, 40, 40), 40, np.int16), (1.0, 1.0, 1.0), name="block"))


def test_too_few_slices_are_refused(lung):
    with pytest.raises(InspectionError, match="3 slices"):
        inspect(told_to_be_lung(replace(lung, hu=lung.hu[:3])))


def test_it_can_be_cancelled_and_tells_how_far_it_is(lung):
    told = []
    inspect(lung, progress=lambda done, total: told.append(done / total))
    assert told == sorted(told)
    assert told[-1] == 1

    def stop(done, total):
        if done / total > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        inspect(lung, progress=stop)
