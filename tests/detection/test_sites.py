from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chest_with_balls import BALLS, NEAR_MM, chest, distance_mm, with_balls
from napari_mits_gan.ct.annotations import nodules_beside
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.detector import NoduleDetector
from napari_mits_gan.detection.sites import injection_sites, removal_sites
from napari_mits_gan.errors import AttackError, Cancelled


class BrightBall:
    """Sees a nodule where 9 mm around a voxel are tissue and most beyond 12 mm is not."""

    threshold = 0.5

    def __init__(self) -> None:
        self.asked = 0

    def scores(self, volume: CTVolume, voxels) -> np.ndarray:
        self.asked += len(voxels)
        return np.array([self._score(volume, at) for at in voxels])

    @staticmethod
    def _score(volume: CTVolume, at) -> float:
        def bright(reach_mm: float) -> float:
            region = tuple(
                slice(max(0, a - round(reach_mm / s)), a + round(reach_mm / s) + 1)
                for a, s in zip(at, volume.spacing, strict=True)
            )
            return float((volume.hu[region] > -300).mean())

        return float(np.clip(bright(2.5) - bright(14.0), 0, 1))


@pytest.fixture(scope="module")
def nodular() -> CTVolume:
    return with_balls(chest(), BALLS)


# ---- injection


def test_injections_are_suggested_in_clear_lung_on_both_sides(nodular):
    sites = injection_sites(nodular, 8)
    assert len(sites) == 8
    assert [site.score for site in sites] == sorted((site.score for site in sites), reverse=True)
    assert {site.at[2] > 110 for site in sites} == {False, True}
    for site in sites:
        assert site.action == "inject"
        assert 0.5 < site.score <= 1
        core = tuple(
            slice(a - round(6 / s), a + round(6 / s) + 1) for a, s in zip(site.at, nodular.spacing, strict=True)
        )
        assert (nodular.hu[core] > -600).mean() < 0.03
        others = [distance_mm(nodular, site.at, other.at) for other in sites if other is not site]
        assert min(others) >= 15


def test_the_same_seed_suggests_the_same_places(nodular):
    assert injection_sites(nodular, 5, seed=3) == injection_sites(nodular, 5, seed=3)
    assert injection_sites(nodular, 1) == injection_sites(nodular, 1)


def test_no_injection_is_suggested_where_the_detector_finds_a_nodule(nodular):
    class LeftIsIll(BrightBall):
        def scores(self, volume, voxels):
            return np.array([0.9 if at[2] < 110 else 0.1 for at in voxels])

    sites = injection_sites(nodular, 5, detector=LeftIsIll())
    assert sites
    assert all(site.at[2] >= 110 and site.score <= 0.9 for site in sites)


@settings(max_examples=5, deadline=None)
@given(
    st.tuples(st.floats(1.0, 6.0), st.floats(0.6, 2.0), st.floats(0.6, 2.0)),
    st.integers(0, 1000),
)
def test_the_whole_cuboid_of_every_suggested_injection_lies_inside_the_scan(spacing, seed):
    volume = chest(spacing)
    sites = injection_sites(volume, 6, seed=seed)
    assert sites
    for site in sites:
        for at, n, step in zip(site.at, volume.shape, spacing, strict=True):
            assert at * step >= 16
            assert (n - 1 - at) * step >= 16


# ---- removal


def test_removals_are_suggested_once_for_each_nodule_surest_first(nodular):
    detector = BrightBall()
    sites = removal_sites(nodular, detector=detector)
    assert len(sites) == len(BALLS)
    assert all(site.action == "remove" and 0 < site.score <= 1 for site in sites)
    assert (detector.scores(nodular, [site.at for site in sites]) >= detector.threshold).all()
    detector.asked -= len(sites)
    assert [site.score for site in sites] == sorted((site.score for site in sites), reverse=True)
    assert detector.asked <= 200
    for site in sites:
        assert any(distance_mm(nodular, site.at, np.divide(c, nodular.spacing)) < NEAR_MM for c in BALLS)
    assert removal_sites(nodular, 1, detector=detector) == sites[:1]


def test_nothing_is_suggested_for_removal_in_a_healthy_scan():
    assert removal_sites(chest(), detector=BrightBall()) == []


# ---- both


def test_the_search_can_be_stopped(nodular):
    for search in (injection_sites, removal_sites):
        told = []

        def stop(done: int, total: int, told: list = told) -> None:
            told.append((done, total))
            if len(told) == 4:
                raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            search(nodular, detector=BrightBall(), progress=stop)
        assert all(0 <= done <= total for done, total in told)


def test_scans_without_room_or_lungs_are_refused(nodular):
    no_lung = replace(nodular, hu=np.full(nodular.shape, 40, dtype=np.int16))
    thin = replace(nodular, hu=nodular.hu[:10].copy())
    for search in (injection_sites, removal_sites):
        with pytest.raises(AttackError, match="no lung was found"):
            search(no_lung, detector=BrightBall())
        with pytest.raises(AttackError, match="25 mm thick"):
            search(thin, detector=BrightBall())
        with pytest.raises(AttackError, match="0 sites"):
            search(nodular, 0, detector=BrightBall())


def test_the_nodules_of_real_scans_are_among_the_first_to_be_removed(shared_ct, real_scan):
    detector = NoduleDetector.load(device="cpu")
    for name, wanted in (("LIDC-IDRI-0001", 1), ("LIDC-IDRI-0003.nii.gz", 3)):
        scan = real_scan(name)
        sites = removal_sites(scan, 10, detector=detector)
        ranks = [
            next((rank for rank, site in enumerate(sites) if distance_mm(scan, site.at, nodule.at) < reach), None)
            for nodule in nodules_beside(shared_ct / name, scan)
            if (reach := max(6.0, nodule.diameter_mm / 2))
        ]
        assert sum(rank is not None for rank in ranks) >= wanted
