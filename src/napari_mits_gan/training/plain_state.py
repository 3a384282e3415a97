"""The state of a training as a JSON text and a list of tensors, and back; nothing in it is ever executed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor


def plain(state: object, tensors: dict[str, Tensor]) -> Any:
    """What JSON can hold of a state; its tensors are added to `tensors` and named in their place.

    Parameters
    ----------
    state : object
        Mappings, lists and tuples of tensors, numbers, texts and None, as `state_dict` of PyTorch's modules,
        optimisers and schedules gives them.
    tensors : dict of str to Tensor
        Filled.

    Raises
    ------
    TypeError
        If something else is in the state.
    """
    import torch

    if isinstance(state, torch.Tensor):
        name = str(len(tensors))
        # A copy, since some tensors share their memory, which the file format does not know.
        tensors[name] = state.detach().cpu().contiguous().clone()
        return {"tensor": name}
    if isinstance(state, Mapping):
        # Pairs, since an optimiser counts its parameters by numbers and JSON has texts as keys only.
        return {"pairs": [[plain(key, tensors), plain(value, tensors)] for key, value in state.items()]}
    if isinstance(state, list | tuple):
        return {type(state).__name__: [plain(value, tensors) for value in state]}
    if isinstance(state, np.generic):
        state = state.item()
    if state is None or isinstance(state, bool | int | float | str):
        return state
    raise TypeError(f"a checkpoint cannot hold a {type(state).__name__}")


def restored(state: Any, tensors: Mapping[str, Tensor]) -> Any:
    """What `plain` was given.

    Raises
    ------
    KeyError, TypeError, ValueError
        If it is not what `plain` makes.
    """
    if not isinstance(state, dict):
        return state
    ((kind, content),) = state.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "pairs":
        return {restored(key, tensors): restored(value, tensors) for key, value in content}
    if kind in ("list", "tuple"):
        values = [restored(value, tensors) for value in content]
        return values if kind == "list" else tuple(values)
    raise ValueError(f"a checkpoint does not hold anything called {kind!r}")
