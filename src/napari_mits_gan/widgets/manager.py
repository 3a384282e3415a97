"""Acts on what the parts of the dock ask for: changes the session, or starts the work that will."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, QTimer, Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import Cancelled, MitsGanError
from napari_mits_gan.session import Action, Choice, ReplayError, Session, Voxel
from napari_mits_gan.widgets.background import Background, Work, sentence
from napari_mits_gan.widgets.display import Display
from napari_mits_gan.widgets.judging import Judging
from napari_mits_gan.widgets.layers import SCAN, VOLUME_KEY, layer_name, volume_of
from napari_mits_gan.widgets.suggestions import Suggestions
from napari_mits_gan.widgets.vulnerability import Vulnerability

if TYPE_CHECKING:
    from napari_mits_gan.ct.read import SeriesInfo

CHOOSING = "Choosing the attacker"


class Manager(QObject):
    """Knows the session, the viewer and the work under way; knows no widget. Create it in the window's thread.

    Parameters
    ----------
    viewer : napari viewer
        Where the panels are shown.
    session : Session
        What the user did so far.
    """

    said = Signal(str)
    complained = Signal(str)
    scan_shown = Signal(str)
    """What to say of the scan that was opened."""
    state_changed = Signal()
    """The session, or what can be asked for now, is another."""
    several_series = Signal(str, object)
    """The path, and the list of series to choose from."""
    exported = Signal(str)

    def __init__(self, viewer: Any, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self.slow = Background(self)
        """Reading, protecting, writing, looking for places, mapping the vulnerability."""
        self.quick = Background(self)
        """Attacks, verdicts, differences and figures; they do not wait for slow work."""
        self.display = Display(viewer, session, self.quick, self)
        self.panels = self.display.panels
        self.judging = Judging(session, self.quick, self)
        self.suggestions = Suggestions(session, self.panels, self.slow, self._fail, self)
        self.vulnerability = Vulnerability(session, self.panels, self.slow, self._fail, self)
        self._viewer = viewer
        self._closed = False
        self._injections_before = 0
        self._layer_to_take_over: Any = None
        self._adopt_later = QTimer(self)
        self._adopt_later.setSingleShot(True)
        self._adopt_later.timeout.connect(self.adopt_existing_layer)
        self.display.failed.connect(self._replay_failed)
        self.judging.said.connect(self.said)
        self.judging.judged.connect(self.state_changed)
        self.suggestions.said.connect(self.said)
        self.suggestions.changed.connect(self.state_changed)
        self.vulnerability.said.connect(self.said)
        self.vulnerability.changed.connect(self.state_changed)
        session.scan_changed.connect(self._on_scan_changed)
        session.protection_changed.connect(self._on_protection_changed)
        session.injections_changed.connect(self._on_injections_changed)
        session.attacker_changed.connect(self._on_attacker_changed)
        viewer.layers.events.inserted.connect(self._on_layer_inserted)
        viewer.layers.events.removed.connect(self._on_layer_removed)

    def close(self) -> None:
        """The window or the dock goes away: stop all work, and touch the viewer no more."""
        if self._closed:
            return
        self._closed = True
        self.slow.close()
        self.quick.close()
        self.display.close()
        self.session.scan_changed.disconnect(self._on_scan_changed)
        self.session.protection_changed.disconnect(self._on_protection_changed)
        self.session.injections_changed.disconnect(self._on_injections_changed)
        self.session.attacker_changed.disconnect(self._on_attacker_changed)
        self._viewer.layers.events.inserted.disconnect(self._on_layer_inserted)
        self._viewer.layers.events.removed.disconnect(self._on_layer_removed)

    # ---- open

    def open_path(self, path: str, series: str | None = None) -> None:
        """Read a scan in the background and open it; what is open stays until that has worked."""

        def read(progress: Any) -> CTVolume:
            from napari_mits_gan.ct.read import read_ct

            return read_ct(path, series=series, progress=progress)

        def failed(error: Exception) -> None:
            choices: list[SeriesInfo] | None = getattr(error, "series", None)
            self._fail("Reading the scan", error)
            if choices:
                self.several_series.emit(path, choices)

        self.slow.run(Work("Reading the scan", read, self.session.open, failed))
        self.state_changed.emit()

    def open_sample(self) -> None:
        """Open the chest phantom."""
        from napari_mits_gan.widgets.sample import sample_folder

        self._try("Opening the sample", lambda: self.open_path(str(sample_folder())))

    def open_selected_layer(self) -> None:
        """Take the selected layer for the scan."""
        self._try("Taking the layer", lambda: self._adopt(self._viewer.layers.selection.active))

    def adopt_existing_layer(self) -> None:
        """Take a scan that this plugin's reader has opened already, where there is one."""
        for layer in self._viewer.layers:
            if isinstance(layer.metadata.get(VOLUME_KEY), CTVolume):
                self._try("Taking the layer", partial(self._adopt, layer))
                return

    def _adopt(self, layer: Any) -> None:
        if layer is not None and self.panels.owns(layer):
            raise MitsGanError("this layer is one of the panels already; select another layer to work on")
        volume = volume_of(layer)
        if VOLUME_KEY in layer.metadata:
            self._layer_to_take_over = layer
        else:
            layer.visible = False
        self.session.open(volume)

    # ---- protect

    def protect(self, method: str, max_change_hu: int, key: str = "") -> None:
        """Protect the scan in the background, and show the protected version; an empty key is none."""
        scan = self.session.original
        if scan is None:
            self._complain("No scan is open yet; load a CT scan first.")
            return

        def compute(progress: Any) -> CTVolume:
            return self.session.make_protected(
                method=method, max_change_hu=max_change_hu, key=key or None, progress=progress
            )

        def done(volume: CTVolume) -> None:
            if self.session.original is scan:
                self.session.accept_protected(volume)
                self.said.emit(f"Protected: no voxel changed by more than {max_change_hu} HU.")

        self.slow.run(
            Work("Protecting the scan", compute, done, lambda error: self._fail("Protecting the scan", error))
        )
        self.state_changed.emit()

    def switch_protection(self, on: bool) -> None:
        """Show and attack the protected or the original version."""

        def switch() -> None:
            self.session.protection_on = on

        self._try("Switching", switch)
        self.state_changed.emit()

    # ---- attack

    def click(self, position: tuple[float, ...], action: Action) -> Voxel | None:
        """Attack where the user clicked, in world coordinates; the voxel, or None where that was refused."""
        layer = self.panels.image(SCAN)
        if layer is None:
            self._complain("No scan is shown to click in; load a CT scan first.")
            return None
        if self._viewer.dims.ndisplay != 2:
            self._complain("A click in the 3-D view gives no voxel; switch to slices (Ctrl+Y), or type the place.")
            return None
        voxel = np.rint(layer.world_to_data(position[-3:])).astype(int)
        at = (int(voxel[0]), int(voxel[1]), int(voxel[2]))
        return at if self.attack(action, at) else None

    def attack(self, action: Action, at: Voxel) -> bool:
        """Attack at a voxel (z, y, x); False where that was refused."""
        added = self._try("Attacking", lambda: self.session.add_injection(action, at))
        if added is not None:
            z, y, x = added.at
            self.said.emit(f"Attack {len(self.session.injections)}: {added.action} at z {z}, y {y}, x {x}.")
        return added is not None

    def use_attacker(self, action: Action, choice: Choice | None) -> None:
        """Make the next attacks with another attacker, loaded in the background; None for the usual one."""

        def use(_: object = None) -> None:
            self.session.use_attacker(action, choice)

        if choice is None:
            self._try(CHOOSING, use)
            return
        chosen = choice
        self.slow.run(
            Work(
                CHOOSING,
                lambda progress: self.session.prepare_attacker(action, chosen),
                lambda name: self._try(CHOOSING, use),
                lambda error: self._fail(CHOOSING, error),
            )
        )
        self.state_changed.emit()

    def suggest(self, action: Action) -> None:
        """Look for plausible places in the background, and mark them."""
        self.suggestions.suggest(action)
        self.state_changed.emit()

    def map_vulnerability(self, action: Action) -> None:
        """Attack both versions all over the lungs in the background, and mark how far that deviates."""
        self.vulnerability.compute(action)
        self.state_changed.emit()

    def click_marker(self, position: tuple[float, ...]) -> None:
        """Go to the suggestion, or the place of the vulnerability map, that the user clicked on."""
        if not self.suggestions.click(position):
            self.vulnerability.click(position)

    def select(self, row: int) -> None:
        """Go to one of the injections."""
        if 0 <= row < len(self.session.injections) and self.session.original is not None:
            self.display.selected = self.session.injections[row]
            self.panels.go_to(self.session.original, self.display.selected.at)
            self.display.update_figures()

    def zoom(self) -> None:
        """A closer look at the selected injection."""
        scan, selected = self.session.original, self.display.selected
        if selected is not None and scan is not None and self.panels.image(SCAN) is not None:
            self.panels.zoom_to(scan, selected.at)

    # ---- export

    def export(self, folder: str, *, selected_layer: bool = False) -> None:
        """Write the protected scan (or the selected layer's) as a DICOM series into a new or empty folder."""
        if not folder:
            self._complain("No folder is given; choose a new or an empty one for the DICOM series.")
            return

        def volume_to_write() -> CTVolume:
            if selected_layer:
                return volume_of(self._viewer.layers.selection.active)
            if self.session.protected is None:
                raise MitsGanError("there is no protected version of this scan yet; press Protect first")
            return self.session.protected

        volume = self._try("Exporting", volume_to_write)
        if volume is None:
            return

        def write(progress: Any) -> list[Any]:
            from napari_mits_gan.ct.dicom.write import write_dicom

            return write_dicom(volume, folder, progress=progress)

        def done(files: list[Any]) -> None:
            self.said.emit(f"Exported {len(files)} DICOM files to {folder}.")
            self.exported.emit(folder)

        self.slow.run(Work("Writing DICOM", write, done, lambda error: self._fail("Writing DICOM", error)))
        self.state_changed.emit()

    # ---- make ready

    def warm_up(self, offer: Callable[[list[str], dict[str, str]], None]) -> None:
        """Load what the first click needs, and tell which devices and methods there are."""

        def load(progress: Any) -> tuple[list[str], dict[str, str]]:
            from napari_mits_gan.device import available_devices

            devices = ["auto", *available_devices()]
            methods = self.session.methods()
            # what cannot be loaded is complained of when it is asked for
            with suppress(MitsGanError):
                self.session.load_attackers()
            with suppress(MitsGanError):
                self.session.load_detector()
            return devices, methods

        self.quick.run(Work("Getting ready", load, lambda found: offer(*found), lambda error: None, key="warm up"))

    # ---- what others changed

    def _on_scan_changed(self) -> None:
        self.display.forget()
        self.suggestions.forget()
        self.vulnerability.drop_outdated()
        self._injections_before = 0
        scan = self.session.original
        if scan is not None:
            self.panels.start(self._layer_to_take_over)
            self._layer_to_take_over = None
            z, y, x = scan.shape
            dz, dy, dx = scan.spacing
            self.scan_shown.emit(f"{layer_name(scan)}: {z} × {y} × {x} voxels of {dz:.4g} × {dy:.4g} × {dx:.4g} mm")
            self.said.emit("Scan open. Attack it first, or press Protect.")
        self.display.refresh()
        self.state_changed.emit()

    def _on_protection_changed(self) -> None:
        self.vulnerability.drop_outdated()
        self.display.refresh()
        self.judging.ask(tell=True)
        self.state_changed.emit()

    def _on_injections_changed(self) -> None:
        self.display.selected = self.session.injections[-1] if self.session.injections else None
        self.display.refresh()
        # What was taken back needs no words, nor do those that stay.
        is_new = len(self.session.injections) > self._injections_before
        self._injections_before = len(self.session.injections)
        self.judging.ask(tell=is_new)
        self.state_changed.emit()

    def _on_attacker_changed(self) -> None:
        self.said.emit("The next attacks are made with the chosen attacker; those in the list keep theirs.")
        self.state_changed.emit()

    def _on_layer_inserted(self, event: Any) -> None:
        layer = event.value
        if self.panels.changing or not isinstance(layer.metadata.get(VOLUME_KEY), CTVolume):
            return
        if self.session.original is None:
            # not now: napari is still busy with putting the layer in
            self._adopt_later.start(0)
        else:
            self.said.emit("A second scan was opened; select its layer and press Layer to work on that one instead.")

    def _on_layer_removed(self, event: Any) -> None:
        if not self.panels.changing and self.session.original is not None and self.panels.owns(event.value):
            self.said.emit(
                "A panel's layer was removed; the scan and the attacks are kept. Press “Restore” to see it again."
            )
            self.state_changed.emit()

    # ---- what goes wrong

    def _try(self, title: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:
            self._fail(title, error)
            return None

    def _fail(self, title: str, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self.said.emit(f"{title}: stopped; nothing was changed.")
        else:
            self._complain(sentence(title, error))

    def _replay_failed(self, title: str, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self._complain(sentence(title, error))
        if isinstance(error, ReplayError):
            self.session.withdraw(error.injection)

    def _complain(self, text: str) -> None:
        self.complained.emit(text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else "."))
