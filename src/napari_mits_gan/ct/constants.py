"""What the whole package agrees on: ranges and windows of HU, the usual region of interest, the label of an attack."""

from __future__ import annotations

HU_MIN, HU_MAX = -32768, 32767
"""Range of the HU array (int16)."""

LUNG_WINDOW_HU = (-1350.0, 150.0)
"""The lung window, level -600 and width 1500: lowest and highest HU."""

REGION_OF_INTEREST_MM = 10.0
"""Diameter of the disc within a slice over which a reader measures a mean."""

SIMULATED_ATTACK = "SIMULATED ATTACK"
"""Stands in the name of every layer and in the metadata of every file that carries a tampered volume."""
