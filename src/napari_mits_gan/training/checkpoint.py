"""Checkpoints of a training run (safetensors): written whole or not at all, read without unpickling anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.files.replace import replaced_file
from napari_mits_gan.training.plain_state import plain, restored

if TYPE_CHECKING:
    import torch

FORMAT = "napari-mits-gan checkpoint 1"


def checkpoint_of(output: Path) -> Path:
    """Where the checkpoint stands of a run that writes `output`."""
    return output.with_suffix(".checkpoint")


def save_checkpoint(path: Path, step: int, run: str, parts: Mapping[str, Any]) -> None:
    """Write the state of everything in `parts` after `step` steps of a run.

    Parameters
    ----------
    path : Path
        The file to write or replace.
    step : int
        Steps done.
    run : str
        Whatever tells this run from others: what is trained, scans, settings.
    parts : mapping of str to object
        Anything with `state_dict`: networks, optimisers, schedules, random streams.
    """
    from safetensors.torch import save_file

    tensors: dict[str, torch.Tensor] = {}
    state = plain({name: part.state_dict() for name, part in parts.items()}, tensors)
    header = {"format": FORMAT, "step": str(step), "run": run, "state": json.dumps(state)}
    with replaced_file(path) as part_file:
        save_file(tensors, part_file, header)


def resume_from(path: Path, run: str, parts: Mapping[str, Any], device: torch.device) -> int:
    """Put the state of a checkpoint into `parts`, if it is of the same run.

    Returns
    -------
    int
        Steps already done; 0 where there is no checkpoint.

    Raises
    ------
    WeightsError
        If the checkpoint is of a run with other settings, or damaged.
    """
    from safetensors import safe_open

    if not path.is_file():
        return 0
    try:
        # Anything may be wrong with a file, and whatever it is, the remedy is the same.
        with safe_open(path, framework="pt", device=str(device)) as file:
            header = file.metadata() or {}
            if header["format"] != FORMAT:
                raise ValueError("another format")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        same = header["run"] == run
        step = int(header["step"])
        states = restored(json.loads(header["state"]), tensors)
    except Exception as error:
        raise WeightsError(f"the checkpoint '{path.name}' is damaged; remove it to start anew.") from error
    if not same:
        raise WeightsError(f"the checkpoint '{path.name}' is of a run with other settings; remove it to start anew.")
    try:
        for name, part in parts.items():
            part.load_state_dict(states[name])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(f"the checkpoint '{path.name}' is damaged; remove it to start anew.") from error
    return step
