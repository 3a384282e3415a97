import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from napari_mits_gan.evaluation.measures.fidelity import Fidelity, compare


def _lung_like(shape: tuple[int, int, int], seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-1000, 100, shape).astype(np.int16)


def test_equal_scans_differ_by_nothing():
    scan = _lung_like((3, 20, 20))
    assert compare(scan, scan.copy()) == Fidelity(max_change_hu=0.0, rms_hu=0.0, psnr_db=math.inf, ssim=1.0)


def test_figures_of_a_constant_shift_are_those_computed_by_hand():
    scan = np.full((2, 16, 16), -700, dtype=np.int16)
    found = compare(scan, scan + np.int16(10))
    assert (found.max_change_hu, found.rms_hu) == (10.0, 10.0)
    assert found.psnr_db == pytest.approx(20 * math.log10(409.5))
    c1 = (0.01 * 1500) ** 2
    assert found.ssim == pytest.approx((2 * 700 * 690 + c1) / (700**2 + 690**2 + c1))


def test_rms_and_largest_change_by_hand():
    scan = np.zeros((1, 2, 2), dtype=np.int16)
    changed = np.array([[[3, -4], [0, 0]]], dtype=np.int16)
    found = compare(scan, changed)
    assert (found.max_change_hu, found.rms_hu) == (4.0, 2.5)


def test_int16_differences_do_not_wrap_around():
    scan = np.full((1, 8, 8), -32768, dtype=np.int16)
    assert compare(scan, np.full_like(scan, 32767)).max_change_hu == 65535.0


def test_only_the_region_counts():
    scan = _lung_like((4, 20, 20))
    changed = scan.copy()
    changed[0] += 100
    changed[2, :10] += 7
    assert compare(scan, changed, region=(slice(2, 3), slice(0, 10), slice(None))).rms_hu == 7.0
    assert compare(scan, changed, region=(slice(2, 3), slice(10, 20), slice(None))).ssim == 1.0


def test_only_the_mask_counts_and_slices_without_it_are_left_out():
    scan = _lung_like((3, 20, 20))
    mask = np.zeros(scan.shape, dtype=bool)
    mask[1, 5:10, 5:10] = True
    changed = scan + np.where(mask, 5, 50).astype(np.int16)
    found = compare(scan, changed, mask=mask)
    assert (found.max_change_hu, found.rms_hu) == (5.0, 5.0)
    assert 0.0 < found.ssim < 1.0


def test_changes_outside_the_lung_window_do_not_lower_ssim():
    bone = np.full((1, 16, 16), 800, dtype=np.int16)
    assert compare(bone, bone + np.int16(40)).ssim == 1.0


def test_noise_lowers_ssim_more_than_half_the_noise():
    scan = _lung_like((1, 64, 64))
    noise = np.random.default_rng(1).normal(0, 60, scan.shape)
    assert compare(scan, scan + noise).ssim < compare(scan, scan + noise / 2).ssim < 1.0


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 9), (1, 2, 2), (1, 3, 3), (1, 4, 6), (1, 6, 40), (13, 46, 46)])
def test_small_regions_give_finite_figures(shape):
    scan = _lung_like(shape)
    found = compare(scan, scan + np.int16(20))
    assert found.rms_hu == 20.0
    assert 0.9 < found.ssim < 1.0


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 3), st.integers(1, 12), st.integers(1, 12)).flatmap(
        lambda shape: st.tuples(*[arrays(np.int16, shape, elements=st.integers(-2048, 3071))] * 2)
    )
)
def test_no_figure_is_ever_nan_and_the_order_of_the_scans_does_not_matter(pair):
    a, b = pair
    found, swapped = compare(a, b), compare(b, a)
    assert not any(math.isnan(v) for v in (found.max_change_hu, found.rms_hu, found.psnr_db, found.ssim))
    assert found.rms_hu <= found.max_change_hu
    assert -1.0 <= found.ssim <= 1.0
    assert found.ssim == pytest.approx(swapped.ssim, abs=1e-9)


@pytest.mark.parametrize(
    ("changed", "region", "mask"),
    [
        (np.zeros((1, 4, 5)), None, None),
        (np.zeros((4, 4)), None, None),
        (np.zeros((1, 4, 4)), (slice(0, 0), slice(None), slice(None)), None),
        (np.zeros((1, 4, 4)), None, np.zeros((1, 4, 4), dtype=bool)),
        (np.zeros((1, 4, 4)), None, np.ones((1, 4, 5), dtype=bool)),
    ],
)
def test_what_cannot_be_compared_is_refused(changed, region, mask):
    with pytest.raises(ValueError, match="compare"):
        compare(np.zeros((1, 4, 4)), changed, region=region, mask=mask)


def _by_formula(a: np.ndarray, b: np.ndarray, ddof: int) -> float:
    """SSIM of one window (Wang et al., 2004, equation 13): constants of 1 % and 3 % of the lung window's 1500 HU."""
    c1, c2 = 15.0**2, 45.0**2
    a, b = a.astype(float), b.astype(float)
    covariance = ((a - a.mean()) * (b - b.mean())).sum() / (a.size - ddof)
    luminance = (2 * a.mean() * b.mean() + c1) / (a.mean() ** 2 + b.mean() ** 2 + c1)
    return luminance * (2 * covariance + c2) / (a.var(ddof=ddof) + b.var(ddof=ddof) + c2)


def test_the_similarity_of_four_voxels_by_hand():
    a = np.array([[[20, -20], [-40, 0]]], dtype=np.int16)  # mean -10, variance 500
    b = np.array([[[-10, -30], [-50, -30]]], dtype=np.int16)  # mean -30, variance 200; covariance 300
    by_hand = (2 * 10 * 30 + 225) / (10**2 + 30**2 + 225) * (2 * 300 + 2025) / (500 + 200 + 2025)
    assert compare(a, b).ssim == pytest.approx(by_hand)


@pytest.mark.parametrize("side", [3, 5, 7])
def test_the_similarity_of_one_window_by_its_formula(side):
    a, b = _lung_like((1, side, side), 1), _lung_like((1, side, side), 2)
    # In windows of 3 voxels and more covariances are those of a sample.
    expected = _by_formula(a.clip(-1350, 150), b.clip(-1350, 150), ddof=1)
    assert compare(a, b).ssim == pytest.approx(expected)


def test_the_similarity_of_a_mask_is_the_mean_over_windows_centred_in_it():
    a, b = _lung_like((1, 14, 14), 1), _lung_like((1, 14, 14), 2)
    mask = np.zeros(a.shape, dtype=bool)
    mask[0, 3, 3] = mask[0, 9, 10] = True
    windows = (slice(0, 7), slice(0, 7)), (slice(6, 13), slice(7, 14))
    expected = np.mean([_by_formula(a[0][w], b[0][w], ddof=1) for w in windows])
    assert compare(a, b, mask=mask).ssim == pytest.approx(expected)


def test_slices_are_averaged_and_an_unchanged_one_counts_as_one():
    a, b = _lung_like((2, 7, 7), 1), _lung_like((2, 7, 7), 2)
    b[0] = a[0]
    assert compare(a, b).ssim == pytest.approx((1 + _by_formula(a[1], b[1], ddof=1)) / 2)


def test_psnr_of_less_than_one_hu_is_finite():
    assert Fidelity.from_rms(max_change_hu=1.0, rms_hu=0.5, ssim=1.0).psnr_db == pytest.approx(20 * math.log10(8190))
