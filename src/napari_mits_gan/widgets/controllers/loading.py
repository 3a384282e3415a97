"""Opens scans: files, the sample, layers that are in the viewer already."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.volume_layer import VOLUME_KEY, layer_name, volume_of

if TYPE_CHECKING:
    from napari_mits_gan.ct.read import SeriesInfo

READING, TAKING = "Reading the scan", "Taking the layer"


class Loading(Controller):
    """Reads scans in the background, and takes layers for scans."""

    several_series = Signal(str, object)
    """The path, and the list of series to choose from."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self.opened_from: tuple[Path, str | None] | None = None
        """Path and series of the scan that is open; None for a scan that was taken from a layer."""
        self._layer_to_take_over: Any = None
        self._adopt_later = QTimer(self)
        self._adopt_later.setSingleShot(True)
        self._adopt_later.timeout.connect(self.adopt_existing_layer)
        layers = parts.viewer.layers.events
        layers.inserted.connect(self._on_layer_inserted)
        layers.removed.connect(self._on_layer_removed)

    def close(self) -> None:
        """The window goes away: listen to its layers no more."""
        self._adopt_later.stop()
        layers = self.parts.viewer.layers.events
        layers.inserted.disconnect(self._on_layer_inserted)
        layers.removed.disconnect(self._on_layer_removed)

    @property
    def would_be_lost(self) -> str:
        """What another scan would take the place of, in words; empty where nothing was done yet."""
        session = self.parts.session
        lost = []
        if session.protected is not None:
            lost.append("the protected version")
        if session.injections:
            n = len(session.injections)
            lost.append("the attack" if n == 1 else f"the {n} attacks")
        if session.sealed("original") is not None or session.sealed("protected") is not None:
            lost.append("the seal")
        return " and ".join([", ".join(lost[:-1]), lost[-1]] if len(lost) > 1 else lost)

    @property
    def earlier(self) -> str:
        """What this software did to the scan before it was opened, by its own account; empty for nothing."""
        scan = self.parts.session.original
        steps = () if scan is None else scan.earlier
        return "" if not steps else f"Before it was opened: {'; '.join(step.words for step in steps)}."

    @property
    def summary(self) -> str:
        """Name, voxels and spacing of the scan that is open; empty where none is."""
        scan = self.parts.session.original
        if scan is None:
            return ""
        z, y, x = scan.shape
        dz, dy, dx = scan.spacing
        return f"{layer_name(scan)}: {z} × {y} × {x} voxels of {dz:.4g} × {dy:.4g} × {dx:.4g}\N{NO-BREAK SPACE}mm"

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know of how the scan that is open was made from its file."""
        scan = self.parts.session.original
        return () if scan is None else scan.notes

    def open_path(self, path: str, series: str | None = None) -> None:
        """Read a scan in the background and open it; what is open stays until that has worked."""

        def read(progress: Any) -> CTVolume:
            from napari_mits_gan.ct.read import read_ct

            return read_ct(path, series=series, progress=progress)

        def failed(error: Exception) -> None:
            choices: list[SeriesInfo] | None = getattr(error, "series", None)
            if choices:
                self.parts.messages.say("There are several series here; choose one.")
                self.several_series.emit(path, choices)
            else:
                self.parts.messages.report(READING, error)

        def opened(volume: CTVolume) -> None:
            self.opened_from = (Path(path), series)
            self.parts.session.open(volume)

        self.parts.slow.run(Work(READING, read, opened, failed))
        self.changed.emit()

    def open_sample(self) -> None:
        """Open the chest phantom."""
        from napari_mits_gan.widgets.sample import sample_folder

        self.parts.messages.attempt("Opening the sample", lambda: self.open_path(str(sample_folder())))

    def open_selected_layer(self, may_replace: Callable[[], bool] = lambda: True) -> None:
        """Take the selected layer for the scan, where it can be one and `may_replace` then says so."""
        active = self.parts.viewer.layers.selection.active
        self.parts.messages.attempt(TAKING, lambda: self._adopt(active, may_replace))

    def adopt_existing_layer(self) -> None:
        """Take a scan that this plugin's reader has opened already, where there is one and no scan is open."""
        if self.parts.session.original is not None:
            return
        for layer in self.parts.viewer.layers:
            if isinstance(layer.metadata.get(VOLUME_KEY), CTVolume):
                self.parts.messages.attempt(TAKING, lambda found=layer: self._adopt(found))  # type: ignore[misc]
                return

    def layer_to_take_over(self) -> Any:
        """The layer that shows the new scan already, asked for once; None where there is none."""
        layer, self._layer_to_take_over = self._layer_to_take_over, None
        return layer

    def _adopt(self, layer: Any, may_replace: Callable[[], bool] = lambda: True) -> None:
        if layer is not None and self.parts.panels.owns(layer):
            raise MitsGanError("this layer is one of the panels already; select another layer to work on")
        volume = volume_of(layer)
        if not may_replace():
            return
        if VOLUME_KEY in layer.metadata:
            self._layer_to_take_over = layer
        else:
            layer.visible = False
        self.opened_from = None
        self.parts.session.open(volume)

    def _on_layer_inserted(self, event: Any) -> None:
        if self.parts.panels.changing or not isinstance(event.value.metadata.get(VOLUME_KEY), CTVolume):
            return
        if self.parts.session.original is None:
            # not now: napari is still busy with putting the layer in
            self._adopt_later.start(0)
        else:
            self.parts.messages.say(
                "A second scan was opened; select its layer and press Layer to work on that one instead."
            )

    def _on_layer_removed(self, event: Any) -> None:
        panels = self.parts.panels
        if not panels.changing and self.parts.session.original is not None and panels.owns(event.value):
            self.parts.messages.say(
                "A panel's layer was removed; the scan and the attacks are kept. Press “Restore” to see it again."
            )
            self.changed.emit()
