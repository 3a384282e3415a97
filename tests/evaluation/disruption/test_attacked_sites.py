import numpy as np
import pytest
import torch

from napari_mits_gan.attack.ctgan.attacker import scan_tensor
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import Cancelled
from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_cores_are_those_of_the_tampered_scan(small_chest, attackers, action):
    attacker = attackers[action]
    sites = [*random_lung_clicks(small_chest, 4, seed=2), (1, 2, 3)]
    cores = inpainted_cores(attacker, small_chest, sites)
    for site, before, after in zip(sites, cores.before_hu, cores.after_hu, strict=True):
        voxels = attacker.core(site, small_chest.spacing).inside(small_chest.shape).slices()
        assert np.array_equal(before, small_chest.hu[voxels])
        tampered = attacker.tamper(small_chest, site).hu[voxels]
        # In-painting several cubes at once sums in another order.
        assert np.abs(after.astype(int) - tampered).max() <= 1


def test_normalised_cores_are_what_the_network_paints(small_chest, attackers):
    sites = random_lung_clicks(small_chest, 9, seed=3)
    cores = inpainted_cores(attackers["inject"], small_chest, sites)
    with torch.inference_mode():
        painted = attackers["inject"].tampering.core(scan_tensor(small_chest), sites, small_chest.spacing)
    np.testing.assert_allclose(cores.normalised, painted.numpy(), atol=1e-5)
    assert cores.normalised.std() > 0.01


@pytest.mark.parametrize(
    ("spacing", "shape"),
    [((2.5, 0.703, 0.703), (8, 28, 28)), ((1.0, 1.0, 1.0), (20, 20, 20)), ((5.0, 2.0, 2.0), (4, 10, 10))],
)
def test_core_covers_20_mm_around_the_place(attackers, spacing, shape):
    box = attackers["inject"].core((50, 100, 100), spacing)
    assert box.shape == pytest.approx(shape, abs=1)
    middle = [lo + (n - 1) / 2 for lo, n in zip(box.low, box.shape, strict=True)]
    assert np.allclose(middle, (50, 100, 100), atol=1.0)


def test_padding_is_not_tampered_with(small_chest, attackers):
    z, y, x = site = random_lung_clicks(small_chest, 1, seed=4)[0]
    padding = np.zeros(small_chest.shape, dtype=bool)
    padding[z, y, x] = True
    padded = CTVolume(small_chest.hu, small_chest.spacing, padding=padding)
    cores = inpainted_cores(attackers["remove"], padded, [site])
    low = attackers["remove"].core(site, padded.spacing).low
    inside = tuple(c - lo for c, lo in zip(site, low, strict=True))
    assert cores.after_hu[0][inside] == small_chest.hu[site]
    assert (cores.after_hu[0] != cores.before_hu[0]).mean() > 0.5


def test_work_can_be_cancelled(small_chest, attackers):
    told = []

    def stop(done: int, total: int, /) -> None:
        told.append((done, total))
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        inpainted_cores(attackers["inject"], small_chest, random_lung_clicks(small_chest, 20), progress=stop)
    assert told == [(1, 20)]


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_the_detector_sees_the_tampered_scan(small_chest, attackers, detector, action):
    padding = np.zeros(small_chest.shape, dtype=bool)
    padding[:, :20] = True
    scan = CTVolume(small_chest.hu, small_chest.spacing, padding=padding)
    sites = [*random_lung_clicks(scan, 3, seed=5), (2, 20, 60)]
    scores = inpainted_cores(attackers[action], scan, sites, detector=detector).scores
    whole = [float(detector.scores(attackers[action].tamper(scan, site), [site])[0]) for site in sites]
    np.testing.assert_allclose(scores, whole, atol=5e-3)
    assert np.ptp(scores) > 0.02


def test_no_detector_no_scores(small_chest, attackers):
    assert inpainted_cores(attackers["inject"], small_chest, [(20, 32, 19)]).scores == ()
