from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.measures.minimum_budget import MinimumBudget
from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE

BUDGETS = (10, 20, 40, 80)


def growing(needed: float) -> list[float]:
    """Deviations that grow with the square of the budget and reach the threshold at `needed`."""
    return [DISRUPTED_ABOVE * (b / needed) ** 2 for b in BUDGETS]


def test_between_two_budgets_it_is_found_on_the_curve():
    found = MinimumBudget(BUDGETS, np.array([growing(27.0), growing(63.5)]))
    assert found.needed_hu == pytest.approx([27.0, 63.5])


def test_95_of_100_places_have_to_be_disrupted():
    found = MinimumBudget(BUDGETS, np.array([growing(15.0)] * 95 + [growing(70.0)] * 5))
    assert found.hu == pytest.approx(15.0)
    found = MinimumBudget(BUDGETS, np.array([growing(15.0)] * 94 + [growing(70.0)] * 6))
    assert found.hu == pytest.approx(70.0)


def test_where_no_budget_is_enough_it_is_infinite():
    found = MinimumBudget(BUDGETS, np.array([growing(15.0)] * 3 + [growing(500.0)]))
    assert math.isinf(found.hu)
    low, high = found.interval
    assert low == pytest.approx(15.0)
    assert math.isinf(high)


def test_a_place_counts_from_where_it_stays_disrupted():
    found = MinimumBudget(BUDGETS, np.array([[0.02, 0.001, 0.001, 0.1]]))
    assert 40 < found.hu < 80


def test_the_least_that_was_tried_is_the_least_that_is_told():
    assert MinimumBudget(BUDGETS, np.array([growing(2.0)])).hu == 10


def test_scans_are_pooled():
    parts = [MinimumBudget(BUDGETS, np.array([growing(n)])) for n in (15.0, 30.0)]
    assert MinimumBudget.pooled(parts).needed_hu == pytest.approx([15.0, 30.0])


@pytest.mark.parametrize(("budgets", "shape"), [((20, 10), (2, 2)), ((), (2, 0)), ((10, 20), (2, 3)), ((10,), (0, 1))])
def test_what_does_not_fit_is_refused(budgets, shape):
    with pytest.raises(ValueError, match="must"):
        MinimumBudget(budgets, np.ones(shape))


def test_the_threshold_itself_is_not_disrupted():
    assert math.isinf(MinimumBudget((10, 20), np.array([[0.001, DISRUPTED_ABOVE]])).hu)


def test_one_scan_pooled_is_that_scan():
    one = MinimumBudget(BUDGETS, np.array([growing(15.0)]))
    assert MinimumBudget.pooled([one]).hu == one.hu
