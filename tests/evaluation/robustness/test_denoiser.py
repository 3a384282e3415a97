import dataclasses

import numpy as np
import pytest
import torch

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, Cancelled, WeightsError
from napari_mits_gan.evaluation.robustness import train_denoiser as training
from napari_mits_gan.evaluation.robustness.denoiser import (
    REACH,
    Denoiser,
    DenoiserNetwork,
    save_denoiser,
    shipped_denoiser,
)
from napari_mits_gan.evaluation.robustness.train_denoiser import (
    DenoiserLosses,
    DenoiserTraining,
    random_noise,
    train_denoiser,
)

QUICK = DenoiserTraining(steps=4, batch_size=2, patch=16, seed=3)


@pytest.fixture
def every_step_is_kept(monkeypatch):
    monkeypatch.setattr(training, "_CHECKPOINT_EVERY", 1)


@pytest.fixture(scope="module")
def lung() -> np.ndarray:
    """Smooth structure without noise, HU, 12 x 48 x 48 voxels."""
    z, y, x = np.mgrid[0:12, 0:48, 0:48].astype(np.float32)
    return -850 + 60 * np.sin(x / 9) * np.cos(y / 11) + 3 * z


def _weights(denoiser: Denoiser) -> torch.Tensor:
    return torch.cat([p.ravel() for p in denoiser.network.parameters()])


@pytest.mark.parametrize("smoothed", [False, True])
@pytest.mark.parametrize("sigma", [10, 30])
def test_the_shipped_denoiser_takes_noise_out(lung, sigma, smoothed):
    noise = random_noise(lung.shape, sigma, np.random.default_rng(1), smoothed=smoothed)
    left = shipped_denoiser().clean(lung + noise) - lung
    assert left.std() < 0.6 * sigma


def test_the_shipped_denoiser_is_small_and_says_how_it_was_trained():
    denoiser = shipped_denoiser()
    assert sum(p.numel() for p in denoiser.network.parameters()) < 60_000
    assert denoiser.name.startswith("denoiser.safetensors ")
    assert denoiser.metadata["steps"] > 100
    # Of what was added to scans that have as much noise of their own, not all can be told from that.
    assert denoiser.metadata["left_of_20_hu"]["white"] < 18
    # Held out for every other figure too.
    assert not {"LIDC-IDRI-0001", "RIDER-Pilot-0117"} & set(denoiser.metadata["scans"])


def test_what_is_cleaned_depends_on_its_reach_only(lung):
    hu = np.rint(lung + np.random.default_rng(2).normal(0, 20, lung.shape)).astype(np.int16)
    before = shipped_denoiser().clean(hu)
    changed = hu.copy()
    changed[6, 24, 24] += 200
    touched = np.argwhere(np.abs(shipped_denoiser().clean(changed) - before) > 1e-2)
    assert len(touched) > 50
    assert (np.abs(touched - (6, 24, 24)) <= REACH).all()


def test_slices_are_cleaned_alike_however_many_there_are(lung):
    # More slices than are worked on at once; of a scan of one slice its neighbours are itself.
    whole, some = shipped_denoiser().clean(lung), shipped_denoiser().clean(lung[:9])
    np.testing.assert_allclose(some[:7], whole[:7], atol=1e-2)
    alone = shipped_denoiser().clean(lung[:1])
    np.testing.assert_allclose(alone[0], shipped_denoiser().clean(np.repeat(lung[:1], 5, axis=0))[2], atol=1e-2)


@pytest.mark.parametrize("smoothed", [False, True])
def test_random_noise_has_its_strength(smoothed):
    noise = random_noise((9, 60, 60), 17.0, np.random.default_rng(5), smoothed=smoothed)
    assert noise.dtype == np.float32
    assert noise.std() == pytest.approx(17, rel=0.02)
    neighbours = np.corrcoef(noise[:, :, 1:].ravel(), noise[:, :, :-1].ravel())[0, 1]
    assert (neighbours > 0.05) == smoothed


def test_training_writes_a_denoiser_that_works(small_chest, tmp_path, every_step_is_kept):
    path, told = tmp_path / "denoiser.safetensors", []
    trained = train_denoiser(
        [small_chest], path, QUICK, device="cpu", progress=lambda done, total: told.append((done, total))
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    read = Denoiser.load(path, "cpu")
    assert torch.equal(_weights(read), _weights(trained))
    assert (read.metadata["seed"], read.metadata["scans"]) == (3, ["small chest"])
    assert set(read.metadata["left_of_20_hu"]) == {"white", "correlated"}
    assert np.loadtxt(path.with_suffix(".csv"), delimiter=",")[:, 0].tolist() == [1, 2, 3, 4]


def test_training_learns(small_chest, tmp_path):
    # Noise in the scan itself would hide most of what is added.
    hu = np.select([small_chest.hu < -925, small_chest.hu < -400], [-1000, -850], 40).astype(np.int16)
    settings = dataclasses.replace(QUICK, steps=150, batch_size=4)
    path = tmp_path / "denoiser.safetensors"
    trained = train_denoiser([dataclasses.replace(small_chest, hu=hu)], path, settings, device="cpu")
    assert trained.metadata["left_of_20_hu"]["correlated"] < 19.5


def test_the_loss_is_the_mean_squared_error_of_the_noise():
    # 3² + 1² + 0² + 2² over four pixels.
    estimated, noise = torch.tensor([[[10.0, -4.0], [7.0, 0.0]]]), torch.tensor([[[13.0, -5.0], [7.0, 2.0]]])
    assert DenoiserLosses().denoiser(estimated, noise).item() == pytest.approx(3.5)


def test_training_minimises_the_loss_of_a_subclass(small_chest, tmp_path):
    class Silent(DenoiserLosses):
        def denoiser(self, estimated_hu, noise_hu):
            return estimated_hu.square().mean()

    path = tmp_path / "denoiser.safetensors"
    settings = dataclasses.replace(QUICK, steps=40)
    silent = train_denoiser([small_chest], path, settings, losses=Silent, device="cpu")
    # It finds no noise, so all of the 20 HU are left.
    assert silent.metadata["left_of_20_hu"]["white"] == pytest.approx(20, abs=0.5)
    with pytest.raises(WeightsError, match="other settings"):
        train_denoiser([small_chest], path, settings, device="cpu")


def test_the_log_tells_the_rms_that_is_left(small_chest, tmp_path, every_step_is_kept):
    squares = []

    class Kept(DenoiserLosses):
        def denoiser(self, estimated_hu, noise_hu):
            squares.append((estimated_hu - noise_hu).square().mean().item())
            return super().denoiser(estimated_hu, noise_hu)

    path = tmp_path / "denoiser.safetensors"
    train_denoiser([small_chest], path, QUICK, losses=Kept, device="cpu")
    np.testing.assert_allclose(np.loadtxt(path.with_suffix(".csv"), delimiter=",")[:, 1], np.sqrt(squares), rtol=1e-4)


def test_an_interrupted_training_ends_as_one_in_a_single_run(small_chest, tmp_path, every_step_is_kept):
    def stop(done: int, total: int, /) -> None:
        if done == 3:
            raise Cancelled("stopped")

    whole = train_denoiser([small_chest], tmp_path / "whole.safetensors", QUICK, device="cpu")
    parted = tmp_path / "parted.safetensors"
    with pytest.raises(Cancelled):
        train_denoiser([small_chest], parted, QUICK, device="cpu", progress=stop)
    assert not parted.exists()
    assert torch.equal(_weights(train_denoiser([small_chest], parted, QUICK, device="cpu")), _weights(whole))
    with pytest.raises(WeightsError, match="other settings"):
        train_denoiser([small_chest], parted, dataclasses.replace(QUICK, seed=9), device="cpu")


def test_a_scan_without_lung_is_refused(tmp_path):
    solid = CTVolume(np.full((40, 64, 64), 40, dtype=np.int16), (2.5, 3.0, 3.0))
    with pytest.raises(AttackError, match="no lung was found"):
        train_denoiser([solid], tmp_path / "denoiser.safetensors", QUICK, device="cpu")


def test_wrong_files_are_refused_in_a_sentence(tmp_path):
    with pytest.raises(WeightsError, match="a denoiser's weights"):
        Denoiser.load(tmp_path / "none.safetensors", "cpu")
    narrow = tmp_path / "narrow.safetensors"
    save_denoiser(DenoiserNetwork(channels=8), {}, narrow)
    with pytest.raises(WeightsError, match="damaged"):
        Denoiser.load(narrow, "cpu")
