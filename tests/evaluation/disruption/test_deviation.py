import math

import numpy as np
import pytest

from napari_mits_gan.evaluation.disruption.attacked_sites import InpaintedCores
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, Disruption, deviation


def _cores(normalised: list[float], before_hu: list[int], after_hu: list[int]) -> InpaintedCores:
    return InpaintedCores(
        np.stack([np.full((20, 20, 20), v, dtype=np.float32) for v in normalised]),
        tuple(np.full((8, 28, 28), v, dtype=np.int16) for v in before_hu),
        tuple(np.full((8, 28, 28), v, dtype=np.int16) for v in after_hu),
    )


def test_deviation_is_the_mean_squared_difference_of_each_core():
    original = np.zeros((3, 20, 20, 20))
    changed = original.copy()
    changed[1] = 0.5
    changed[2, :10] = -0.2
    np.testing.assert_allclose(deviation(changed, original), [0.0, 0.25, 0.02])


def test_black_for_white_deviates_by_one():
    assert deviation(np.full((1, 2, 2, 2), 0.5), np.full((1, 2, 2, 2), -0.5)).tolist() == [1.0]


def test_cores_of_different_places_are_refused():
    with pytest.raises(ValueError, match="shape"):
        deviation(np.zeros((2, 4, 4, 4)), np.zeros((3, 4, 4, 4)))
    with pytest.raises(ValueError, match="shape"):
        deviation(np.zeros((4, 4, 4)), np.zeros((4, 4, 4)))


def test_figures_of_hand_made_cores():
    original = _cores([0.0, 0.0, 0.0, 0.0], [-850] * 4, [0] * 4)
    changed = _cores([0.1, 0.2, 0.3, 0.4], [-840, -860, -840, -860], [30, -30, 50, -50])
    found = Disruption.between(changed, original)
    assert found.deviations == pytest.approx((0.01, 0.04, 0.09, 0.16))
    assert found.median == pytest.approx(0.065)
    assert found.proportion_disrupted == 0.75
    assert found.tampered_rms_hu == (30, 30, 50, 50)
    assert found.change_rms_hu == (10, 10, 10, 10)
    assert found.tampered_hu == pytest.approx(math.sqrt((2 * 900 + 2 * 2500) / 4))
    assert found.gain == pytest.approx(math.sqrt(1700) / 10)
    assert (found.core_mean_hu, found.original_core_mean_hu) == ((30, -30, 50, -50), (0, 0, 0, 0))
    low, high = found.median_interval
    assert min(found.deviations) <= low <= found.median <= high <= max(found.deviations)


def test_the_threshold_itself_is_not_disrupted():
    figures = (1.0, 1.0)
    found = Disruption((DISRUPTED_ABOVE, DISRUPTED_ABOVE * 1.001), figures, figures, figures, figures)
    assert found.proportion_disrupted == 0.5


def test_an_attack_on_the_same_scan_is_not_disrupted():
    cores = _cores([0.3], [-850], [20])
    found = Disruption.between(cores, cores)
    assert (found.median, found.proportion_disrupted, found.gain) == (0.0, 0.0, 0.0)


def test_pooling_puts_the_places_of_scans_with_other_voxels_together():
    thick = Disruption.between(_cores([0.1], [-840], [30]), _cores([0.0], [-850], [0]))
    thin = Disruption((0.5,), (100.0,), (10.0,), (5.0,), (6.0,))
    pooled = Disruption.pooled([thick, thin])
    assert pooled.deviations == pytest.approx((0.01, 0.5))
    assert pooled.tampered_hu == pytest.approx(math.sqrt((900 + 10000) / 2))
    assert pooled.original_core_mean_hu == (0.0, 6.0)


def test_core_means_are_means():
    cores = _cores([0.0], [-850], [0])
    core = np.zeros((2, 2, 2), dtype=np.int16)
    core[0, 0, 0] = 80
    uneven = InpaintedCores(cores.normalised, cores.before_hu, (core,))
    assert Disruption.between(uneven, uneven).core_mean_hu == (10.0,)
    assert Disruption.between(uneven, uneven).original_core_mean_hu == (10.0,)


def test_the_score_of_the_threshold_counts_as_seen():
    figures = (1.0, 1.0)
    found = Disruption(figures, figures, figures, figures, figures, (0.5, 0.49), (0.49, 0.4), seen_from=0.5)
    assert (found.seen, found.seen_original) == (0.5, 0.0)
    again = Disruption(figures, figures, figures, figures, figures, (0.4, 0.49), (0.5, 0.5), seen_from=0.5)
    assert (again.seen, again.seen_original) == (0.0, 1.0)
    assert Disruption.pooled([found]) == found


def test_a_result_that_differs_without_a_change_has_an_infinite_gain():
    assert Disruption((0.1,), (0.5,), (0.0,), (0.0,), (0.0,)).gain == math.inf
