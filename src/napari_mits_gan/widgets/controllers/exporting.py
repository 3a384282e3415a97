"""Writes the protected scan, or a layer, as a DICOM series in the background."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller
from napari_mits_gan.widgets.layers.volume_layer import volume_of
from napari_mits_gan.workflow.protect_series import write_series

WRITING = "Writing DICOM"


class Exporting(Controller):
    """Writes DICOM; a simulated attack is refused by the writer."""

    exported = Signal(str)
    """The folder."""

    def export(self, folder: str, *, selected_layer: bool = False) -> None:
        """Write the protected scan (or the selected layer's) as a DICOM series into a new or empty folder."""
        messages = self.parts.messages
        if not folder:
            messages.complain("No folder is given; choose a new or an empty one for the DICOM series.")
            return

        def volume_to_write() -> CTVolume:
            if selected_layer:
                return volume_of(self.parts.viewer.layers.selection.active)
            return self.parts.session.required("protected")

        volume = messages.attempt("Exporting", volume_to_write)
        if volume is None:
            return

        def done(files: list[Any]) -> None:
            messages.say(f"Exported {len(files)} DICOM files to {folder}.")
            self.exported.emit(folder)

        self.parts.slow.run(
            Work(
                WRITING,
                lambda progress: write_series(volume, Path(folder), progress=progress),
                done,
                lambda error: messages.report(WRITING, error),
            )
        )
        self.changed.emit()
