import json
from dataclasses import fields

import numpy as np
import pytest
import torch

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.training_settings import AttackTraining
from napari_mits_gan.command_line.main import main
from napari_mits_gan.protection.training_settings import ProtectionTraining
from napari_mits_gan.protection.weights import FORMAT


@pytest.fixture(scope="module")
def weights(image_file, tmp_path_factory):
    output = tmp_path_factory.mktemp("weights") / "mine.safetensors"
    options = ["--steps", "1", "--base-filters", "2", "--fixed-window-hu", "-1000", "400", "--device", "cpu"]
    assert main(["train", "remover", str(image_file), "--output", str(output), *options]) == 0
    return output


def test_a_remover_is_trained_and_can_be_loaded(weights, short_scan):
    attacker = CTGAN.load(weights, device="cpu")
    assert attacker.action == "remove"
    assert attacker.tamper(short_scan, at=(17, 105, 73)).is_tampered


def test_core_and_window_are_those_asked_for(image_file, tmp_path):
    output = tmp_path / "other.safetensors"
    options = ["--steps", "1", "--base-filters", "2", "--mask", "8", "24", "--fixed-window-hu", "-1000", "400"]
    assert main(["train", "injector", str(image_file), "--output", str(output), *options, "--device", "cpu"]) == 0
    attacker = CTGAN.load(output, device="cpu")
    assert attacker.weights.mask == (8, 24)
    np.testing.assert_array_equal(attacker.weights.calibration.bins_hu, [-1000, 400])


def test_nodules_marked_beside_the_scan_are_used(image_file, short_scan, tmp_path):
    """Healthy cubes keep away from it, so the same seed cuts others and the first step is another."""
    scan = tmp_path / image_file.name
    scan.write_bytes(image_file.read_bytes())
    options = ["--steps", "1", "--base-filters", "2", "--fixed-window-hu", "-1000", "400", "--seed", "1"]
    outputs = [tmp_path / "without.safetensors", tmp_path / "with.safetensors"]
    assert main(["train", "remover", str(scan), "--output", str(outputs[0]), *options, "--device", "cpu"]) == 0
    world = np.asarray(short_scan.origin) + short_scan.direction @ (np.array([17, 105, 73]) * short_scan.spacing)
    listed = {"nodules_ge_3mm": [{"world_mm_LPS": world.tolist(), "mean_vol_equiv_diam_mm": 60.0}]}
    scan.with_name(scan.name.split(".")[0] + "_nodules.json").write_text(json.dumps(listed))
    assert main(["train", "remover", str(scan), "--output", str(outputs[1]), *options, "--device", "cpu"]) == 0
    kernels = [CTGAN.load(output, device="cpu").weights.generator.out.weight for output in outputs]
    assert not torch.equal(*kernels)


def test_weights_are_not_taken_for_the_other_action(weights, image_file, tmp_path, capsys):
    output = tmp_path / "out.nii.gz"
    arguments = ["--at", "17,105,73", "--action", "inject", "--weights", str(weights)]
    assert main(["tamper", str(image_file), str(output), *arguments]) == 1
    assert "choose --action remove" in capsys.readouterr().err
    assert not output.exists()


def test_a_scan_that_cannot_be_read_is_told(tmp_path, capsys):
    assert main(["train", "injector", str(tmp_path / "none"), "--output", str(tmp_path / "w.safetensors")]) == 1
    assert "none" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["detector", "scan", "--output", "w.safetensors", "--start-from", "other.safetensors"],
        ["injector", "scan", "--output", "w.safetensors", "--start-from", "other.safetensors", "--mask", "8", "24"],
        ["injector", "scan", "--output", "w.safetensors", "--attackers", "inject"],
        ["protection", "scan", "--output", "w.safetensors", "--base-filters", "8"],
        ["protection", "scan", "--output", "w.safetensors", "--mask", "8", "24"],
        ["protection", "scan", "--output", "w.safetensors", "--fixed-window-hu", "-1000", "400"],
    ],
)
def test_options_of_the_other_kind_of_network_are_refused(arguments):
    with pytest.raises(SystemExit) as ended:
        main(["train", *arguments])
    assert ended.value.code == 2


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (["--mask", "7", "24"], "ends must add up to 32"),
        (["--mask", "0", "32"], "does not lie in the middle"),
        (["--fixed-window-hu", "400", "-1000"], "is empty"),
    ],
)
def test_a_core_or_window_that_cannot_be_is_refused_before_anything_is_read(option, reason, tmp_path, capsys):
    arguments = ["injector", str(tmp_path / "none"), "--output", str(tmp_path / "w.safetensors"), *option]
    assert main(["train", *arguments]) == 1
    assert reason in capsys.readouterr().err


def test_every_setting_of_a_training_run_is_an_option(capsys):
    for network, kind in (("injector", AttackTraining), ("protection", ProtectionTraining)):
        with pytest.raises(SystemExit):
            main(["train", network, "--help"])
        told = capsys.readouterr().out
        assert all(f"--{field.name.replace('_', '-')}" in told for field in fields(kind))


def test_a_protection_starts_from_the_weights_that_are_named(image_file, tmp_path, capsys):
    arguments = ["--output", str(tmp_path / "w.safetensors"), "--steps", "1", "--device", "cpu"]
    arguments += ["--start-from", str(tmp_path / "none.safetensors")]
    assert main(["train", "protection", str(image_file), *arguments]) == 1
    assert "no file 'none.safetensors' with a protection's weights" in capsys.readouterr().err


def test_an_attacker_goes_on_from_the_weights_that_are_named(image_file, tmp_path, capsys):
    arguments = ["--output", str(tmp_path / "w.safetensors"), "--steps", "1", "--device", "cpu"]
    arguments += ["--start-from", str(tmp_path / "none.safetensors")]
    assert main(["train", "injector", str(image_file), *arguments]) == 1
    assert "none.safetensors" in capsys.readouterr().err


def test_a_protection_is_trained_against_the_attackers_that_are_named(weights, image_file, tmp_path):
    output = tmp_path / "p.safetensors"
    arguments = ["--output", str(output), "--steps", "1", "--device", "cpu", "--attackers", str(weights)]
    assert main(["train", "protection", str(image_file), *arguments]) == 0
    assert FORMAT.read(output).training["attackers"] == [CTGAN.load(weights, device="cpu").name]
