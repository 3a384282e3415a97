"""Ranges and windows of HU that the whole package agrees on."""

from __future__ import annotations

HU_MIN, HU_MAX = -32768, 32767
"""Range of the HU array (int16)."""
