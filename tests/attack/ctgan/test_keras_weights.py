"""Reading attackers in the layout of CT-GAN's authors, and refusing wrong or damaged files with a reason."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from keras_folder import BINS, CDF, NORM, keras_layers, write_folder, write_model
from napari_mits_gan.attack.ctgan.array_pickle import read_array_list
from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.keras_weights import find_keras_files, load_keras_attacker
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.attack.ctgan.weights import load_attacker, save_attacker
from napari_mits_gan.errors import WeightsError


@pytest.fixture
def generator(tiny_attacker) -> Generator:
    return tiny_attacker(seed=3).generator


@pytest.fixture
def authors_folder(tmp_path: Path, generator: Generator) -> Callable[..., Path]:
    """Makes a whole folder in the authors' layout."""

    def make(name: str = "attacker", model: str = "G_model_inj.h5") -> Path:
        return write_folder(tmp_path / name, generator, model)

    return make


def test_a_folder_gives_the_network_the_calibration_and_the_width(authors_folder, generator):
    weights = load_keras_attacker(authors_folder())
    x = torch.randn(1, 1, 32, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(weights.generator(x), generator(x))
    assert weights.generator.base_filters == 2
    assert not weights.generator.training
    np.testing.assert_array_equal(weights.calibration.bins_hu, BINS)
    np.testing.assert_array_equal(weights.calibration.cdf, CDF)
    assert (weights.calibration.mean, weights.calibration.minimum, weights.calibration.maximum) == tuple(NORM)
    assert weights.mask == (6, 26)
    assert set(weights.metadata["keras_files"]) == {"G_model_inj.h5", "normalization.npy", "equalization.pkl"}


@pytest.mark.parametrize(
    ("folder", "model", "asked", "action"),
    [
        ("attacker", "G_model_inj.h5", None, "inject"),
        ("attacker", "G_model_rem.h5", None, "remove"),
        ("INJ", "G_model.h5", None, "inject"),
        ("REM", "G_model.h5", None, "remove"),
        ("attacker", "G_model.h5", "remove", "remove"),
        ("attacker", "G_model_inj.h5", "inject", "inject"),
    ],
)
def test_the_action_comes_from_the_names_or_from_the_caller(authors_folder, folder, model, asked, action):
    attacker = CTGAN.load(authors_folder(folder, model), "cpu", action=asked)
    assert attacker.action == action
    assert attacker.name.startswith(f"{model} ")


def test_a_folder_whose_names_do_not_tell_needs_the_action(authors_folder):
    with pytest.raises(WeightsError, match=r'action="inject" or action="remove"'):
        CTGAN.load(authors_folder(model="G_model.h5"), "cpu")


def test_a_folder_with_both_models_needs_the_action(authors_folder):
    folder = authors_folder()
    (folder / "G_model_rem.h5").write_bytes((folder / "G_model_inj.h5").read_bytes())
    with pytest.raises(WeightsError, match="say which"):
        load_keras_attacker(folder)
    assert find_keras_files(folder, "remove").model.name == "G_model_rem.h5"
    assert find_keras_files(folder, "inject").model.name == "G_model_inj.h5"


def test_asking_an_injector_to_remove_is_refused(authors_folder):
    with pytest.raises(WeightsError, match="does not remove"):
        CTGAN.load(authors_folder(), "cpu", action="remove")


def test_a_model_without_its_folder_is_refused_with_what_to_do(authors_folder):
    with pytest.raises(WeightsError, match="choose the folder"):
        CTGAN.load(authors_folder() / "G_model_inj.h5", "cpu")


@pytest.mark.parametrize("name", ["G_model_inj.h5", "normalization.npy", "equalization.pkl"])
def test_a_missing_file_is_named(authors_folder, name):
    folder = authors_folder()
    (folder / name).unlink()
    with pytest.raises(WeightsError, match=name):
        CTGAN.load(folder, "cpu")


@pytest.mark.parametrize("name", ["G_model_inj.h5", "normalization.npy", "equalization.pkl"])
@pytest.mark.parametrize("damage", ["empty", "text", "cut", "noise"])
def test_a_damaged_file_is_named(authors_folder, name, damage):
    path = authors_folder() / name
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "text": b"Not what you think.\n" * 50,
            "cut": whole[: len(whole) // 2],
            "noise": np.random.default_rng(0).bytes(len(whole)),
        }[damage]
    )
    with pytest.raises(WeightsError, match=name):
        CTGAN.load(path.parent, "cpu")


def _change(layers: list, change: Callable[[list], None]) -> list:
    change(layers)
    return layers


def _first(layers: list, kind: str) -> tuple[dict, dict]:
    return next(entry for entry in layers if entry[0]["class_name"] == kind)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda layers: layers.pop(), "layers are not those"),
        (lambda layers: layers.pop(2), "layers are not those"),
        (lambda layers: _first(layers, "Conv3D")[0]["config"].update(strides=[1, 1, 1]), "strides"),
        (lambda layers: _first(layers, "Conv3D")[0]["config"].update(padding="valid"), "padding"),
        (lambda layers: _first(layers, "LeakyReLU")[0]["config"].update(alpha=0.3), "alpha"),
        (lambda layers: _first(layers, "BatchNormalization")[0]["config"].update(epsilon=1e-5), "epsilon"),
        (lambda layers: _first(layers, "BatchNormalization")[1].pop("moving_mean"), "moving_mean .* missing"),
        (lambda layers: _first(layers, "Conv3D")[1].update(kernel=np.zeros((4, 4, 4, 1, 3), "f4")), "shape"),
        (lambda layers: _first(layers, "Conv3D")[1].update(kernel=np.zeros((4, 4, 4, 1, 999), "f4")), "999"),
        (lambda layers: _first(layers, "Conv3D")[1].update(bias=np.full(2, np.nan, "f4")), "values"),
        (lambda layers: _first(layers, "BatchNormalization")[1].update(moving_variance=-np.ones(4, "f4")), "values"),
        (lambda layers: layers[1][0].update(config="no settings"), "damaged"),
    ],
)
def test_another_network_is_refused_with_the_reason(authors_folder, generator, change, reason):
    folder = authors_folder()
    write_model(folder / "G_model_inj.h5", _change(keras_layers(generator), change))
    with pytest.raises(WeightsError, match=reason):
        load_keras_attacker(folder)


def test_weights_without_the_models_description_are_refused(authors_folder):
    folder = authors_folder()
    with h5py.File(folder / "G_model_inj.h5", "r+") as file:
        del file.attrs["model_config"]
    with pytest.raises(WeightsError, match=r"model\.save\(\)"):
        load_keras_attacker(folder)


def test_arrays_that_lie_in_other_files_are_not_read(authors_folder, tmp_path):
    folder = authors_folder()
    (tmp_path / "elsewhere").write_bytes(bytes(8))
    with h5py.File(folder / "G_model_inj.h5", "r+") as file:
        name = "model_weights/conv3d_6/conv3d_6/bias:0"
        del file[name]
        file.create_dataset(name, (2,), "f4", external=[(str(tmp_path / "elsewhere"), 0, 8)])
    with pytest.raises(WeightsError, match="bias"):
        load_keras_attacker(folder)


@pytest.mark.parametrize(
    "norm", [[1.0, 2.0], [1.0, 5.0, 2.0], [1.0, np.nan, 2.0], [[1.0, 0.0, 2.0]], "abc", {"mean": 1.0}]
)
def test_a_normalisation_of_another_kind_is_refused(authors_folder, norm):
    folder = authors_folder()
    np.save(folder / "normalization.npy", norm, allow_pickle=True)
    with pytest.raises(WeightsError, match=r"normalization\.npy"):
        load_keras_attacker(folder)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<i8"])
def test_lists_of_arrays_of_every_pickle_protocol_are_read(protocol, dtype):
    stored = [np.arange(6).astype(dtype), np.asfortranarray(np.arange(6).reshape(2, 3).astype(dtype))]
    found = read_array_list(pickle.dumps(stored, protocol))
    for ours, theirs in zip(found, stored, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_names_of_older_numpy_are_read():
    data = pickle.dumps([BINS, CDF], 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in data
    np.testing.assert_array_equal(read_array_list(data)[1], CDF)


def test_a_list_written_by_python_2_is_read():
    """Python 2's protocol 2 stores an array's bytes as text of one byte per character."""
    array = np.array([1.5, -2.25])
    raw = array.tobytes()
    data = (
        b"\x80\x02]q\x00cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U" + bytes([len(raw)]) + raw + b"tba."
    )
    pickletools.dis(data, out=io.StringIO())
    np.testing.assert_array_equal(read_array_list(data)[0], array)


class _Payload:
    """Unpickled by the standard library, it would make a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_code_in_the_equaliser_is_never_run(authors_folder, tmp_path, protocol):
    folder, trap = authors_folder(), tmp_path / "trap"
    (folder / "equalization.pkl").write_bytes(pickle.dumps([BINS, _Payload(trap)], protocol))
    with pytest.raises(WeightsError, match="no array"):
        load_keras_attacker(folder)
    assert not trap.exists()


@pytest.mark.parametrize(
    "stored",
    [
        {"bins": BINS},
        [1.0, 2.0],
        BINS,
        [BINS],
        [BINS, CDF[:-1]],
        [CDF[::-1], BINS],
        [BINS, np.full(50, np.nan)],
        [np.array([print, len]), CDF],
        [np.array(["a", "b"]), CDF],
        [BINS.astype(complex), CDF],
        [BINS.reshape(5, 10), CDF.reshape(5, 10)],
    ],
)
def test_an_equaliser_of_another_kind_is_refused(authors_folder, stored):
    folder = authors_folder()
    (folder / "equalization.pkl").write_bytes(pickle.dumps(stored))
    with pytest.raises(WeightsError, match=r"equalization\.pkl"):
        load_keras_attacker(folder)


def test_an_attacker_of_the_authors_can_be_stored_as_safetensors(authors_folder, tmp_path):
    weights = load_keras_attacker(authors_folder(model="G_model_rem.h5"))
    save_attacker(weights, tmp_path / "remover.safetensors")
    again = load_attacker(tmp_path / "remover.safetensors")
    assert again.action == "remove"
    assert again.metadata["keras_files"] == weights.metadata["keras_files"]
    x = torch.randn(1, 1, 32, 32, 32) / 4
    with torch.no_grad():
        torch.testing.assert_close(again.generator(x), weights.generator(x), rtol=0, atol=2e-3)
