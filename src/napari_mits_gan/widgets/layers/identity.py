"""Which layer is which: napari hands plugins layers in wrappers, new ones each time, so `is` and `type` mislead."""

from __future__ import annotations

from typing import Any


def same_layer(one: Any, other: Any) -> bool:
    """Whether two layers, wrapped or not, are one."""
    return bool(one.unique_id == other.unique_id)


def in_viewer(viewer: Any, layer: Any) -> bool:
    """Whether a layer is still in a viewer."""
    return any(same_layer(layer, other) for other in viewer.layers)
