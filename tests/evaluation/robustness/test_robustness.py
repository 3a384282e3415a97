import math

import numpy as np
import pytest

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, Cancelled, ProtectionError
from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
from napari_mits_gan.evaluation.disruption.controls import control
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, Disruption
from napari_mits_gan.evaluation.reports.robustness import robustness_table
from napari_mits_gan.evaluation.robustness.purifiers import PURIFIERS, purify
from napari_mits_gan.evaluation.robustness.robustness import UNPURIFIED, WORST, Robustness, purify_at, robustness
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks


@pytest.fixture(scope="module")
def protected(small_chest):
    return control(small_chest, "slice-shift", 40.0)


@pytest.fixture(scope="module")
def sites(small_chest):
    # One of them at the scan's border, where less of it is to be had.
    return [*random_lung_clicks(small_chest, 3, seed=2), (20, 32, 4)]


@pytest.fixture(scope="module")
def purified(small_chest, protected, sites):
    return purify_at(small_chest, protected, sites, seed=5)


@pytest.fixture(scope="module")
def found(attackers, purified):
    return robustness(attackers["inject"], purified)


FIGURES = Robustness(
    unpurified=(0.02, 0.03, 0.001, 0.05),
    purified={"blur-1": (0.01, 0.02, 0.002, 0.04), "median-3": (0.015, 0.0, 0.0005, 0.06)},
)


def _deviations(attacker, changed, original, sites):
    cores = (inpainted_cores(attacker, volume, sites) for volume in (changed, original))
    return Disruption.between(*cores).deviations


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_unpurified_figures_are_those_of_the_evaluation(small_chest, protected, sites, purified, attackers, action):
    expected = _deviations(attackers[action], protected, small_chest, sites)
    assert min(expected) > 0
    np.testing.assert_allclose(robustness(attackers[action], purified).unpurified, expected, rtol=1e-3)


@pytest.mark.parametrize("name", ["dicom", "resample-1mm", "blur-1", "median-3", "denoiser"])
def test_purifying_around_the_places_gives_what_purifying_the_whole_scan_gives(
    small_chest, protected, sites, found, attackers, name
):
    whole = [purify(volume, name) for volume in (protected, small_chest)]
    expected = _deviations(attackers["inject"], *whole, sites)
    np.testing.assert_allclose(found.purified[name], expected, rtol=0.02)


def test_both_versions_get_the_same_noise_and_every_place_another(small_chest, protected):
    # Two sites with the same surroundings, so that only the draw differs.
    flat = CTVolume(np.full((40, 40, 40), -850, dtype=np.int16), (2.0, 2.0, 2.0))
    pieces = purify_at(flat, flat, [(20, 20, 20), (20, 20, 20)], purifiers=["noise-25"]).found["noise-25"]
    assert all(np.array_equal(piece.original, piece.protected) for piece in pieces)
    assert not np.array_equal(pieces[0].original, pieces[1].original)
    assert pieces[0].original.std() == pytest.approx(25, rel=0.1)


def test_every_purifier_has_a_figure_at_every_place(found, sites):
    assert found.rows == (UNPURIFIED, *PURIFIERS, WORST)
    for row in found.rows:
        assert found.deviations(row).shape == (len(sites),)
    assert found.purified["dicom"] == pytest.approx(found.unpurified, rel=1e-6)


def test_the_worst_is_at_each_place_the_smallest(found):
    for figures in (found, FIGURES):
        worst = figures.deviations(WORST)
        for row in figures.rows:
            assert (worst <= figures.deviations(row)).all()
            assert figures.median(WORST) <= figures.median(row)
            assert figures.proportion_disrupted(WORST) <= figures.proportion_disrupted(row)
    assert FIGURES.deviations(WORST).tolist() == [0.01, 0.0, 0.0005, 0.04]


def test_shares_and_what_is_kept_of_them():
    assert FIGURES.proportion_disrupted(UNPURIFIED) == 0.75
    assert FIGURES.proportion_disrupted("blur-1") == 0.5
    assert FIGURES.proportion_kept("blur-1") == pytest.approx(2 / 3)
    assert FIGURES.median("blur-1") == pytest.approx(0.015)
    assert FIGURES.median_kept("blur-1") == pytest.approx(0.015 / 0.025)
    assert FIGURES.proportion_kept(WORST) == pytest.approx(1 / 3)
    assert FIGURES.proportion_kept(UNPURIFIED) == FIGURES.median_kept(UNPURIFIED) == 1
    for value, interval in (
        (FIGURES.proportion_disrupted, FIGURES.proportion_disrupted_interval),
        (FIGURES.proportion_kept, FIGURES.proportion_kept_interval),
        (FIGURES.median, FIGURES.median_interval),
        (FIGURES.median_kept, FIGURES.median_kept_interval),
    ):
        low, high = interval("blur-1")
        assert low <= value("blur-1") <= high
        assert low < high


def test_nothing_is_kept_of_nothing():
    none = Robustness((0.001, 0.002), {"blur-1": (0.02, 0.001)})
    assert math.isnan(none.proportion_kept("blur-1"))
    assert all(math.isnan(end) for end in none.proportion_kept_interval("blur-1"))
    assert none.median_kept("blur-1") == pytest.approx(7)
    assert robustness_table({"inject": none}).rows[1][-2:] == ("–", "–")


def test_pooling_joins_the_places():
    pooled = Robustness.pooled([FIGURES, FIGURES])
    assert pooled.unpurified == FIGURES.unpurified * 2
    assert pooled.purified["median-3"] == FIGURES.purified["median-3"] * 2
    assert pooled.proportion_kept(WORST) == FIGURES.proportion_kept(WORST)
    with pytest.raises(ValueError, match="same purifiers"):
        Robustness.pooled([FIGURES, Robustness((0.1,), {"blur-1": (0.1,)})])
    with pytest.raises(ValueError, match="at least one"):
        Robustness.pooled([])


def test_the_table_has_a_row_for_each_attacker_and_purifier():
    table = robustness_table({"inject": FIGURES, "remove": FIGURES})
    assert len(table.rows) == 8
    assert table.rows[0][0] == "inject, unpurified"
    assert table.rows[0][5:] == ("", "", "", "")
    assert table.rows[1] == robustness_table({"inject": FIGURES}).rows[1]
    first = dict(zip(("name", "median", "interval", "over"), table.rows[1][:4], strict=True))
    assert first == {"name": "inject, blur-1", "median": "0.01500", "interval": first["interval"], "over": "50 %"}
    assert table.rows[1][5] == "60 %"
    assert table.rows[1][7] == "67 %"
    assert table.rows[-1][0] == f"remove, {WORST}"
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_work_is_told_and_can_be_cancelled(small_chest, protected, sites, attackers):
    told = []
    some = purify_at(
        small_chest, protected, sites, purifiers=["dicom", "blur-1"], progress=lambda *done: told.append(done)
    )
    assert told == sorted(told)
    assert told[-1] == (8, 8)

    def stop(done: int, total: int, /) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        purify_at(small_chest, protected, sites, purifiers=["blur-1"], progress=stop)
    with pytest.raises(Cancelled):
        robustness(attackers["inject"], some, progress=stop)


def test_what_cannot_be_purified_is_refused_in_a_sentence(small_chest, protected, sites):
    with pytest.raises(AttackError, match="no purifier called 'wash'"):
        purify_at(small_chest, protected, sites, purifiers=["blur-1", "wash"])
    other = CTVolume(small_chest.hu[1:], small_chest.spacing)
    with pytest.raises(ProtectionError, match="other voxel positions"):
        purify_at(small_chest, other, sites)


def test_the_threshold_itself_is_not_disrupted_and_nothing_is_kept_where_none_is():
    found = Robustness((DISRUPTED_ABOVE, 0.02), {"blur-1": (DISRUPTED_ABOVE, 0.01)})
    assert found.proportion_disrupted(UNPURIFIED) == 0.5
    assert found.proportion_disrupted("blur-1") == found.proportion_kept("blur-1") == 0.0
    assert Robustness.pooled([found]) == found
