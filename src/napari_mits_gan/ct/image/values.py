"""Values of an image file as whole HU."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.errors import ReadError


def as_hu(values: NDArray[Any], name: str) -> NDArray[np.int16]:
    """Values rounded to whole HU.

    Raises
    ------
    ReadError
        If one is no number, or lies outside the range of int16.
    """
    if values.dtype == np.int16 and values.dtype.isnative:
        return np.array(values)
    lowest, highest = values.min(), values.max()
    # Written so that a NaN, which compares as False, is refused too.
    if not (lowest >= HU_MIN - 0.5 and highest <= HU_MAX + 0.5):
        raise ReadError(f"{name} holds values outside -32768 ... 32767 HU (or no numbers), so it is not a CT in HU.")
    if values.dtype.kind == "f":
        return np.clip(np.rint(values), HU_MIN, HU_MAX).astype(np.int16)
    return values.astype(np.int16)
