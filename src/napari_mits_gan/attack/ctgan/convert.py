"""From the layout of CT-GAN's authors (a folder with a Keras model) to one file of our own."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.ctgan.keras_weights import load_keras_attacker
from napari_mits_gan.attack.ctgan.weights import AttackerWeights, save_attacker
from napari_mits_gan.errors import WeightsError, WriteError
from napari_mits_gan.files.publish import failure, place_file

_SUFFIX = ".safetensors"


def convert_keras_attacker(folder: Path, output: Path, action: Action | None = None) -> AttackerWeights:
    """Write an attacker of CT-GAN's authors as a safetensors file.

    Parameters
    ----------
    folder : Path
        Holds `G_model.h5` (or `G_model_inj.h5`, `G_model_rem.h5`), `normalization.npy` and `equalization.pkl`.
    output : Path
        A new file, its name ending with .safetensors, in an existing folder.
    action : {"inject", "remove"} or None
        What the attacker does, where the names in the folder do not tell.

    Returns
    -------
    AttackerWeights
        What was written, before rounding to half precision; its metadata say that it was converted, and name the
        three files with their digests.

    Raises
    ------
    WeightsError
        If a file of the folder is missing, damaged, or holds something else.
    WriteError
        If the output is there already, has another ending, or the disk refuses.
    """
    if output.suffix != _SUFFIX:
        raise WriteError(f"{output.name} cannot be written as weights; its name must end with {_SUFFIX}.")
    if not output.parent.is_dir():
        raise WriteError(f"The folder for {output.name} does not exist; make it first.")
    taken = f"{output.name} is there already and is not overwritten; choose another name."
    if os.path.lexists(output):
        raise WriteError(taken)
    if not folder.is_dir():
        raise WeightsError(
            f"'{folder.name}' is no folder; choose the folder that holds G_model.h5, normalization.npy and "
            "equalization.pkl."
        )
    weights = load_keras_attacker(folder, action)
    weights = replace(weights, metadata={"converted_from": "Keras, layout of CT-GAN's authors", **weights.metadata})
    try:
        with tempfile.TemporaryDirectory(prefix=".weights-", suffix=".partial", dir=output.parent) as folder_beside:
            temporary = Path(folder_beside) / output.name
            save_attacker(weights, temporary)
            place_file(temporary, output)
    except FileExistsError:
        raise WriteError(taken) from None
    except OSError as error:
        raise failure(error) from None
    return weights
