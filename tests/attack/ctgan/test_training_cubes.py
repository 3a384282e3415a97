"""The cubes an attacker learns from: cut from lung at 1 mm, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_mits_gan.attack.ctgan.training_cubes import CubeBank
from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.lung_voxels import random_lung_voxels
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError


def test_a_scan_without_lung_is_refused():
    volume = CTVolume(np.full((20, 40, 40), 40, dtype=np.int16), (2.0, 2.0, 2.0), name="abdomen")
    with pytest.raises(AttackError, match="no lung was found in 'abdomen'"):
        CubeBank([volume], "inject", cubes_per_scan=2)


MIDDLE = (slice(None), *(slice(12, 20),) * 3)


def _middle_hu(cubes: np.ndarray) -> float:
    return float(np.median(cubes[MIDDLE].mean(axis=(1, 2, 3))))


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_the_same_seed_gives_the_same_cubes(small_thorax, action):
    first, again, other = (CubeBank([small_thorax], action, cubes_per_scan=3, seed=s) for s in (4, 4, 5))
    for cubes, same in zip(drawn := first.sample(6), again.sample(6), strict=True):
        assert cubes.shape == (6, 32, 32, 32)
        assert cubes.dtype == np.float32
        np.testing.assert_array_equal(cubes, same)
    assert not np.array_equal(drawn, other.sample(6))
    assert not np.array_equal(drawn, first.sample(6))


def test_an_injector_finds_healthy_lung_and_leaves_a_nodule(small_thorax):
    found, wanted = CubeBank([small_thorax], "inject", cubes_per_scan=6).sample(40)
    assert _middle_hu(wanted) > _middle_hu(found) + 300
    assert (wanted >= found - 1).all()


def test_a_remover_finds_a_nodule_and_leaves_healthy_lung(small_thorax):
    found, wanted = CubeBank([small_thorax], "remove", cubes_per_scan=6).sample(60)
    assert _middle_hu(found) > _middle_hu(wanted) + 300
    untouched = (found == wanted).all(axis=(1, 2, 3))
    assert 0.1 < untouched.mean() < 0.5, "some samples hold nothing to remove"


def test_a_nodule_and_its_place_are_turned_and_shifted_together(small_thorax):
    found, wanted = CubeBank([small_thorax], "inject", cubes_per_scan=4).sample(40)
    corner = (slice(None), *(slice(0, 3),) * 3)
    close = np.isclose(found[corner], wanted[corner], atol=1).mean(axis=(1, 2, 3))
    assert np.median(close) == 1


def test_an_annotated_nodule_is_shown_as_it_is_and_kept_out_of_healthy_lung(small_thorax):
    hu = np.array(small_thorax.hu)
    at = random_lung_voxels(small_thorax, 1, np.random.default_rng(3), margin_mm=12.0)[0]
    distance = np.linalg.norm(
        (np.indices(hu.shape) - at[:, None, None, None]) * np.reshape(small_thorax.spacing, (3, 1, 1, 1)), axis=0
    )
    hu[distance < 6] = 1234
    scan = CTVolume(hu, small_thorax.spacing, name="annotated")
    nodules = {"annotated": [AnnotatedNodule((float(at[0]), float(at[1]), float(at[2])), 12.0)]}

    bank = CubeBank([scan], "inject", cubes_per_scan=30, nodules=nodules)
    samples = [bank.sample(1) for _ in range(300)]
    shown = [np.array_equal(found, wanted) for found, wanted in samples]
    assert 1 <= sum(shown) <= 30
    for (_, wanted), is_real in zip(samples, shown, strict=True):
        assert (wanted.max() > 900) == is_real


def test_another_scanners_noise_and_slices_are_seen_by_both(small_thorax):
    bank = CubeBank([small_thorax], "remove", cubes_per_scan=3)
    pair = np.full((2, 32, 32, 32), -850, dtype=np.float32)
    pair[1, 10:20] = 0
    noisy = [p for p in (bank._augmented_acquisition(pair) for _ in range(60)) if p[0].std() > 1]
    assert 5 < len(noisy) < 30
    for changed in noisy:
        assert 4 < changed[0].std() < 26
        np.testing.assert_allclose((changed[1] - changed[0])[14:16], 850, atol=30)


def test_every_scan_gives_its_share(small_thorax):
    assert len(CubeBank([small_thorax], "remove", cubes_per_scan=3)) == 3
    assert len(CubeBank([small_thorax, small_thorax], "remove", cubes_per_scan=3)) == 6


def test_hu_beyond_any_scanner_are_clipped(small_thorax):
    hu = small_thorax.hu.copy()
    hu[hu > 0] = 32767
    _, wanted = CubeBank([CTVolume(hu, small_thorax.spacing)], "remove", cubes_per_scan=5).sample(20)
    # Noise comes on top.
    assert wanted.max() <= 3071 + 150
    assert wanted.min() >= -1024 - 150
