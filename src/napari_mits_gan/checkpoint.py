"""Checkpoints of a training run: written whole or not at all, read without unpickling objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mits_gan.errors import WeightsError

if TYPE_CHECKING:
    import torch


def checkpoint_of(output: Path) -> Path:
    """Where the checkpoint stands of a run that writes `output`."""
    return output.with_suffix(".checkpoint")


def save_checkpoint(path: Path, step: int, run: object, parts: Mapping[str, Any]) -> None:
    """Write the state of everything in `parts` (anything with `state_dict`) after `step` steps of `run`."""
    import torch

    part_file = path.with_suffix(".part")
    part_file.parent.mkdir(parents=True, exist_ok=True)
    states = {name: part.state_dict() for name, part in parts.items()}
    torch.save({**states, "step": step, "run": repr(run)}, part_file)
    part_file.replace(path)


def resume_from(path: Path, run: object, parts: Mapping[str, Any], device: torch.device) -> int:
    """Put the state of a checkpoint into `parts`, if it is of the same `run`: whatever `repr` tells apart.

    Returns
    -------
    int
        Steps already done; 0 where there is no checkpoint.

    Raises
    ------
    WeightsError
        If the checkpoint is of a run with other settings, or damaged.
    """
    import torch

    if not path.is_file():
        return 0
    try:
        saved = torch.load(path, map_location=device, weights_only=True)
        same = saved["run"] == repr(run)
    except Exception as error:
        raise WeightsError(f"the checkpoint '{path.name}' is damaged; remove it to start anew.") from error
    if not same:
        raise WeightsError(f"the checkpoint '{path.name}' is of a run with other settings; remove it to start anew.")
    for name, part in parts.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])
