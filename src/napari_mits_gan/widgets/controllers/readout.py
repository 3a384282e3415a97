"""The status bar: which voxel lies under the mouse, where that is in mm, and the HU of every panel there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from qtpy.QtCore import QObject

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.panel_names import ATTACK, DIFFERENCE, HEALED, OTHER_ATTACK, OTHER_SCAN, SCAN
from napari_mits_gan.widgets.layers.view import voxel_at

_SIDES = (("L", "R"), ("P", "A"), ("H", "F"))
"""Of the world's x, y and z (LPS): towards plus, towards minus."""


class Readout(Controller):
    """Puts its line into napari's status bar whenever napari puts its own there."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._told = ""
        parts.viewer.events.status.connect(self._on_status)

    def close(self) -> None:
        """The window goes away: write no more."""
        self.parts.viewer.events.status.disconnect(self._on_status)

    def listen_to(self, viewer: Any) -> None:
        """Read what lies under the mouse in another viewer, of the same world, as well."""
        viewer.cursor.events.position.connect(self._on_cursor)

    def _on_cursor(self, event: Any) -> None:
        position = tuple(event.value)
        if len(position) >= 3 and (text := self.text(position)) is not None:
            self._tell(text)

    def refresh(self) -> None:
        """Panels show something else now: what was read of them is no longer so."""
        viewer = self.parts.viewer
        if self._told and viewer.status == self._told:
            self._tell((self.text(tuple(viewer.cursor.position)) or "") if viewer.mouse_over_canvas else "")

    def _tell(self, text: str) -> None:
        self._told = text
        if self.parts.viewer.status != text:
            self.parts.viewer.status = text

    def text(self, position: tuple[float, ...]) -> str | None:
        """What there is at a position in the world; None where that is outside the scan, or no scan is shown."""
        scan, panels = self.parts.session.original, self.parts.panels
        if scan is None or not panels.shown:
            return None
        place = np.rint(voxel_at(scan, position)).astype(int)
        if not all(0 <= value < n for value, n in zip(place, scan.shape, strict=True)):
            return None
        at = (int(place[0]), int(place[1]), int(place[2]))
        found: dict[str, int] = {}
        for role in panels.shown:
            data = panels.image(role).data
            if all(value < n for value, n in zip(at, data.shape, strict=True)):
                found[self._name(role)] = int(data[at])
        return readout(scan, at, found)

    def _name(self, role: str) -> str:
        shown = self.parts.session.shown
        other = "original" if shown == "protected" else "protected"
        return {
            SCAN: shown,
            OTHER_SCAN: other,
            ATTACK: f"attack on {shown}",
            OTHER_ATTACK: f"attack on {other}",
            HEALED: "healed",
            DIFFERENCE: "difference",
        }[role]

    def _on_status(self, event: Any) -> None:
        viewer = self.parts.viewer
        if not viewer.mouse_over_canvas:
            # napari tells, in one layer's own terms, of where the mouse was or never was.
            if not isinstance(viewer.status, str):
                viewer.status = ""
            return
        text = self.text(tuple(viewer.cursor.position))
        if text is not None:
            self._tell(text)


def readout(scan: CTVolume, at: tuple[int, int, int], found: Mapping[str, int]) -> str:
    """A voxel, its place in the patient, and HU by what they are of.

    Examples
    --------
    >>> scan = CTVolume(np.zeros((2, 2, 2), np.int16), (2.5, 0.7, 0.7), origin=(-10, 20, 5))
    >>> readout(scan, (1, 0, 1), {"original": -812, "attack on original": 35})
    'z 1, y 0, x 1 · R 9.3, P 20.0, H 7.5 mm · HU: original -812, attack on original 35'
    """
    z, y, x = at
    world = scan.world_from_voxel(at)
    place = ", ".join(
        f"{sides[0] if value >= 0 else sides[1]} {abs(value):.1f}" for sides, value in zip(_SIDES, world, strict=True)
    )
    values = ", ".join(f"{name} {value}" for name, value in found.items())
    return f"z {z}, y {y}, x {x} · {place} mm · HU: {values}"
