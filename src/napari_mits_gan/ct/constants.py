"""What the whole package agrees on: the range of HU, and the label of a tampered scan."""

from __future__ import annotations

HU_MIN, HU_MAX = -32768, 32767
"""Range of the HU array (int16)."""

SIMULATED_ATTACK = "SIMULATED ATTACK"
"""Stands in the name of every layer and in the metadata of every file that carries a tampered volume."""
