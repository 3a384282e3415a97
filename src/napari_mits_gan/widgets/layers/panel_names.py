"""The panels by name, and how a layer tells which one it belongs to."""

from __future__ import annotations

PANEL_KEY = "mits_gan_panel"
"""Name, in a layer's metadata, of the panel that it belongs to."""
SCAN, ATTACK, HEALED, DIFFERENCE = PANELS = ("scan", "attack", "healed", "difference")
