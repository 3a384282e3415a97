"""What a section of the dock promises: it builds, connects and refreshes itself."""

from __future__ import annotations

from typing import Any, cast

from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QVBoxLayout
from superqt import QCollapsible

from napari_mits_gan.widgets.workspace import Workspace

_TITLE_STYLE = (
    "QPushButton, QPushButton:checked { background: transparent; text-align: left; border: none; font-weight: bold; "
    "padding: 2px; }"
)
_UNLIMITED = 16_777_215
"""Largest height that Qt knows, in pixels."""


class Section(QCollapsible):
    """A titled part of the dock, which can be folded away.

    A subclass gives `name` and `title`, builds its widgets in `build` and shows the workspace as it is in `refresh`.
    What the user asks for it hands to the workspace's controllers, or does it with `workspace.slow` and
    `workspace.session`; nobody else has to know of it.

    Parameters
    ----------
    workspace : Workspace
        The viewer's session, and what acts on it. It outlives the section: connect its signals to methods of the
        section, which Qt disconnects with it, and not to functions that hold the section.
    """

    name = ""
    """How the dock finds it: `dock.sections[name]`."""
    title = ""
    """Shown in bold; a click on it folds the section."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(self.title)
        for set_icon in (self.setExpandedIcon, self.setCollapsedIcon):
            set_icon(QIcon())  # drawn in black whatever the theme; the title has an arrow in the theme's own colour
        self.workspace = workspace
        self.toggleButton().setStyleSheet(_TITLE_STYLE)
        if (outer := self.layout()) is not None:
            outer.setContentsMargins(0, 0, 0, 0)
            outer.setSpacing(1)
        self.body = cast(QVBoxLayout, self.content().layout())
        self.body.setContentsMargins(6, 0, 2, 4)
        self.body.setSpacing(4)
        policy = self.sizePolicy()
        policy.setVerticalPolicy(policy.Policy.Preferred)
        self.setSizePolicy(policy)
        self.build()
        self.expand()
        workspace.changed.connect(self.refresh)
        self.refresh()

    def build(self) -> None:
        """Make the widgets, put them into `self.body`, and connect them to the workspace."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show the workspace as it is now; called whenever it changed."""

    def expand(self, animate: bool = False) -> None:
        """Unfold; what lies inside may grow afterwards."""
        super().expand(animate=False)
        self.setText(f"▾ {self.title}")
        self.content().setMaximumHeight(_UNLIMITED)

    def collapse(self, animate: bool = False) -> None:
        """Fold."""
        super().collapse(animate=False)
        self.setText(f"▸ {self.title}")

    def addWidget(self, widget: Any) -> None:
        """Add a widget below the others."""
        self.body.addWidget(widget)
