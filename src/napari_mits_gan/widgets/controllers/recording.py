"""Saves what was done and does it again: session files, commands and Python to paste, an HTML report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.files.new_file import write_new_text
from napari_mits_gan.session.record import Record, RecordError, protection_options, record_of
from napari_mits_gan.session.report import session_report
from napari_mits_gan.session.script import command_lines, python_lines
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controllers.windowing import Window
from napari_mits_gan.widgets.layers.panel_names import PANELS
from napari_mits_gan.widgets.layers.planes import PLANES
from napari_mits_gan.widgets.layers.view import voxel_at

if TYPE_CHECKING:
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.widgets.controllers.judging import Judging
    from napari_mits_gan.widgets.controllers.loading import Loading
    from napari_mits_gan.widgets.controllers.protecting import Protecting
    from napari_mits_gan.widgets.controllers.three_planes import ThreePlanes
    from napari_mits_gan.widgets.controllers.windowing import Windowing

SAVING, LOADING, REPORTING = "Saving the session", "Loading the session", "Writing the report"


class Recording(Controller):
    """Writes down and reads back; the scan itself and keys stay where they are."""

    loaded = Signal(object)
    """`Record`: what was set is to be shown in the forms."""

    def __init__(
        self,
        parts: Parts,
        loading: Loading,
        protecting: Protecting,
        judging: Judging,
        windowing: Windowing,
        three_planes: ThreePlanes,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parts, parent)
        self._loading, self._protecting, self._judging, self._windowing = loading, protecting, judging, windowing
        self._three_planes = three_planes

    def record(self) -> Record:
        """What was done to the scan that is open.

        Raises
        ------
        MitsGanError
            If no scan is open, or it was opened from no file.
        """
        opened = self._loading.opened_from
        if self.parts.session.original is None:
            raise MitsGanError("no scan is open yet; load a CT scan first.")
        if opened is None:
            raise MitsGanError("this scan was taken from a layer and not from a file; open it on the page Scan first.")
        path, series = opened
        return record_of(
            self.parts.session, path, series, self._protecting.made_with, self._judging.verdicts, self._view()
        )

    def save(self, path: str) -> bool:
        """Write the session into a new file; False where that could not be done."""
        written = self.parts.messages.attempt(SAVING, lambda: write_new_text(path, self.record().to_json()))
        if written is not None:
            self.parts.messages.say(f"The session is in {written.name}; keys and the scan itself are not.")
        return written is not None

    def as_commands(self) -> str | None:
        """What was done, as a command line; None, and a complaint, where that cannot be said."""
        return self.parts.messages.attempt("Copying", lambda: command_lines(self.record()))

    def as_python(self) -> str | None:
        """What was done, in Python; None, and a complaint, where that cannot be said."""
        return self.parts.messages.attempt("Copying", lambda: python_lines(self.record()))

    def report(self, path: str) -> None:
        """Write an HTML report into a new file, in the background."""
        session, messages, verdicts = self.parts.session, self.parts.messages, self._judging.verdicts

        def write(progress: Any) -> Path:
            return write_new_text(path, session_report(session, verdicts, progress))

        self.parts.slow.run(
            Work(
                REPORTING,
                write,
                lambda written: messages.say(f"The report is in {written.name}."),
                lambda error: messages.report(REPORTING, error),
            )
        )
        self.changed.emit()

    def load(self, path: str, key: str | None = None) -> None:
        """Open the scan of a session file, protect it as it was, and make its attacks anew, in the background.

        Parameters
        ----------
        path : str
            A session file.
        key : str or None
            The key of its protection, where it had one.
        """
        session, messages = self.parts.session, self.parts.messages
        device = session.networks.device

        def read(progress: Any) -> tuple[Record, CTVolume, CTVolume | None]:
            from napari_mits_gan.ct.read import read_ct
            from napari_mits_gan.workflow.protect_series import protect_volume

            record = Record.from_json(_text(path))
            options = None if record.protection is None else protection_options(record.protection, key, device)
            scan = read_ct(record.path, series=record.series, progress=progress)
            if scan.shape != record.shape:
                raise RecordError(
                    f"the session is of a scan of {record.shape} voxels, and {Path(record.path).name} has {scan.shape};"
                    " put the right scan there."
                )
            for attack in record.attacks:
                if attack.attacker:
                    session.networks.prepare(attack.action, _choice(attack.attacker))
            return record, scan, None if options is None else protect_volume(scan, options, progress)

        def done(found: tuple[Record, CTVolume, CTVolume | None]) -> None:
            record, scan, protected = found
            self._loading.opened_from = (Path(record.path), record.series)
            session.open(scan)
            if protected is not None and record.protection is not None:
                self._protecting.made_with = protection_options(record.protection, key, device)
                session.accept_protected(protected)
                session.protection_on = record.protection_on
            for attack in record.attacks:
                session.use_attacker(attack.action, _choice(attack.attacker) if attack.attacker else None)
                session.add_injection(attack.action, attack.at)
            self._show(record)
            self.loaded.emit(record)
            messages.say(f"The session {Path(path).name} is open again; its attacks are made anew.")

        self.parts.slow.run(Work(LOADING, read, done, lambda error: messages.report(LOADING, error)))
        self.changed.emit()

    # ---- how it is looked at

    def _view(self) -> dict[str, Any]:
        panels, scan, window = self.parts.panels, self.parts.session.original, self._windowing.window
        at = [0, 0, 0] if scan is None else [round(v) for v in voxel_at(scan, self.parts.viewer.dims.point)]
        return {
            "plane": panels.view.plane,
            "voxel": at,
            "window_hu": None if window is None else list(window.limits),
            "panels": [role for role in PANELS if role in panels.chosen],
            "three_planes_of": self._three_planes.role if self._three_planes.on else None,
        }

    def _show(self, record: Record) -> None:
        view, panels, scan = record.view, self.parts.panels, self.parts.session.original
        if (roles := view.get("panels")) and all(role in PANELS for role in roles):
            panels.choose(roles)
        if view.get("plane") in PLANES:
            panels.view.turn_to(view["plane"])
        if scan is not None and len(view.get("voxel") or ()) == 3:
            panels.go_to(scan, [int(v) for v in view["voxel"]])
        if len(view.get("window_hu") or ()) == 2:
            low, high = (float(v) for v in view["window_hu"])
            self._windowing.use(Window("", high - low, (high + low) / 2))
        if (role := view.get("three_planes_of")) in PANELS:
            self._three_planes.start(role)
        else:
            self._three_planes.stop()


def _choice(attacker: str) -> str | Path:
    path = Path(attacker)
    return path if path.is_absolute() else attacker


def _text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise RecordError(
            f"{Path(path).name} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}."
        ) from None
