"""Reading an attacker in the layout of CT-GAN's authors: a Keras model and its calibration, in one folder.

Published code of CT-GAN, `procedures/trainer.py` (writes `G_model.h5` and `normalization.npy`) and `utils/equalizer.py`
(writes `equalization.pkl`); MITS-GAN's code calls the models `G_model_inj.h5` and `G_model_rem.h5`. Neither Keras nor
TensorFlow is needed, and nothing that a file holds is ever run.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from torch import nn

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.ctgan.array_pickle import read_array_list
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.attack.ctgan.weights import PUBLISHED_MASK, AttackerWeights
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.weights_file import digest

_MODELS: Mapping[str, Action | None] = {"G_model_inj.h5": "inject", "G_model_rem.h5": "remove", "G_model.h5": None}
_FOLDERS: Mapping[str, Action] = {"inj": "inject", "rem": "remove"}
_NORMALIZATION, _EQUALIZATION = "normalization.npy", "equalization.pkl"

_LAYERS = (
    ["Conv3D", "LeakyReLU"]
    + 4 * ["Conv3D", "LeakyReLU", "BatchNormalization"]
    + 4 * ["UpSampling3D", "Conv3D", "BatchNormalization", "Concatenate"]
    + ["UpSampling3D", "Conv3D"]
)
"""The generator's layers in Keras' order, without those that do nothing at inference."""
_IDLE = ("InputLayer", "Dropout", "Cropping3D")
_ACTIVATIONS = 5 * ["linear"] + 4 * ["relu"] + ["tanh"]
_WIDEST = 256
"""More base filters than any CT-GAN has: a file that claims them is damaged, and would fill the memory."""


@dataclass(frozen=True)
class KerasFiles:
    """The three files of one attacker in the authors' layout."""

    action: Action
    model: Path
    normalization: Path
    equalization: Path


def find_keras_files(folder: Path, action: Action | None = None) -> KerasFiles:
    """The files of an attacker in `folder`, and what the attacker does.

    Parameters
    ----------
    folder : Path
        Holds `G_model.h5`, `G_model_inj.h5` or `G_model_rem.h5`, with `normalization.npy` and `equalization.pkl`.
    action : {"inject", "remove"} or None
        Needed where neither the model's name (`_inj`, `_rem`) nor the folder's (`INJ`, `REM`) tells.

    Raises
    ------
    WeightsError
        If a file is missing, or the names do not tell the action or contradict it.
    """
    named = {name: told for name, told in _MODELS.items() if (folder / name).is_file()}
    if not named:
        raise WeightsError(
            f"the folder '{folder.name}' holds none of {', '.join(_MODELS)}; "
            "choose a folder in the layout of CT-GAN's authors, or a safetensors file."
        )
    fitting = [name for name, told in named.items() if action is None or told in (action, None)]
    if not fitting:
        raise WeightsError(
            f"the folder '{folder.name}' holds {', '.join(named)}, which does not {action}; "
            "choose another folder or the other action."
        )
    # With an action given, the list begins with the model whose name says the same.
    if len(fitting) > 1 and action is None:
        raise WeightsError(
            f"the folder '{folder.name}' holds {', '.join(fitting)}; "
            'say which with action="inject" or action="remove".'
        )
    model = fitting[0]
    by_folder = _FOLDERS.get(folder.resolve().name.lower())
    told = named[model] or action or by_folder
    if told is None:
        raise WeightsError(
            f"the names in the folder '{folder.name}' do not tell what its model does; "
            'say it with action="inject" or action="remove".'
        )
    for name in (_NORMALIZATION, _EQUALIZATION):
        if not (folder / name).is_file():
            raise WeightsError(
                f"the folder '{folder.name}' holds {model} but no {name}; put the one that was trained with it there."
            )
    return KerasFiles(told, folder / model, folder / _NORMALIZATION, folder / _EQUALIZATION)


def load_keras_attacker(
    folder: Path, action: Action | None = None, device: torch.device | str = "cpu"
) -> AttackerWeights:
    """Read an attacker that CT-GAN's own code trained, ready for inference.

    Parameters
    ----------
    folder : Path
        In the authors' layout; see `find_keras_files`.
    action : {"inject", "remove"} or None
        What it does, where the names do not tell.
    device : torch.device or str
        Where to put the network.

    Returns
    -------
    AttackerWeights
        In single precision; `save_attacker` stores it as safetensors. Its metadata names the files and their digests.

    Raises
    ------
    WeightsError
        If a file is missing, damaged, or holds something else.
    """
    files = find_keras_files(folder, action)
    calibration = _read_calibration(files)
    try:
        with h5py.File(files.model, "r") as file:
            generator = _read_generator(file, files.model.name)
    except (OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError, MemoryError) as error:
        raise WeightsError(f"'{files.model.name}' is damaged or no Keras model in HDF5; get it anew.") from error
    generator.to(device).eval().requires_grad_(False)
    sources = {path.name: digest(path) for path in (files.model, files.normalization, files.equalization)}
    return AttackerWeights(files.action, generator, calibration, PUBLISHED_MASK, {"keras_files": sources})


def _read_generator(file: h5py.File, name: str) -> Generator:
    if "model_config" not in file.attrs or "model_weights" not in file:
        raise WeightsError(f"'{name}' holds no whole Keras model; choose a file that model.save() wrote in Keras.")
    config = file.attrs["model_config"]
    layers = [
        layer
        for layer in json.loads(config.decode() if isinstance(config, bytes) else str(config))["config"]["layers"]
        if layer["class_name"] not in _IDLE
    ]
    if [layer["class_name"] for layer in layers] != _LAYERS:
        raise WeightsError(f"'{name}' is a Keras model, but its layers are not those of CT-GAN's generator.")
    for layer, settings in _settings(layers):
        for setting, wanted in settings.items():
            found = layer["config"].get(setting)
            if not (math.isclose(found, wanted, rel_tol=1e-6) if isinstance(found, float) else found == wanted):
                raise WeightsError(
                    f"'{name}' is not CT-GAN's generator: layer {layer['name']} has {setting} {found}, not {wanted}."
                )
    stored = {
        kind: [_arrays(file["model_weights"][layer["name"]]) for layer in layers if layer["class_name"] == kind]
        for kind in ("Conv3D", "BatchNormalization")
    }
    width = int(stored["Conv3D"][0]["kernel"].shape[-1])
    if not 1 <= width <= _WIDEST:
        raise WeightsError(f"'{name}' claims {width} base filters, which no CT-GAN has; it is damaged.")
    generator = Generator(width)
    layers_of_ours = [*generator.down, *generator.up]
    convolutions: list[Any] = [*(layer.conv for layer in layers_of_ours), generator.out]
    norms: list[Any] = [layer.norm for layer in layers_of_ours[1:]]
    with torch.no_grad():
        for module, arrays in zip(convolutions, stored["Conv3D"], strict=True):
            _fill(module, arrays, {"weight": "kernel", "bias": "bias"}, name)
        for module, arrays in zip(norms, stored["BatchNormalization"], strict=True):
            keras = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
            _fill(module, arrays, keras, name)
    return generator


def _settings(layers: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Each layer with the settings that our network has built in."""
    activations = iter(_ACTIVATIONS)
    for layer in layers:
        kind = layer["class_name"]
        if kind == "Conv3D":
            activation = next(activations)
            shared = {"kernel_size": [4, 4, 4], "padding": "same", "data_format": "channels_last"}
            yield layer, {**shared, "strides": [2 if activation == "linear" else 1] * 3, "activation": activation}
        elif kind == "LeakyReLU":
            # Keras 3 renamed it.
            yield layer, {"negative_slope" if "negative_slope" in layer["config"] else "alpha": 0.2}
        elif kind == "BatchNormalization":
            yield layer, {"epsilon": 1e-3, "scale": True, "center": True}
        elif kind == "UpSampling3D":
            yield layer, {"size": [2, 2, 2]}


def _arrays(group: h5py.Group) -> dict[str, h5py.Dataset]:
    """The datasets of a layer by their short names: "kernel" for "conv3d_6/conv3d_6/kernel:0"."""
    found: dict[str, h5py.Dataset] = {}

    def keep(path: str, item: h5py.Group | h5py.Dataset) -> None:
        # Data that lies in other files is no part of the model.
        if isinstance(item, h5py.Dataset) and not item.is_virtual and not item.external:
            found[path.rsplit("/", 1)[-1].split(":")[0]] = item

    group.visititems(keep)
    return found


def _fill(module: nn.Module, arrays: Mapping[str, h5py.Dataset], names: Mapping[str, str], file: str) -> None:
    """Copy a layer's arrays into our module; one layer at a time, so that the file is never in memory twice."""
    for ours, keras in names.items():
        target: torch.Tensor = getattr(module, ours)
        shape = tuple(target.shape)
        if keras == "kernel":  # Keras: (z, y, x, in, out); PyTorch: (out, in, z, y, x)
            shape = (*shape[2:], shape[1], shape[0])
        if keras not in arrays or arrays[keras].shape != shape:
            found = f"has the shape {arrays[keras].shape}" if keras in arrays else "is missing"
            raise WeightsError(f"'{file}' is damaged: a {keras} of shape {shape} was expected, and it {found}.")
        values = np.asarray(arrays[keras], dtype=np.float32)
        if not np.isfinite(values).all() or (keras == "moving_variance" and values.min() < 0):
            raise WeightsError(f"'{file}' is damaged: a {keras} holds values that no network can have.")
        if keras == "kernel":
            values = values.transpose(4, 3, 0, 1, 2)
        target.copy_(torch.from_numpy(np.ascontiguousarray(values)))


def _read_calibration(files: KerasFiles) -> Calibration:
    try:
        norm = np.load(files.normalization, allow_pickle=False)
        mean, minimum, maximum = (float(value) for value in np.asarray(norm, dtype=np.float64))
    except (OSError, EOFError, ValueError, TypeError, MemoryError) as error:
        raise WeightsError(f"'{_NORMALIZATION}' does not hold mean, minimum and maximum; get it anew.") from error
    try:
        bins_hu, cdf = read_array_list(files.equalization.read_bytes())
        return Calibration(bins_hu.astype(np.float64), cdf.astype(np.float64), mean, minimum, maximum)
    except ValueError as error:
        raise WeightsError(
            f"'{_EQUALIZATION}' does not hold a calibration that fits '{_NORMALIZATION}' ({error}); get both anew."
        ) from error
