"""Loads what the first click needs, and finds out which devices and protection methods there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller, Parts

if TYPE_CHECKING:
    from napari_mits_gan.protection.contract import Method


class Preparing(Controller):
    """Does in the background what would let the user wait later."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self.devices: tuple[str, ...] = ("auto", "cpu")
        """Where networks can be computed."""
        self.methods: Mapping[str, type[Method]] = {}
        """The protection methods by name; empty until they are known."""

    def warm_up(self) -> None:
        """Find out devices and methods, and warm the package's own networks up."""
        networks = self.parts.session.networks

        def load(progress: Any) -> tuple[tuple[str, ...], Mapping[str, type[Method]]]:
            from napari_mits_gan.device import available_devices
            from napari_mits_gan.protection.protect import METHODS

            found = ("auto", *available_devices())
            if networks.device not in found:  # one that the user set in the Preferences, maybe on another computer
                networks.device = "auto"
            networks.warm_up()
            return found, METHODS

        def done(found: tuple[tuple[str, ...], Mapping[str, type[Method]]]) -> None:
            self.devices, self.methods = found
            self.changed.emit()

        self.parts.quick.run(Work("Getting ready", load, done, lambda error: None, key="warm up"))
