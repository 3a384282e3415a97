"""The question that is asked before what was done to a scan is dropped."""

from __future__ import annotations

from qtpy.QtWidgets import QMessageBox, QWidget

from napari_mits_gan.widgets.workspace import Workspace


def may_replace(workspace: Workspace, parent: QWidget) -> bool:
    """Whether another scan may take the place of the one that is open; asks where anything would be lost."""
    lost = workspace.loading.would_be_lost
    if not lost:
        return True
    answer = QMessageBox.question(
        parent,
        "Open another scan?",
        f"Another scan takes the place of this one; {lost} will be gone. Open it?",
        QMessageBox.StandardButton.Open | QMessageBox.StandardButton.Cancel,
        QMessageBox.StandardButton.Cancel,
    )
    return bool(answer == QMessageBox.StandardButton.Open)
