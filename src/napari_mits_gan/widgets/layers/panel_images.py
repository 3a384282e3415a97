"""The image layer of each panel: made once, then given other data, so that nothing flickers."""

from __future__ import annotations

from typing import Any

from napari.utils.colormaps import Colormap

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.panel_names import DIFFERENCE, HEALED, PANEL_KEY
from napari_mits_gan.widgets.layers.volume_layer import (
    SIMULATED_ATTACK_KEY,
    grid_options,
    image_options,
    volume_metadata,
)

DIVERGING = Colormap([[0.25, 0.65, 1.0], [0.0, 0.0, 0.0], [1.0, 0.55, 0.1]], name="difference")
"""Blue where the first is darker, black where nothing differs, orange where it is brighter."""
CONTRAST_RANGE_HU = (-2048.0, 3071.0)
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
        grid = grid_options(volume)
        layer.scale, layer.translate = grid["scale"], grid["translate"]
    layer.name = name
    layer.metadata = metadata
    _show_name(layer, _HEALED if role == HEALED else _TAMPERED if volume.is_tampered else _REAL)
    return layer


def show_difference(viewer: Any, layer: Any, contents: Contents) -> Any:
    """Show the difference in its panel; returns the panel's layer."""
    limit = contents.difference_limit_hu
    name = f"Difference (HU) · {contents.difference_label}"
    metadata = {PANEL_KEY: DIFFERENCE, SIMULATED_ATTACK_KEY: contents.attacked is not None}
    grid = grid_options(contents.difference_on or contents.scan)
    if layer is None:
        layer = viewer.add_image(
            contents.difference,
            **grid,
            name=name,
            metadata=metadata,
            colormap=DIVERGING,
            contrast_limits=(-limit, limit),
        )
        layer.colorbar.visible = True
        layer.colorbar.position = "bottom_right"
        layer.colorbar.font_size = 8
        layer.colorbar.size = (14, 110)
    elif layer.data is not contents.difference:
        layer.data = contents.difference
        layer.scale, layer.translate = grid["scale"], grid["translate"]
    if tuple(layer.contrast_limits) != (-limit, limit):
        layer.contrast_limits_range = (-limit, limit)
        layer.contrast_limits = (-limit, limit)
    layer.name = name
    layer.metadata = metadata
    _show_name(layer, _REAL)
    return layer


def _show_name(layer: Any, color: str) -> None:
    """The layer's name in its panel."""
    overlay = layer.name_overlay
    overlay.color = color
    overlay.font_size = 8
    # napari puts what has the same position below each other: the name below the letter of the upper edge
    overlay.position, overlay.box = "top_center", True
    overlay.visible = True
