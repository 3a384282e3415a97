"""On which processor the networks run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_mits_gan.errors import MitsGanError

if TYPE_CHECKING:
    import torch

NAMES = ("auto", "cuda", "mps", "cpu")
"""What a user may ask for; "auto" takes the first of the others that this computer has."""


class DeviceError(MitsGanError):
    """A processor was asked for that this computer does not have."""


def available_devices() -> list[str]:
    """Names of the devices that this computer can compute on, fastest first; "cpu" is always the last.

    Returns
    -------
    list of str
        Some of "cuda", "mps", "cpu".
    """
    import torch

    found = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return [*found, "cpu"]


def choose_device(name: str = "auto") -> torch.device:
    """The device to compute on.

    Parameters
    ----------
    name : {"auto", "cuda", "mps", "cpu"} or "cuda:N"
        "auto" takes CUDA where there is one, Apple's mps else, the CPU else.

    Returns
    -------
    torch.device

    Raises
    ------
    DeviceError
        If there is no such device in this computer, or no device of that name at all.

    Examples
    --------
    >>> choose_device("cpu")
    device(type='cpu')
    """
    import torch

    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    kind, _, number = name.partition(":")
    known = kind in NAMES and (not number or (kind == "cuda" and number.isdecimal()))
    if not known:
        raise DeviceError(f"there is no device called {name!r}; choose one of {', '.join(NAMES)}")
    if kind not in available or (number and int(number) >= torch.cuda.device_count()):
        raise DeviceError(f"this computer has no {name!r} device; choose one of auto, {', '.join(available)}")
    return torch.device(name)
