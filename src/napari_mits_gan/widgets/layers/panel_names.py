"""The panels by name, and how a layer tells which one it belongs to."""

from __future__ import annotations

PANEL_KEY = "mits_gan_panel"
"""Name, in a layer's metadata, of the panel that it belongs to."""
SCAN, OTHER_SCAN, ATTACK, OTHER_ATTACK, HEALED, DIFFERENCE = PANELS = (
    "scan",
    "other scan",
    "attack",
    "other attack",
    "healed",
    "difference",
)
"""The version that is shown, the other version (original or protected), the attacks on either, what its seal gave back,
and the difference."""
SWIPE = "swipe"
"""What divides one picture between two panels; no panel itself."""
PAIRS = {
    (OTHER_ATTACK, ATTACK): "Both attacks",
    (OTHER_SCAN, SCAN): "Both versions",
    (SCAN, ATTACK): "Before and after",
    (ATTACK, HEALED): "Attack and healed",
}
"""Which two panels can take turns, or share a picture, and what that shows."""
DEFAULT_PANELS = frozenset({SCAN, ATTACK, HEALED, DIFFERENCE})
MOST_PANELS = 4
