import dataclasses

import numpy as np
import pytest

from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import AttackError, TamperedVolumeError
from napari_mits_gan.evaluation.robustness.purifiers import PURIFIERS, jpeg2000, purify

EXPECTED = {
    "dicom",
    "resample-1mm",
    "blur-0.5",
    "blur-1",
    "median-3",
    "noise-10",
    "noise-25",
    "jpeg2000-5",
    "jpeg2000-10",
    "denoiser",
}


@pytest.fixture(scope="module")
def noisy_scan() -> CTVolume:
    """A sphere of tissue in lung with noise, 36 x 52 x 50 voxels of 1.25 x 0.7 x 0.8 mm, off the grid of whole mm."""
    z, y, x = np.mgrid[0:36, 0:52, 0:50].astype(np.float32)
    hu = np.where((1.25 * (z - 18)) ** 2 + (0.7 * (y - 26)) ** 2 + (0.8 * (x - 25)) ** 2 < 10**2, 30.0, -850.0)
    hu += np.random.default_rng(3).normal(0, 20, hu.shape)
    return CTVolume(
        np.rint(hu).astype(np.int16), (1.25, 0.7, 0.8), origin=(-70.3, 12.6, -433.9), history=(Step("protection"),)
    )


def _rms(change) -> float:
    return float(np.sqrt(np.mean(np.square(np.asarray(change, dtype=float)))))


def test_all_purifiers_are_there():
    assert set(PURIFIERS) == EXPECTED


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_padding_is_untouched_and_does_not_spread(noisy_scan, name):
    hu, padding = noisy_scan.hu.copy(), np.zeros(noisy_scan.shape, dtype=bool)
    padding[:, :6] = True
    hu[padding] = -3024
    scan = dataclasses.replace(noisy_scan, hu=hu, padding=padding)
    before = hu.copy()
    purified = purify(scan, name)
    assert np.array_equal(scan.hu, before)
    assert (purified.hu[padding] == -3024).all()
    assert purified.hu.dtype == np.int16
    # The rest beside it: no darker than air with its noise.
    assert purified.hu[:, 6:8].min() > -1024
    assert (purified.spacing, purified.origin) == (scan.spacing, scan.origin)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_was_purified_says_so_and_is_never_exported(noisy_scan, name, tmp_path):
    purified = purify(noisy_scan, name, seed=4)
    assert purified.history[:-1] == noisy_scan.history
    assert purified.history[-1].parameters == {"attack": "purification", "purifier": name, "seed": 4}
    with pytest.raises(TamperedVolumeError):
        write_dicom(purified, tmp_path / "out")


@pytest.mark.parametrize("name", sorted(EXPECTED - {"dicom"}))
def test_purifying_changes_the_scan_but_keeps_what_is_in_it(noisy_scan, name):
    change = purify(noisy_scan, name).hu.astype(float) - noisy_scan.hu
    assert 1 < _rms(change) < 80
    # The denoiser takes a sharp edge for a little noise.
    assert abs(change.mean()) < 5


def test_the_round_trip_through_dicom_loses_nothing(noisy_scan):
    assert np.array_equal(purify(noisy_scan, "dicom").hu, noisy_scan.hu)


def test_the_round_trip_keeps_the_order_of_slices_of_any_geometry(noisy_scan):
    upside_down = dataclasses.replace(noisy_scan, direction=np.array([[0, 0, 1.0], [0, 1.0, 0], [-1.0, 0, 0]]))
    assert np.array_equal(purify(upside_down, "dicom").hu, noisy_scan.hu)


@pytest.mark.parametrize("name", sorted(EXPECTED - {"noise-10", "noise-25", "jpeg2000-5", "jpeg2000-10"}))
def test_a_crop_is_purified_as_the_whole_scan(noisy_scan, name):
    whole = purify(noisy_scan, name).hu
    low, high = (14, 21, 19), (22, 28, 27)
    reach = PURIFIERS[name].reach(noisy_scan.spacing)
    first = tuple(max(0, lo - r) for lo, r in zip(low, reach, strict=True))
    last = tuple(min(n, hi + r) for n, hi, r in zip(noisy_scan.shape, high, reach, strict=True))
    assert first != (0, 0, 0)
    crop = noisy_scan.crop(Box(first, tuple(b - a for a, b in zip(first, last, strict=True))))
    inside = tuple(slice(a - f, b - f) for a, b, f in zip(low, high, first, strict=True))
    difference = purify(crop, name).hu[inside].astype(int) - whole[tuple(map(slice, low, high))]
    # Sums in another order may round to the next HU.
    assert np.abs(difference).max() <= 1
    assert (difference == 0).mean() > 0.9


@pytest.mark.parametrize(("name", "sigma"), [("noise-10", 10), ("noise-25", 25)])
def test_noise_has_its_strength_and_no_pattern(noisy_scan, name, sigma):
    change = purify(noisy_scan, name, seed=1).hu.astype(float) - noisy_scan.hu
    assert change.std() == pytest.approx(sigma, rel=0.02)
    assert abs(change.mean()) < 0.2
    for axis in range(3):
        neighbours = np.moveaxis(change, axis, 0)
        assert abs(np.corrcoef(neighbours[1:].ravel(), neighbours[:-1].ravel())[0, 1]) < 0.02


def test_noise_is_the_same_for_two_versions_and_another_for_another_seed(noisy_scan):
    other = noisy_scan.with_hu((noisy_scan.hu + 7).astype(np.int16), Step("protection"))
    change = purify(noisy_scan, "noise-10", seed=1).hu - noisy_scan.hu
    assert np.array_equal(purify(other, "noise-10", seed=1).hu - other.hu, change)
    assert not np.array_equal(purify(noisy_scan, "noise-10", seed=2).hu - noisy_scan.hu, change)


@pytest.mark.parametrize("ratio", [5, 10])
@pytest.mark.parametrize("side", [100, 256])
def test_jpeg_2000_meets_its_ratio(ratio, side):
    y, x = np.mgrid[0:side, 0:side]
    structure = 600 + 300 * np.sin(x / 9) * np.cos(y / 7)
    of_12_bits = (structure + np.random.default_rng(0).normal(0, 25, (side, side))).astype(np.uint16)
    reached = side * side * 12 / 8 / len(jpeg2000(of_12_bits, ratio))
    assert reached == pytest.approx(ratio, rel=0.1 if side < 128 else 0.05)


def test_coarser_jpeg_2000_loses_more(noisy_scan):
    fine, coarse = (_rms(purify(noisy_scan, f"jpeg2000-{r}").hu.astype(int) - noisy_scan.hu) for r in (5, 10))
    assert 5 < fine < coarse


def test_jpeg_2000_keeps_what_12_bits_hold_and_clips_the_rest():
    hu = np.full((2, 64, 64), 3500, dtype=np.int16)
    assert np.abs(purify(CTVolume(hu, (1.0, 1.0, 1.0)), "jpeg2000-5").hu - 3071).max() <= 1


def test_blurring_spreads_a_point_as_a_gaussian_does():
    hu = np.zeros((21, 21, 21), dtype=np.int16)
    hu[10, 10, 10] = 30000
    for sigma in (0.5, 1.0):
        spread = purify(CTVolume(hu, (2.5, 0.7, 0.7)), f"blur-{sigma:g}").hu.astype(float)
        assert spread.sum() == pytest.approx(30000, rel=0.01)
        profile = spread.sum(axis=(0, 1))
        found = np.sqrt((profile * (np.arange(21) - 10) ** 2).sum() / profile.sum())
        # A Gaussian of half a voxel, sampled, is a little narrower.
        assert found == pytest.approx(sigma, rel=0.1)


def test_the_median_removes_single_voxels():
    hu = np.full((5, 9, 9), -800, dtype=np.int16)
    hu[2, 4, 4] = 1000
    assert (purify(CTVolume(hu, (1.0, 1.0, 1.0)), "median-3").hu == -800).all()


def test_resampling_keeps_coarse_structure_and_damps_what_a_grid_of_1_mm_cannot_hold():
    x = np.arange(80)
    for period, kept in ((40, (0.99, 1.01)), (2.5, (0.0, 0.75))):
        wave = np.broadcast_to(500 * np.sin(2 * np.pi * x / period), (6, 6, 80))
        scan = CTVolume(np.rint(wave).astype(np.int16), (1.0, 1.0, 0.7), origin=(0.3, 0.0, 0.0))
        # Along the other axes voxels lie on the grid.
        found = purify(scan, "resample-1mm").hu[3, 3, 10:-10].astype(float)
        ratio = (found @ scan.hu[3, 3, 10:-10].astype(float)) / np.square(scan.hu[3, 3, 10:-10].astype(float)).sum()
        assert kept[0] <= ratio <= kept[1]


def test_resampling_leaves_a_scan_on_the_grid_as_it_is(noisy_scan):
    on_grid = CTVolume(noisy_scan.hu, (1.0, 1.0, 1.0), origin=(-70.0, 12.0, -433.0))
    assert np.array_equal(purify(on_grid, "resample-1mm").hu, on_grid.hu)


def test_the_denoiser_lowers_noise(noisy_scan):
    lung = (slice(2, 10), slice(4, -4), slice(4, -4))
    assert purify(noisy_scan, "denoiser").hu[lung].std() < 0.7 * noisy_scan.hu[lung].std()


def test_an_unknown_purifier_is_refused_in_a_sentence(noisy_scan):
    with pytest.raises(AttackError, match="no purifier called 'wash'; choose from dicom"):
        purify(noisy_scan, "wash")
