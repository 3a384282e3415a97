"""The file that holds an attacker: stored and read back, refused when it is damaged or something else."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.weights import load_attacker, save_attacker
from napari_mits_gan.errors import WeightsError


@pytest.fixture
def stored(tiny_attacker, tmp_path):
    """An attacker's file."""
    path = tmp_path / "injector.safetensors"
    save_attacker(tiny_attacker(), path)
    return path


def _rewritten(path, change_tensors=None, **metadata):
    """The same file with other tensors or metadata."""
    with safe_open(path, framework="pt") as file:
        known = dict(file.metadata())
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    if change_tensors is not None:
        change_tensors(tensors)
    known.update(metadata)
    save_file(tensors, path, {name: value for name, value in known.items() if value is not None})
    return path


def test_an_attacker_comes_back_equal_to_half_precision(stored, tiny_attacker):
    weights, again = tiny_attacker(), load_attacker(stored)
    assert (again.action, again.mask) == (weights.action, weights.mask)
    assert dict(again.metadata) == dict(weights.metadata)
    assert not again.generator.training
    assert not any(p.requires_grad for p in again.generator.parameters())
    np.testing.assert_array_equal(again.calibration.cdf, weights.calibration.cdf)
    x = torch.randn(2, 1, 32, 32, 32) / 4
    with torch.no_grad():
        torch.testing.assert_close(again.generator(x), weights.generator(x), rtol=0, atol=3e-3)


@pytest.mark.parametrize("scale", [1e6, 1e-9, 0.0])
def test_values_beyond_half_precision_are_kept(tiny_attacker, tmp_path, scale):
    weights = tiny_attacker()
    weights.generator.down[1].conv.weight.data *= scale
    wanted = weights.generator.down[1].conv.weight
    save_attacker(weights, tmp_path / "w.safetensors")
    found = load_attacker(tmp_path / "w.safetensors").generator.down[1].conv.weight
    torch.testing.assert_close(found, wanted, rtol=0, atol=1e-3 * float(wanted.abs().max()))


def test_most_of_a_file_is_in_half_precision(stored):
    with safe_open(stored, framework="pt") as file:
        convolutions = [file.get_tensor(n) for n in file.keys() if "conv." in n or ".out." in n]  # noqa: SIM118
    assert convolutions
    assert all(tensor.dtype == torch.float16 for tensor in convolutions)


def test_mask_and_ties_of_the_calibration_are_kept(tiny_attacker, tmp_path):
    cdf = np.array([0.0, 0.0, 3.0, 3.0, 3.0, 7.0])
    calibration = Calibration(np.linspace(-1000.0, 400.0, 6), cdf, 3.0, 0.0, 7.0)
    weights = dataclasses.replace(tiny_attacker(), mask=(8, 24), calibration=calibration)
    save_attacker(weights, tmp_path / "w.safetensors")
    again = load_attacker(tmp_path / "w.safetensors")
    assert again.mask == (8, 24)
    assert again.generator.base_filters == 2
    x = torch.linspace(-0.6, 0.6, 101, dtype=torch.float64)
    torch.testing.assert_close(again.calibration.denormalise(x), calibration.denormalise(x), rtol=0, atol=0)


def test_storing_leaves_nothing_but_the_file(stored):
    assert [path.name for path in stored.parent.iterdir()] == [stored.name]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"no file 'none\.safetensors' with an attacker's weights"):
        CTGAN.load(tmp_path / "none.safetensors", "cpu")


@pytest.mark.parametrize(
    "content",
    [b"", b"A text file, and not a short one.\n" * 9, b"\x00" * 64, b"\xff" * 64],
    ids=["empty", "text", "0", "1"],
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "weights.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"weights\.safetensors"):
        CTGAN.load(path, "cpu")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused(stored, share):
    whole = stored.read_bytes()
    stored.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(WeightsError, match="damaged"):
        CTGAN.load(stored, "cpu")


def test_other_safetensors_are_refused(tmp_path):
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match="does not hold an attacker's weights"):
        CTGAN.load(tmp_path / "other.safetensors", "cpu")


@pytest.mark.parametrize(
    "metadata",
    [
        {"base_filters": None},
        {"base_filters": "3"},
        {"base_filters": "two"},
        {"base_filters": "-1"},
        {"mask": "[6]"},
        {"mask": "6"},
        {"mask": "no list"},
        {"training": "{"},
        {"action": None},
        {"action": "heal"},
    ],
    ids=str,
)
def test_a_file_with_senseless_metadata_is_refused(stored, metadata):
    with pytest.raises(WeightsError, match=stored.name):
        CTGAN.load(_rewritten(stored, **metadata), "cpu")


def _remove_layer(tensors):
    del tensors["generator.out.weight"]


def _add_layer(tensors):
    tensors["generator.more.weight"] = torch.zeros(2)


def _remove_calibration(tensors):
    del tensors["calibration.cdf"]


def _turn_calibration_over(tensors):
    tensors["calibration.cdf"] = tensors["calibration.cdf"].flip(0).contiguous()


def _put_nan_into_the_network(tensors):
    tensors["generator.out.bias"] = torch.full((1,), float("nan"), dtype=torch.float16)


def _shorten_norm(tensors):
    tensors["calibration.norm"] = torch.zeros(2, dtype=torch.float64)


@pytest.mark.parametrize(
    "change",
    [_remove_layer, _add_layer, _remove_calibration, _turn_calibration_over, _put_nan_into_the_network, _shorten_norm],
)
def test_a_file_with_other_tensors_is_refused(stored, change):
    with pytest.raises(WeightsError, match=stored.name):
        CTGAN.load(_rewritten(stored, change), "cpu")


def test_metadata_are_readable_without_this_program(stored):
    with safe_open(stored, framework="np") as file:
        metadata = file.metadata()
    assert metadata["action"] == "inject"
    assert json.loads(metadata["training"]) == {"seed": 0}
