"""Simulates attacks: by a click, by numbers, with the attacker that the user chose; and takes them back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QObject

from napari_mits_gan.errors import Cancelled
from napari_mits_gan.session import ReplayError
from napari_mits_gan.widgets.background import Work, sentence
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.view import voxel_at

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.session import Choice, Voxel

CHOOSING, ATTACKING = "Choosing the attacker", "Attacking"


class Attacking(Controller):
    """Adds attacks to the session and takes them back; what they do is computed for the panels."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._action: Action = "inject"

    @property
    def action(self) -> Action:
        """What the next attack does."""
        return self._action

    def choose(self, action: Action) -> None:
        """Let the next attack inject or remove."""
        self._action = action
        self.changed.emit()

    def click(self, position: tuple[float, ...]) -> Voxel | None:
        """Attack where the user clicked, in world coordinates; the voxel, or None where that was refused."""
        viewer, messages = self.parts.viewer, self.parts.messages
        scan = self.parts.session.original
        if scan is None or not self.parts.panels.shown:
            messages.complain("No scan is shown to click in; load a CT scan first.")
            return None
        if viewer.dims.ndisplay != 2:
            messages.complain(
                "A click in the 3-D view gives no voxel; switch to slices (Ctrl+Y), or type the coordinates."
            )
            return None
        voxel = np.rint(voxel_at(scan, position)).astype(int)
        at = (int(voxel[0]), int(voxel[1]), int(voxel[2]))
        return at if self.attack(self._action, at) else None

    def attack(self, action: Action, at: Voxel) -> bool:
        """Attack at a voxel (z, y, x); False where that was refused."""
        session, messages = self.parts.session, self.parts.messages
        added = messages.attempt(ATTACKING, lambda: session.add_injection(action, at))
        if added is not None:
            z, y, x = added.at
            messages.say(f"Attack {len(session.injections)}: {added.action} at z {z}, y {y}, x {x}.")
        return added is not None

    def use_attacker(self, choice: Choice | None) -> None:
        """Make the next attacks of this action with another attacker, loaded in the background; None: the usual one."""
        session, messages, action = self.parts.session, self.parts.messages, self._action

        def use(_: object = None) -> None:
            messages.attempt(CHOOSING, lambda: session.use_attacker(action, choice))

        if choice is None:
            use()
            return
        chosen = choice
        self.parts.slow.run(
            Work(
                CHOOSING,
                lambda progress: session.networks.prepare(action, chosen),
                use,
                lambda error: messages.report(CHOOSING, error),
            )
        )
        self.changed.emit()

    def failed(self, title: str, error: Exception) -> None:
        """An attack could not be made: say why, and take it out of the list."""
        if not isinstance(error, Cancelled):
            self.parts.messages.complain(sentence(title, error))
        if isinstance(error, ReplayError):
            self.parts.session.withdraw(error.injection)
