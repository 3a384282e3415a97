"""The colours that a user can choose: of rings around attacks, and of differences."""

from __future__ import annotations

from dataclasses import dataclass

from napari.utils.colormaps import Colormap

RINGS = {
    "yellow": "#ffd23f",
    "cyan": "#3fd2ff",
    "orange": "#ff9b3f",
    "magenta": "#ff6fe0",
    "green": "#7be08f",
    "white": "#ffffff",
}
"""Colours of rings by name."""
_BLACK = [0.0, 0.0, 0.0]
DIFFERENCES = {
    "blue to orange": Colormap([[0.25, 0.65, 1.0], _BLACK, [1.0, 0.55, 0.1]], name="difference"),
    "green to magenta": Colormap([[0.2, 0.85, 0.45], _BLACK, [1.0, 0.35, 0.9]], name="difference, green to magenta"),
    "blue to red": Colormap([[0.3, 0.5, 1.0], _BLACK, [1.0, 0.25, 0.2]], name="difference, blue to red"),
}
"""Where the first is darker, where nothing differs (black), and where it is brighter."""


@dataclass(frozen=True)
class Colors:
    """Names of colours; one that there is not is the usual one.

    Parameters
    ----------
    inject, remove : str
        Of the rings, see `RINGS`.
    difference : str
        See `DIFFERENCES`.
    """

    inject: str = "yellow"
    remove: str = "cyan"
    difference: str = "blue to orange"

    def ring(self, action: str) -> str:
        """The colour of a ring around an attack."""
        chosen, otherwise = (self.inject, USUAL.inject) if action == "inject" else (self.remove, USUAL.remove)
        return RINGS.get(chosen, RINGS[otherwise])

    @property
    def difference_map(self) -> Colormap:
        """The colours of a difference."""
        return DIFFERENCES.get(self.difference, DIFFERENCES[USUAL.difference])


USUAL = Colors()
