from __future__ import annotations

import numpy as np

from napari_mits_gan.inspection.peaks import peaks


def test_each_peak_counts_once_highest_first():
    values = np.zeros((10, 30, 30), np.float32)
    values[5, 10, 10], values[5, 11, 10], values[5, 25, 25] = 9, 8, 12
    assert peaks(values, 7, 5.0, (2.0, 1.0, 1.0)) == [((5, 25, 25), 12.0), ((5, 10, 10), 9.0)]


def test_distances_are_in_mm():
    values = np.zeros((10, 10, 10), np.float32)
    values[2, 5, 5], values[4, 5, 5] = 9, 8
    assert len(peaks(values, 1, 5.0, (3.0, 1.0, 1.0))) == 2
    assert len(peaks(values, 1, 5.0, (2.0, 1.0, 1.0))) == 1


def test_no_more_than_asked_for():
    assert len(peaks(np.ones((1, 20, 20), np.float32), 0.5, 2.0, (1.0, 1.0, 1.0), most=3)) == 3
