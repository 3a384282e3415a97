"""Numbers of the values that a coarsely rescaled file can hold."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from napari_mits_gan.evidence.lattice import Lattice
from napari_mits_gan.evidence.seal import COUNTED_FROM_HU


@pytest.mark.parametrize("slope", [2.0, 3.3])
def test_a_threshold_lies_between_two_numbers(slope: float) -> None:
    lattice = Lattice(slope, -1024.0)
    for hu in COUNTED_FROM_HU:
        first = lattice.first_from(hu)
        assert first is not None
        below, above = lattice.hu(np.array([first - 1, first], np.int16))
        assert below < hu <= above


def test_a_whole_scan_is_numbered_as_its_single_values_are_without_a_wide_copy() -> None:
    lattice = Lattice(2.7, -1024.3)
    steps = np.random.default_rng(0).integers(-900, 1200, (32, 256, 256)).astype(np.int16)

    tracemalloc.start()
    hu = lattice.hu(steps)
    again = lattice.steps(hu)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (again == steps).all()
    assert (hu[5] == lattice.hu(steps[5].ravel()).reshape(256, 256)).all()
    assert peak < hu.nbytes + again.nbytes + 3_000_000
