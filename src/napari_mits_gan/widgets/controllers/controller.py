"""What every controller works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.session import Session
from napari_mits_gan.widgets.background import Background
from napari_mits_gan.widgets.controllers.pointer import Pointer
from napari_mits_gan.widgets.layers.panels import Panels
from napari_mits_gan.widgets.messages import Messages


@dataclass(frozen=True)
class Parts:
    """One viewer's parts.

    Parameters
    ----------
    viewer : napari viewer
        Where the panels are shown.
    session : Session
        What the user did so far.
    panels : Panels
        The layers of the session.
    slow : Background
        Reading, protecting, writing, searching.
    quick : Background
        Attacks, detections, differences and figures; they do not wait for slow work.
    ahead : Background
        What nobody waits for.
    messages : Messages
        What is said to the user.
    pointer : Pointer
        What the mouse looks like.
    """

    viewer: Any
    session: Session
    panels: Panels
    slow: Background
    quick: Background
    ahead: Background
    messages: Messages
    pointer: Pointer


class Controller(QObject):
    """Acts on one subject; knows no widget. Create it in the window's thread.

    Parameters
    ----------
    parts : Parts
        What it acts on.
    """

    changed = Signal()
    """Sections have something else to show."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.parts = parts

    def close(self) -> None:
        """The window goes away: touch it no more."""
