"""Attacks judged at many sites: who is asked about what, and what the tables say."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.attack_quality_report import markdown
from benchmarks.measures.attack_quality import AttackQuality, attack_quality, healthy_lung_sites
from napari_mits_gan.attack.contract import Attacker, Painted
from napari_mits_gan.attack.cuboid import cuboid_shape
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.measures.nodule import core_mean

REAL = AnnotatedNodule((20.2, 30.4, 18.7), 10.0)


class Bright:
    """Calls a site a nodule where it is bright: all that these tests need of a detector."""

    name, threshold = "bright sites", 0.5

    def scores(self, volume, sites):
        return np.array([core_mean(volume, at) > -500 for at in sites], dtype=float)


class Eraser(Attacker):
    """A remover that leaves plain lung around the site."""

    name, action, family = "eraser", "remove", "eraser"

    def touched(self, at, spacing):
        return Box.around(at, cuboid_shape(spacing))

    def paint(self, volume, at):
        box = self.touched(at, volume.spacing).inside(volume.shape)
        return Painted(box, np.full(box.shape, -850))


@pytest.fixture(scope="module")
def quality(small_chest, attackers) -> AttackQuality:
    return attack_quality(small_chest, attackers["inject"], Eraser(), Bright(), annotated=[REAL], n=5, seed=1)


def test_places_keep_away_from_annotated_nodules(small_chest):
    spacing = np.array(small_chest.spacing)
    sites = healthy_lung_sites(small_chest, 20, seed=3, annotated=[REAL])
    assert len(set(sites)) > 15
    assert all(np.abs((np.array(at) - REAL.at) * spacing).max() > 16 + 5 for at in sites)
    assert sites == healthy_lung_sites(small_chest, 20, seed=3, annotated=[REAL])
    with pytest.raises(AttackError, match="fewer"):
        healthy_lung_sites(small_chest, 20, annotated=[AnnotatedNodule((20, 32, 32), 200.0)])


def test_every_attack_is_judged_before_and_after(quality):
    assert [len(a) for a in (quality.injected, quality.removed_drawn, quality.removed_real)] == [5, 5, 1]
    assert [a.at for a in quality.injected] == [a.at for a in quality.removed_drawn]
    assert quality.removed_real[0].at == (20, 30, 19)
    assert not any(a.found_before for a in quality.injected)
    drawn = quality.removed_drawn
    assert sum(a.found_before for a in drawn) >= 3
    assert not any(a.found_after for a in drawn)
    assert all(a.core_after_hu == pytest.approx(-850, abs=1) for a in drawn)
    assert all(a.healthy_core_hu < a.core_before_hu for a in drawn)


def test_what_was_drawn_is_measured(quality):
    diameters = quality.references("diameter_mm")
    assert 3 <= len(diameters) <= 6
    assert ((diameters > 3) & (diameters < 25)).all()


def test_the_report_tells_shares_figures_and_sources(quality):
    text = markdown([quality, quality])
    assert "together: injection | 0 of 10, 0 %" in text
    assert "together: removal, real nodules" in text
    assert "eraser" in text
    assert "bright sites" in text
    assert "nan" not in text.lower()
    assert text == markdown([quality, quality])
