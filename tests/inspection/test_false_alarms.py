from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.inspection.false_alarms import Tail


def test_a_fitted_tail_is_that_of_the_scores():
    scores = 5 + np.random.default_rng(0).exponential(1 / 2.0, 4000)
    tail = Tail.fit(scores)
    assert tail.slope == pytest.approx(2.0, rel=0.1)
    for score in (6.5, 7.5):
        assert tail.false_alarms_per_scan(score) == pytest.approx(np.mean(scores >= score), rel=0.35)


def test_the_score_of_a_rate_has_that_rate():
    tail = Tail(7.0, 0.1, 1.7)
    assert tail.false_alarms_per_scan(tail.score_at(0.003)) == pytest.approx(0.003)
    assert tail.score_at(0.1) == pytest.approx(7.0)
    assert tail.false_alarms_per_scan(9) < tail.false_alarms_per_scan(8)
