"""Two volumes in one picture: one of them at the left of a line, the other at its right; and what that is called."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_mits_gan.ct.constants import SIMULATED_ATTACK

LINE_COLOR = "#ffd23f"
LINE_STEP_MM = 1.0


class Swiped:
    """An array that is one volume before a place on one axis, and another one from there on; copies neither.

    Parameters
    ----------
    before, after : ndarray, shape (z, y, x)
        Two volumes of one shape and type.
    axis : int
        The array axis that is divided.
    cut : int
        The first index on it that shows `after`; may be changed.

    Examples
    --------
    >>> swiped = Swiped(np.zeros((1, 2, 4), int), np.ones((1, 2, 4), int), axis=2, cut=3)
    >>> swiped[0, 1]
    array([0, 0, 0, 1])
    """

    def __init__(self, before: NDArray[Any], after: NDArray[Any], axis: int, cut: int) -> None:
        if before.shape != after.shape:
            raise ValueError(f"the two volumes have different shapes, {before.shape} and {after.shape}")
        self.before, self.after, self.axis, self.cut = before, after, axis, cut

    @property
    def shape(self) -> tuple[int, ...]:
        """Of either volume."""
        return self.before.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.before.ndim

    @property
    def size(self) -> int:
        """Number of voxels."""
        return self.before.size

    @property
    def dtype(self) -> DTypeLike:
        """Of the first volume."""
        return self.before.dtype

    def __len__(self) -> int:
        return len(self.before)

    def __getitem__(self, key: Any) -> Any:
        is_before = np.arange(self.shape[self.axis]) < self.cut
        shape = [1] * self.ndim
        shape[self.axis] = -1
        chosen = np.broadcast_to(is_before.reshape(shape), self.shape)[key]
        return np.where(chosen, self.before[key], self.after[key])[()]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype=dtype)


def swiped_name(tampered: bool, *titles: str) -> str:
    """What the picture is called: what is at either side; one that shows a tampered scan says so first."""
    return (f"{SIMULATED_ATTACK} · " if tampered else "") + "  ◂ | ▸  ".join(titles)


def faded_name(tampered: bool, below: str, above: str, share: float) -> str:
    """What a faded picture is called: how much is seen of either; one that shows a tampered scan says so first."""
    percent = round(100 * share)
    return (f"{SIMULATED_ATTACK} · " if tampered else "") + f"{below} {100 - percent} %, {above} {percent} %"
