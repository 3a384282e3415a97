"""The budget: what is asked for is rounded, cut and masked; nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.protection.budget import MOST_HU, apply_within_budget, checked_budget


@pytest.mark.parametrize("budget", [1, 20, 200, 20.0, np.int64(7)])
def test_whole_numbers_up_to_200_are_budgets(budget):
    assert checked_budget(budget) == budget
    assert type(checked_budget(budget)) is int
    assert MOST_HU == 200


@pytest.mark.parametrize("budget", [0, -1, 201, 0.5, 20.5, float("nan"), float("inf")])
def test_nothing_else_is_one(budget):
    with pytest.raises(ProtectionError, match="a whole number from 1 to 200 HU; it is"):
        checked_budget(budget)


@pytest.mark.filterwarnings("error")
def test_a_change_is_rounded_and_cut_to_the_budget_where_it_is_allowed():
    hu = np.array([[-1000, -800, 0, 40], [40, 40, 40, 40]], dtype=np.int16)
    asked = np.array([[0.4, 0.6, -2.6, 3.4], [3.6, 99.0, -99.0, -99.0]])
    allowed = np.array([[True, True, True, True], [True, True, True, False]])
    found = apply_within_budget(hu, asked, 3, allowed)
    assert found.dtype == np.int16
    assert found.tolist() == [[-1000, -799, -3, 43], [43, 43, 37, 40]]


def test_values_at_the_ends_of_what_can_be_stored_do_not_turn_over():
    ends = np.array([32767, 32760, -32768, -32760], dtype=np.int16)
    change = np.array([9.0, 9.0, -9.0, -9.0])
    found = apply_within_budget(ends, change, 9, np.ones(4, dtype=bool))
    assert found.tolist() == [32767, 32767, -32768, -32768]
