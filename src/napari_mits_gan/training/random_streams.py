"""All that a training draws from, seeded, and kept in its checkpoint, so that a resumed run draws what it would have.

Without this a resumed run would start its streams anew, and see again the samples that it began with.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """PyTorch's streams start from `seed` while the block runs, and are afterwards where they were before it."""
    before = _torch_states(device)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        _set_torch_states(before, device)


class RandomStreams:
    """PyTorch's streams, that of the device included, and NumPy's generators, as one part of a checkpoint.

    Parameters
    ----------
    generators : mapping of str to numpy.random.Generator
        What else the training draws from, by name.
    device : torch.device
        Where it computes.
    """

    def __init__(self, generators: Mapping[str, np.random.Generator], device: torch.device) -> None:
        self._generators = dict(generators)
        self._device = device

    def state_dict(self) -> dict[str, Any]:
        """Where all streams are."""
        # As texts, since a generator counts in whole numbers of 128 bits.
        numpy = {name: json.dumps(rng.bit_generator.state) for name, rng in self._generators.items()}
        return {"numpy": numpy, "torch": _torch_states(self._device)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        for name, rng in self._generators.items():
            rng.bit_generator.state = json.loads(state["numpy"][name])
        _set_torch_states(state["torch"], self._device)


def _torch_states(device: torch.device) -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["mps"] = torch.mps.get_rng_state()
    return states


def _set_torch_states(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    torch.set_rng_state(states["cpu"].cpu())
    # A run that goes on on another kind of device has no state for it, and cannot repeat to the bit in any case.
    if device.type == "cuda" and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"].cpu(), device)
    elif device.type == "mps" and "mps" in states:
        torch.mps.set_rng_state(states["mps"].cpu())
