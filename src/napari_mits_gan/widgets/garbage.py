"""Sparing the user garbage collections, in a process of our own."""

from __future__ import annotations

import gc

from qtpy.QtCore import QTimer

from napari_mits_gan.widgets.workspace import Workspace

REST_MS = 1500
"""So long after the last work the user is taken to look, and not to wait."""
_NEVER = 1_000_000


def keep_what_is_loaded(workspace: Workspace) -> None:
    """Leave modules and the window out of all later collections, and collect what grew old while nothing is under way.

    A whole collection lasts a quarter of a second with them, a tenth without, and Python begins one in the midst of an
    answer to a click; napari collects garbage whenever a layer comes or goes. Only for a process that ends with its
    window, and before a scan is opened: what is kept is never freed.

    Parameters
    ----------
    workspace : Workspace
        Whose work is waited for.
    """
    gc.collect()
    gc.freeze()
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, _NEVER)
    timer = QTimer(workspace)
    timer.setSingleShot(True)
    timer.setInterval(REST_MS)

    def collect() -> None:
        if workspace.at_rest:
            gc.collect()

    timer.timeout.connect(collect)
    for lane in (workspace.slow, workspace.quick, workspace.ahead):
        lane.idle.connect(timer.start)
