"""Writes the protected scan, or a layer, as a DICOM series in the background."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller
from napari_mits_gan.widgets.layers.volume_layer import volume_of
from napari_mits_gan.workflow.protect_series import WritingOptions, write_series

WRITING = "Writing DICOM"


class Exporting(Controller):
    """Writes DICOM; a simulated attack is refused by the writer."""

    exported = Signal(str)
    """The folder."""

    def export(
        self, folder: str, *, selected_layer: bool = False, shown: bool = False, anonymise: bool = False
    ) -> None:
        """Write the protected scan (or the selected layer's, or the version shown without the attacks) as DICOM.

        A sealed version takes its seal along, and its signed manifest into the folder, which must be new or empty.
        `anonymise` takes the patient out of a series that is derived from DICOM.
        """
        messages = self.parts.messages
        if not folder:
            messages.complain("No folder is given; choose a new or an empty one for the DICOM series.")
            return

        def volume_to_write() -> CTVolume:
            if selected_layer:
                return volume_of(self.parts.viewer.layers.selection.active)
            session = self.parts.session
            return session.required(session.shown if shown else "protected")

        volume = messages.attempt("Exporting", volume_to_write)
        if volume is None:
            return

        seal = self.parts.session.seal_of(volume)
        finish = None if seal is None else seal.finish
        beside = "" if seal is None else ", sealed, and a signed manifest"

        writing = WritingOptions(anonymise=anonymise)

        def done(files: list[Any]) -> None:
            messages.say(f"Exported {len(files)} DICOM files{beside} to {folder}.")
            self.exported.emit(folder)

        self.parts.slow.run(
            Work(
                WRITING,
                lambda progress: write_series(volume, Path(folder), writing, progress, finish),
                done,
                lambda error: messages.report(WRITING, error),
            )
        )
        self.changed.emit()
