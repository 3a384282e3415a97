"""The steps that coefficients are quantised with, and how what was quantised is told apart."""

from __future__ import annotations

import numpy as np

CENTRES = 3
"""Magnitudes whose mean is sent: 1, 2, and more."""
CENTRE_SCALE = 256
"""The mean is sent as its distance from the magnitude, in parts of a step."""


def step_of(code: int) -> np.float32:
    """Quantisation step of the lungs in HU."""
    return np.float32(2.0 ** (code / 128 - 1))


STEP_CODES = 128 * 21
"""From half a HU on: finer ones would change few values after rounding, and magnitudes stay below the largest token."""
