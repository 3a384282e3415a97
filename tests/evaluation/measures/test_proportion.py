import math

import pytest

from napari_mits_gan.evaluation.measures.proportion import Share


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    # Newcombe, Statistics in Medicine 17, 857-872, 1998, table I (score method).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(found, of, low, high):
    assert Share(found, of).interval == pytest.approx((low, high), abs=1e-4)


def test_it_counts_what_is_true():
    share = Share.among([True, False, True, True])
    assert (share.found, share.of, share.value) == (3, 4, 0.75)
    assert str(share) == "3 of 4, 75 % (30 – 95)"


def test_nothing_of_nothing_has_no_value():
    assert math.isnan(Share(0, 0).value)
    assert str(Share(0, 0)) == "–"
