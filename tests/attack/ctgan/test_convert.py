"""From the layout of CT-GAN's authors to a safetensors file: the same attacker, or a reason and no file."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from keras_folder import BINS, NORM, write_folder
from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.convert import convert_keras_attacker
from napari_mits_gan.attack.ctgan.keras_weights import load_keras_attacker
from napari_mits_gan.attack.ctgan.weights import load_attacker
from napari_mits_gan.errors import WeightsError, WriteError
from napari_mits_gan.weights_file import digest

TIED = np.repeat([0.0, 100.0, 900.0, 1500.0, 2250.0], 10)


@pytest.fixture
def folder(tmp_path: Path, tiny_attacker) -> Path:
    return write_folder(tmp_path / "attacker", tiny_attacker(seed=3).generator, cdf=TIED)


def test_a_converted_attacker_is_the_same_to_half_precision(folder, tmp_path, lung_scan):
    output = tmp_path / "theirs.safetensors"
    convert_keras_attacker(folder, output)
    theirs, ours = load_keras_attacker(folder), load_attacker(output)
    assert (ours.action, ours.mask, ours.generator.base_filters) == ("inject", (6, 26), 2)
    x = torch.randn(4, 1, 32, 32, 32, generator=torch.Generator().manual_seed(0)) / 4
    with torch.no_grad():
        torch.testing.assert_close(ours.generator(x), theirs.generator(x), rtol=0, atol=3e-3)
    np.testing.assert_array_equal(ours.calibration.bins_hu, BINS)
    np.testing.assert_array_equal(ours.calibration.cdf, TIED)
    assert [ours.calibration.mean, ours.calibration.minimum, ours.calibration.maximum] == NORM
    scan = lung_scan()
    by_ours, by_theirs = (CTGAN.load(p, "cpu").tamper(scan, (20, 30, 30)).hu.astype(int) for p in (output, folder))
    assert (by_theirs != scan.hu).any()
    assert np.percentile(np.abs(by_ours - by_theirs), 99.9) <= 10


def test_the_file_says_where_it_comes_from(folder, tmp_path):
    convert_keras_attacker(folder, tmp_path / "theirs.safetensors")
    told = load_attacker(tmp_path / "theirs.safetensors").metadata
    assert "Keras" in told["converted_from"]
    assert told["keras_files"] == {path.name: digest(path) for path in folder.iterdir()}


def test_the_action_is_asked_for_where_the_names_do_not_tell(folder, tmp_path):
    (folder / "G_model_inj.h5").rename(folder / "G_model.h5")
    with pytest.raises(WeightsError, match="do not tell"):
        convert_keras_attacker(folder, tmp_path / "theirs.safetensors")
    convert_keras_attacker(folder, tmp_path / "theirs.safetensors", "remove")
    assert CTGAN.load(tmp_path / "theirs.safetensors", "cpu").action == "remove"


def test_nothing_is_overwritten(folder, tmp_path):
    output = tmp_path / "theirs.safetensors"
    output.write_bytes(b"mine")
    with pytest.raises(WriteError, match="not overwritten"):
        convert_keras_attacker(folder, output)
    assert output.read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("output", "reason"), [("theirs.h5", r"end with \.safetensors"), ("none/theirs.safetensors", "does not exist")]
)
def test_a_place_that_cannot_be_written_to_is_refused(folder, tmp_path, output, reason):
    with pytest.raises(WriteError, match=reason):
        convert_keras_attacker(folder, tmp_path / output)


@pytest.mark.parametrize("name", ["G_model_inj.h5", "normalization.npy", "equalization.pkl"])
def test_a_damaged_folder_is_refused_and_leaves_nothing(folder, tmp_path, name):
    (folder / name).write_bytes(b"no such thing")
    with pytest.raises(WeightsError, match=name):
        convert_keras_attacker(folder, tmp_path / "theirs.safetensors")
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("what", ["none", "attacker/G_model_inj.h5"])
def test_what_is_no_folder_is_refused(folder, tmp_path, what):
    with pytest.raises(WeightsError, match=r"no folder; choose the folder"):
        convert_keras_attacker(tmp_path / what, tmp_path / "theirs.safetensors")


def test_the_reference_model_of_ctgan_keeps_its_output(reference, tmp_path):
    folder = tmp_path / "authors"
    folder.mkdir()
    shutil.copyfile(reference / "model" / "A1_G_model.h5", folder / "G_model.h5")
    with np.load(reference / "calibration" / "REM.npz", allow_pickle=False) as stored:
        np.save(folder / "normalization.npy", stored["norm"])
        (folder / "equalization.pkl").write_bytes(pickle.dumps([stored["bins"], stored["cdf"]], protocol=3))
        cdf = stored["cdf"]
    convert_keras_attacker(folder, tmp_path / "theirs.safetensors", "remove")
    ours = load_attacker(tmp_path / "theirs.safetensors")
    np.testing.assert_array_equal(ours.calibration.cdf, cdf)
    with np.load(reference / "model" / "A1_io.npz", allow_pickle=False) as stored:
        x = torch.from_numpy(stored["input0"][..., 0])[:, None]
        wanted = stored["output0"][..., 0]
    with torch.no_grad():
        found = ours.generator(x)[:, 0].numpy()
    assert np.abs(found - wanted).max() < 5e-3
