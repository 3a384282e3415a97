"""The image layer of each panel: made once, then given other data, so that nothing flickers."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.colors import USUAL, Colors
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.panel_names import DIFFERENCE, HEALED, PANEL_KEY, SWIPE
from napari_mits_gan.widgets.layers.swipe import Swiped
from napari_mits_gan.widgets.layers.volume_layer import (
    SIMULATED_ATTACK,
    SIMULATED_ATTACK_KEY,
    grid_options,
    image_options,
    volume_metadata,
)

LINKED = ("contrast_limits", "colormap", "gamma")
"""What all panels but the difference have in common."""
CONTRAST_RANGE_HU = (-2048.0, 3071.0)
_USUAL_NAME, _LEAST_NAME = 8.0, 5.0
"""Sizes of the name in a panel, in points."""
_POINTS_A_PIXEL = 0.9
"""A sign of 8 points takes 8 pixels, many capitals among them; the rest stays free at either side."""
_COLOR_BAR = (14.0, 76.0)
"""Width and height of a difference's colour bar, in pixels."""
_COLOR_BAR_PANEL = 310.0
"""The least height of a panel with a colour bar, in pixels."""
_TAMPERED, _HEALED, _REAL = "#ff7b6b", "#7be08f", "white"
"""Colours of the name in a panel."""


def show_volume(viewer: Any, layer: Any, role: str, volume: CTVolume, name: str, like: Any = None) -> Any:
    """Show a volume in a panel; returns the panel's layer.

    Parameters
    ----------
    viewer : napari viewer
        Where a new layer is added.
    layer : napari layer or None
        The panel's layer, where there is one.
    role : str
        Which panel.
    volume : CTVolume
        What to show.
    name : str
        What to call it.
    like : napari layer or None
        Whose window in HU and colour map a new layer takes.
    """
    metadata = {**volume_metadata(volume), PANEL_KEY: role}
    if layer is None:
        options = {**image_options(volume), "name": name, "metadata": metadata}
        if like is not None:
            options["contrast_limits"] = like.contrast_limits
            options["colormap"] = like.colormap
        layer = viewer.add_image(volume.hu, **options)
        layer.contrast_limits_range = CONTRAST_RANGE_HU
    elif layer.data is not volume.hu:
        layer.data = volume.hu
        _place(layer, grid_options(volume))
    layer.name = name
    layer.metadata = metadata
    _show_name(layer, name_color(role, volume))
    return layer


def show_difference(viewer: Any, layer: Any, contents: Contents, colors: Colors = USUAL) -> Any:
    """Show the difference in its panel, in these colours; returns the panel's layer."""
    limit = contents.difference_limit_hu
    name = f"Difference (HU) · {contents.difference_label}"
    metadata = {PANEL_KEY: DIFFERENCE, SIMULATED_ATTACK_KEY: bool(contents.injections)}
    grid = grid_options(contents.difference_on or contents.scan)
    if layer is None:
        layer = viewer.add_image(
            contents.difference,
            **grid,
            name=name,
            metadata=metadata,
            colormap=colors.difference_map,
            contrast_limits=(-limit, limit),
        )
        layer.colorbar.visible = True
        layer.colorbar.position = "bottom_right"
        layer.colorbar.font_size = 7
        layer.colorbar.size = _COLOR_BAR
    elif layer.data is not contents.difference:
        layer.data = contents.difference
        _place(layer, grid)
    if tuple(layer.contrast_limits) != (-limit, limit):
        layer.contrast_limits_range = (-limit, limit)
        layer.contrast_limits = (-limit, limit)
    layer.name = name
    layer.metadata = metadata
    _show_name(layer, _REAL)
    return layer


def show_swiped(viewer: Any, layer: Any, swiped: Swiped, volume: CTVolume, name: str, like: Any) -> Any:
    """Show a picture that is divided between two volumes; returns its layer.

    Parameters
    ----------
    viewer : napari viewer
        Where a new layer is added.
    layer : napari layer or None
        The layer that showed it so far.
    swiped : Swiped
        What to show.
    volume : CTVolume
        One of the two, which have the same grid.
    name : str
        What to call it.
    like : napari layer
        Whose window in HU and colour map it takes.
    """
    if layer is None:
        layer = viewer.add_image(
            swiped,
            **grid_options(volume),
            name=name,
            metadata={PANEL_KEY: SWIPE, SIMULATED_ATTACK_KEY: True},
            colormap=like.colormap,
            contrast_limits=like.contrast_limits,
        )
        layer.contrast_limits_range = CONTRAST_RANGE_HU
    else:
        layer.data = swiped
        layer.contrast_limits = like.contrast_limits
    layer.name = name
    _show_name(layer, _TAMPERED if name.startswith(SIMULATED_ATTACK) else _REAL)
    size_name(layer, float("inf"))
    return layer


def show_color_bar(layer: Any, panel_height: float) -> None:
    """Show a difference's colour bar where it has room between the scale bar and the letter of the right edge."""
    # not by its size, nor by `visible`: napari cannot measure the ticks of a bar that was not drawn yet
    opacity = float(panel_height >= _COLOR_BAR_PANEL)
    if layer.colorbar.opacity != opacity:
        layer.colorbar.opacity = opacity


def size_name(layer: Any, panel_pixels: float) -> None:
    """Write the layer's name so small that it fits into a panel of that width."""
    size = float(np.clip(_POINTS_A_PIXEL * panel_pixels / len(layer.name), _LEAST_NAME, _USUAL_NAME) // 1)
    if layer.name_overlay.font_size != size:
        layer.name_overlay.font_size = size


def _place(layer: Any, grid: dict[str, Any]) -> None:
    """Put a layer where a grid lies, where it is elsewhere: napari measures all layers anew for each setting."""
    for name in ("scale", "translate"):
        if not np.array_equal(getattr(layer, name), grid[name]):
            setattr(layer, name, grid[name])


def name_color(role: str, volume: CTVolume) -> str:
    """In which colour a panel is named: what is tampered with is told from what is real."""
    return _HEALED if role == HEALED else _TAMPERED if volume.is_tampered else _REAL


def _show_name(layer: Any, color: str) -> None:
    """The layer's name in its panel."""
    overlay = layer.name_overlay
    overlay.color = color
    # napari puts what has the same position below each other: the name below the letter of the upper edge
    overlay.position, overlay.box = "top_center", True
    overlay.visible = True
