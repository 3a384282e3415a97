"""Changes without any thought behind them, of exactly as much RMS as a protection: what it has to beat."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import ProtectionError

_TOLERANCE = 1e-3
_MOST_ROUNDS = 60

Pattern = Callable[[NDArray[np.bool_], np.random.Generator], NDArray[np.float32]]


def _gaussian_noise(body: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
    return rng.standard_normal(int(body.sum()), dtype=np.float32)


def _constant_shift(body: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.ones(int(body.sum()), dtype=np.float32)


def _slice_shift(body: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float32]:
    return np.where(np.nonzero(body)[0] % 2 == 0, np.float32(1), np.float32(-1))


CONTROLS: Mapping[str, Pattern] = {
    "gaussian-noise": _gaussian_noise,
    "constant-shift": _constant_shift,
    "slice-shift": _slice_shift,
}
"""Name of each control, and the values of its pattern at the voxels of the body, in their order."""


def check_controls(names: Iterable[str]) -> None:
    """Refuse what is no control, before long work begins.

    Raises
    ------
    ProtectionError
        If there is no control of one of these names.
    """
    for name in names:
        if name not in CONTROLS:
            raise ProtectionError(f"there is no control called '{name}'; choose from {', '.join(CONTROLS)}.")


def control(
    volume: CTVolume, name: str, rms_hu: float, *, seed: int = 0, body: NDArray[np.bool_] | None = None
) -> CTVolume:
    """Change a scan by a simple pattern of a given RMS.

    Parameters
    ----------
    volume : CTVolume
        The scan; it stays as it is.
    name : {"gaussian-noise", "constant-shift", "slice-shift"}
        White Gaussian noise without a largest change; every voxel raised; even slices raised and odd ones lowered.
    rms_hu : float
        Root of the mean squared change inside the body, HU; met to 0.1 %.
    seed : int
        Fixes what is drawn.
    body : ndarray of bool, shape (z, y, x), or None
        Where to change; None takes `body_mask(volume)`. Padding is never changed.

    Returns
    -------
    CTVolume
        In whole HU, outside the body unchanged. A shift of a fraction is reached by rounding up part of the voxels.

    Raises
    ------
    ProtectionError
        If there is no control of that name.
    ValueError
        If the RMS is negative or cannot be reached.
    """
    check_controls([name])
    if not (math.isfinite(rms_hu) and rms_hu >= 0):
        raise ValueError(f"the RMS must be zero or more HU; it is {rms_hu}")
    inside = np.array(body_mask(volume) if body is None else body)
    if volume.padding is not None:
        inside &= ~volume.padding
    rng = np.random.default_rng(seed)
    pattern = CONTROLS[name](inside, rng)
    change = _scaled(pattern, rng.random(pattern.size, dtype=np.float32), rms_hu)
    hu = volume.hu.copy()
    hu[inside] = (hu[inside] + change).clip(HU_MIN, HU_MAX).astype(np.int16)
    return volume.with_hu(hu, Step("protection", {"method": name, "rms_hu": rms_hu, "seed": seed}))


def _scaled(pattern: NDArray[np.float32], dither: NDArray[np.float32], rms_hu: float) -> NDArray[np.float32]:
    """The pattern in whole HU, scaled until it has the RMS; `dither` (0 to 1) decides what is rounded up."""
    if rms_hu == 0 or pattern.size == 0:
        return np.zeros_like(pattern)
    scale = rms_hu
    for _ in range(_MOST_ROUNDS):
        change = np.floor(scale * pattern + dither)
        reached = float(np.sqrt(np.mean(np.square(change, dtype=np.float64))))
        if abs(reached / rms_hu - 1) <= _TOLERANCE:
            return change
        scale *= rms_hu / reached if reached > 0 else 2.0
    raise ValueError(f"an RMS of {rms_hu} HU cannot be reached with whole HU in {pattern.size} voxels")
