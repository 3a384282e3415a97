"""Ranges and windows of HU, and the usual region of interest, that the whole package agrees on."""

from __future__ import annotations

HU_MIN, HU_MAX = -32768, 32767
"""Range of the HU array (int16)."""

LUNG_WINDOW_HU = (-1350.0, 150.0)
"""The lung window, level -600 and width 1500: lowest and highest HU."""

REGION_OF_INTEREST_MM = 10.0
"""Diameter of the disc within a slice over which a reader measures a mean."""
