"""What a section of the dock promises: it builds, connects and refreshes itself."""

from __future__ import annotations

from qtpy.QtWidgets import QAbstractButton, QVBoxLayout, QWidget

from napari_mits_gan.widgets.workspace import Workspace


class Section(QWidget):
    """One task of the dock: a page that the user chooses by its title.

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
    """What its page is called: one short word."""
    stretches = False
    """Whether something in it takes all the height that is left, a list for instance."""
    help = ""
    """What one does there, in a sentence: the tooltip of its title."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__()
        self.workspace = workspace
        self.shortcuts: list[tuple[str, QAbstractButton]] = []
        """Keys and the buttons that they press, whichever page is shown."""
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(4, 2, 4, 4)
        self.body.setSpacing(5)
        self.build()
        workspace.changed.connect(self.refresh)
        self.refresh()

    def build(self) -> None:
        """Make the widgets, put them into `self.body`, and connect them to the workspace."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Show the workspace as it is now; called whenever it changed."""

    def on_keys(self, keys: str, button: QAbstractButton) -> None:
        """Let keys press a button, also while another page is shown; its tooltip should name them."""
        self.shortcuts.append((keys, button))
