"""Attackers in the layout of CT-GAN's authors, written for the tests: a Keras model in HDF5 and its calibration."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np

if TYPE_CHECKING:
    import torch

    from napari_mits_gan.attack.ctgan.network import Generator

BINS = np.linspace(-1400.0, 3000.0, 50)
CDF = np.cumsum(np.linspace(0.0, 90.0, 50))
NORM = [1100.0, 0.0, 2250.0]


def keras_layers(generator: Generator) -> list[tuple[dict, dict[str, np.ndarray]]]:
    """The generator's layers with their arrays, in the order and with the names that Keras gives them."""
    count: dict[str, int] = {}
    layers: list[tuple[dict, dict[str, np.ndarray]]] = []

    def add(kind: str, prefix: str, arrays: dict[str, np.ndarray] | None = None, **config: object) -> None:
        count[kind] = count.get(kind, 5) + 1  # the discriminator took the first numbers
        layers.append(({"class_name": kind, "config": config, "name": f"{prefix}_{count[kind]}"}, arrays or {}))

    def conv(module: torch.nn.Module, strides: int, activation: str) -> None:
        arrays = {
            "kernel": module.weight.detach().numpy().transpose(2, 3, 4, 1, 0),
            "bias": module.bias.detach().numpy(),
        }
        add(
            "Conv3D",
            "conv3d",
            arrays,
            kernel_size=[4, 4, 4],
            strides=[strides] * 3,
            padding="same",
            data_format="channels_last",
            activation=activation,
        )

    def norm(module: torch.nn.Module) -> None:
        arrays = {
            "gamma": module.weight,
            "beta": module.bias,
            "moving_mean": module.running_mean,
            "moving_variance": module.running_var,
        }
        arrays = {name: value.detach().numpy() for name, value in arrays.items()}
        add("BatchNormalization", "batch_normalization", arrays, epsilon=0.001, scale=True, center=True)

    add("InputLayer", "input")
    for i, down in enumerate(generator.down):
        conv(down.conv, 2, "linear")
        add("LeakyReLU", "leaky_re_lu", alpha=0.20000000298023224)
        if i:
            norm(down.norm)
    for up in generator.up:
        add("UpSampling3D", "up_sampling3d", size=[2, 2, 2])
        conv(up.conv, 1, "relu")
        add("Dropout", "dropout", rate=0.5)
        norm(up.norm)
        add("Cropping3D", "cropping3d")
        add("Concatenate", "concatenate")
    add("UpSampling3D", "up_sampling3d", size=[2, 2, 2])
    conv(generator.out, 1, "tanh")
    return layers


def write_model(path: Path, layers: list[tuple[dict, dict[str, np.ndarray]]]) -> None:
    with h5py.File(path, "w") as file:
        config = {"class_name": "Model", "config": {"layers": [layer for layer, _ in layers]}}
        file.attrs["model_config"] = np.bytes_(json.dumps(config).encode())
        for layer, arrays in layers:
            group = file.create_group(f"model_weights/{layer['name']}")
            for name, array in arrays.items():
                group[f"{layer['name']}/{name}:0"] = array


def write_folder(folder: Path, generator: Generator, model: str = "G_model_inj.h5", cdf: np.ndarray = CDF) -> Path:
    """A whole folder in the authors' layout."""
    folder.mkdir(exist_ok=True)
    write_model(folder / model, keras_layers(generator))
    np.save(folder / "normalization.npy", NORM)
    (folder / "equalization.pkl").write_bytes(pickle.dumps([BINS, cdf]))
    return folder
