"""Training an attacker: it runs, learns, stops and goes on, and writes a file that works."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from safetensors.torch import load_file

from napari_mits_gan.attack.ctgan import train
from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.train import AttackTraining, train_attack
from napari_mits_gan.attack.ctgan.weights import load_attacker
from napari_mits_gan.errors import Cancelled, WeightsError

QUICK = AttackTraining(
    steps=2, base_filters=2, batch_size=2, cubes_per_scan=3, fixed_window_hu=(-1000.0, 400.0), seed=7
)


@pytest.fixture
def every_step_is_kept(monkeypatch):
    """A checkpoint after each step instead of each hundred."""
    monkeypatch.setattr(train, "_CHECKPOINT_EVERY", 1)


def _stop_after(step: int):
    def progress(done: int, total: int) -> None:
        if done == step:
            raise Cancelled("stopped")

    return progress


def _output(weights) -> torch.Tensor:
    with torch.no_grad():
        return weights.generator(torch.linspace(-0.5, 0.5, 32**3).reshape(1, 1, 32, 32, 32))


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_training_writes_an_attacker_that_works(small_thorax, tmp_path, action):
    path = tmp_path / "attacker.safetensors"
    trained = train_attack(action, [small_thorax], path, QUICK, device="cpu")
    loaded = load_attacker(path)
    assert loaded.action == trained.action == action
    assert loaded.mask == QUICK.mask
    torch.testing.assert_close(_output(loaded), _output(trained), rtol=0, atol=3e-3)
    tampered = CTGAN.load(path, "cpu").tamper(small_thorax, (15, 40, 25))
    assert tampered.is_tampered


def test_the_settings_and_scans_are_stored_with_the_weights(small_thorax, tmp_path):
    train_attack("inject", [small_thorax], tmp_path / "a.safetensors", QUICK, device="cpu")
    stored = load_attacker(tmp_path / "a.safetensors").metadata
    assert stored["scans"] == [small_thorax.name]
    assert (stored["steps"], stored["seed"], stored["base_filters"]) == (2, 7, 2)


def test_histogram_equalisation_is_fitted_on_the_cubes(small_thorax, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_CALIBRATION_CUBES", 8)
    settings = dataclasses.replace(QUICK, steps=1, fixed_window_hu=None)
    calibration = train_attack("remove", [small_thorax], tmp_path / "a.safetensors", settings, device="cpu").calibration
    assert len(calibration.bins_hu) == 10_000
    assert calibration.maximum == pytest.approx(32**3)
    # Some cubes get the noise of another scanner on top of the darkest air.
    assert -1024 - 150 < calibration.bins_hu[0] < -950


def test_the_same_seed_trains_the_same_attacker(small_thorax, tmp_path):
    first, again = (
        train_attack("inject", [small_thorax], tmp_path / f"{n}.safetensors", QUICK, device="cpu") for n in "ab"
    )
    assert torch.equal(_output(first), _output(again))


@pytest.mark.usefixtures("every_step_is_kept")
def test_a_picture_shows_what_is_painted_by_now(small_thorax, tmp_path):
    settings = dataclasses.replace(QUICK, steps=1)
    train_attack("inject", [small_thorax], tmp_path / "a.safetensors", settings, device="cpu")
    first = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "a.png")))
    train_attack("inject", [small_thorax], tmp_path / "b.safetensors", QUICK, device="cpu")
    second = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "b.png")))
    found, painted, wanted = np.split(first, 3)
    assert found.shape == (32 * 4, 8 * 32 * 4)
    assert len(np.unique(found[48:80, 48:80])) == 1, "the core is blanked"
    assert painted.std() > 5
    assert wanted.std() > 5
    assert np.array_equal(found, np.split(second, 3)[0])
    assert not np.array_equal(painted, np.split(second, 3)[1])


def test_progress_is_told_after_each_step(small_thorax, tmp_path):
    told = []
    train_attack(
        "inject",
        [small_thorax],
        tmp_path / "a.safetensors",
        QUICK,
        device="cpu",
        progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


@pytest.mark.usefixtures("every_step_is_kept")
def test_a_stopped_training_goes_on_where_it_stopped(small_thorax, tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(Cancelled):
        train_attack("inject", [small_thorax], path, QUICK, device="cpu", progress=_stop_after(1))
    assert not path.exists()

    told = []
    train_attack("inject", [small_thorax], path, QUICK, device="cpu", progress=lambda done, total: told.append(done))

    assert told == [2]
    log = (tmp_path / "a.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in log] == ["1", "2"]
    assert np.isfinite([float(v) for line in log for v in line.split(",")]).all()
    assert load_attacker(path).generator.base_filters == 2


@pytest.mark.parametrize("fixed_window_hu", [(-1000.0, 400.0), None])
def test_an_interrupted_training_ends_as_one_in_a_single_run(small_thorax, tmp_path, monkeypatch, fixed_window_hu):
    monkeypatch.setattr(train, "_CHECKPOINT_EVERY", 2)
    monkeypatch.setattr(train, "_CALIBRATION_CUBES", 8)
    settings = dataclasses.replace(QUICK, steps=5, fixed_window_hu=fixed_window_hu)
    whole, parted = tmp_path / "whole.safetensors", tmp_path / "parted.safetensors"
    expected = train_attack("inject", [small_thorax], whole, settings, device="cpu").generator.state_dict()
    with pytest.raises(Cancelled):
        train_attack("inject", [small_thorax], parted, settings, device="cpu", progress=_stop_after(3))
    found = train_attack("inject", [small_thorax], parted, settings, device="cpu").generator.state_dict()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    assert load_file(parted).keys() == load_file(whole).keys()
    for name, value in load_file(whole).items():
        assert torch.equal(load_file(parted)[name], value), name
    for suffix in (".csv", ".png"):
        assert parted.with_suffix(suffix).read_bytes() == whole.with_suffix(suffix).read_bytes()


@pytest.mark.usefixtures("every_step_is_kept")
def test_starting_anew_ignores_the_checkpoint(small_thorax, tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(Cancelled):
        train_attack("inject", [small_thorax], path, QUICK, device="cpu", progress=_stop_after(1))
    told = []
    train_attack(
        "inject",
        [small_thorax],
        path,
        QUICK,
        device="cpu",
        resume=False,
        progress=lambda done, total: told.append(done),
    )
    assert told == [1, 2]


def test_a_checkpoint_of_other_settings_is_refused(small_thorax, tmp_path):
    path = tmp_path / "a.safetensors"
    train_attack("inject", [small_thorax], path, QUICK, device="cpu")
    with pytest.raises(WeightsError, match="other settings"):
        train_attack("inject", [small_thorax], path, dataclasses.replace(QUICK, seed=8), device="cpu")


def test_a_checkpoint_of_the_other_action_is_refused(small_thorax, tmp_path):
    path = tmp_path / "a.safetensors"
    train_attack("inject", [small_thorax], path, QUICK, device="cpu")
    with pytest.raises(WeightsError, match="other settings"):
        train_attack("remove", [small_thorax], path, QUICK, device="cpu")


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all\n" * 20])
def test_a_damaged_checkpoint_is_refused(small_thorax, tmp_path, content):
    (tmp_path / "a.checkpoint").write_bytes(content)
    with pytest.raises(WeightsError, match=r"a\.checkpoint"):
        train_attack("inject", [small_thorax], tmp_path / "a.safetensors", QUICK, device="cpu")


def test_the_folder_for_the_weights_is_made(small_thorax, tmp_path):
    path = tmp_path / "new" / "folder" / "a.safetensors"
    train_attack("inject", [small_thorax], path, QUICK, device="cpu")
    assert path.is_file()


def test_training_learns_to_paint_what_it_is_shown(small_thorax, tmp_path):
    """Thirty small steps already bring the mean absolute error well below what it was."""
    errors = []
    settings = dataclasses.replace(QUICK, steps=30, batch_size=4, generator_rate=4e-3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_CHECKPOINT_EVERY", 5)
        train_attack("remove", [small_thorax], tmp_path / "a.safetensors", settings, device="cpu")
    for line in (tmp_path / "a.csv").read_text().splitlines():
        errors.append(float(line.split(",")[3]))
    assert errors[-1] < 0.7 * errors[0]


def test_training_can_go_on_from_an_earlier_attacker(small_thorax, tmp_path):
    earlier = train_attack("inject", [small_thorax], tmp_path / "a.safetensors", QUICK, device="cpu")
    settings = AttackTraining(steps=1, batch_size=2, cubes_per_scan=3, generator_rate=0.0, seed=8)
    path = tmp_path / "b.safetensors"
    later = train_attack("inject", [small_thorax], path, settings, start_from=earlier, device="cpu")
    assert later.generator.base_filters == earlier.generator.base_filters
    assert later.calibration is earlier.calibration
    for name, value in later.generator.named_parameters():
        assert torch.equal(value, dict(earlier.generator.named_parameters())[name])
    moved = train_attack(
        "inject", [small_thorax], path, dataclasses.replace(settings, generator_rate=1e-3), start_from=earlier,
        device="cpu", resume=False,
    )  # fmt: skip
    assert not torch.equal(moved.generator.out.weight, earlier.generator.out.weight)


def test_an_attacker_cannot_go_on_from_one_of_the_other_action(small_thorax, tmp_path):
    earlier = train_attack("inject", [small_thorax], tmp_path / "a.safetensors", QUICK, device="cpu")
    with pytest.raises(WeightsError, match="does inject, not remove"):
        train_attack("remove", [small_thorax], tmp_path / "b.safetensors", QUICK, start_from=earlier, device="cpu")
