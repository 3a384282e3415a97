"""The dock: its parts below each other, joined to the manager by signals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_mits_gan.session import Session
from napari_mits_gan.widgets.attack_widget import AttackWidget
from napari_mits_gan.widgets.clicks import ClickListener
from napari_mits_gan.widgets.compare_widget import CompareWidget
from napari_mits_gan.widgets.export_widget import LAYER, ExportWidget
from napari_mits_gan.widgets.load_widget import LoadWidget
from napari_mits_gan.widgets.manager import Manager
from napari_mits_gan.widgets.message_line import MessageLine
from napari_mits_gan.widgets.protection_widget import ProtectionWidget
from napari_mits_gan.widgets.section import VerticalScroll
from napari_mits_gan.widgets.series_chooser import SeriesChooser

if TYPE_CHECKING:
    import napari

    from napari_mits_gan.ct.read import SeriesInfo

WIDTH = 400
"""Smallest width of the dock in pixels."""


class MitsGanDock(QWidget):
    """Load, protect, attack, compare and export, in one dock.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        Where the panels are shown; napari fills this in by its name.
    session : Session, optional
        A session with parts of one's own; the package's own parts unless told.
    """

    def __init__(self, napari_viewer: napari.Viewer, session: Session | None = None) -> None:
        super().__init__()
        self.manager = Manager(napari_viewer, session or Session(), self)
        self.load = LoadWidget()
        self.protection = ProtectionWidget()
        self.attack = AttackWidget()
        self.compare = CompareWidget()
        self.export = ExportWidget()
        self.message = MessageLine()
        self.clicks = ClickListener(napari_viewer, self._on_click)
        self.marker_clicks = ClickListener(napari_viewer, self.manager.click_marker, cursor=None)
        self._lay_out()
        self._join_requests()
        self._join_answers()
        self._update_state()
        self.destroyed.connect(partial(_leave, self.manager, self.clicks, self.marker_clicks))
        self.manager.adopt_existing_layer()
        self.manager.warm_up(self.protection.offer)

    def choose_series(self, path: str, series: list[SeriesInfo]) -> SeriesChooser:
        """Ask which of several series to open; returns the dialog, which does not block the window."""
        chooser = SeriesChooser(series, self)
        chooser.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chooser.accepted.connect(lambda: self.manager.open_path(path, chooser.chosen))
        chooser.open()
        return chooser

    # ---- inside

    def _lay_out(self) -> None:
        parts = QWidget()
        column = QVBoxLayout(parts)
        column.setContentsMargins(4, 2, 4, 2)
        column.setSpacing(4)
        for part in (self.load, self.protection, self.attack, self.compare, self.export):
            column.addWidget(part)
        column.addStretch(1)
        # No smallest width of the dock itself: it would stand for that of what the dock holds, which may be more.
        scroll = VerticalScroll(parts, WIDTH)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(2)
        outer.addWidget(scroll, 1)
        outer.addWidget(self.message)

    def _join_requests(self) -> None:
        manager = self.manager
        self.load.open_requested.connect(lambda path: manager.open_path(path))
        self.load.sample_requested.connect(manager.open_sample)
        self.load.layer_requested.connect(manager.open_selected_layer)
        self.protection.protect_requested.connect(manager.protect)
        self.protection.switched.connect(manager.switch_protection)
        self.protection.device_chosen.connect(self._on_device)
        self.protection.vulnerability.map_requested.connect(lambda: manager.map_vulnerability(self.attack.action))
        self.protection.vulnerability.clear_requested.connect(manager.vulnerability.clear)
        self.attack.armed.connect(self._on_armed)
        self.attack.action_chosen.connect(manager.suggestions.show)
        self.attack.attacker_chosen.connect(manager.use_attacker)
        self.attack.suggest_requested.connect(manager.suggest)
        self.attack.suggestions.selected.connect(manager.suggestions.go_to)
        self.attack.suggestions.clear_requested.connect(manager.suggestions.clear)
        self.attack.attack_requested.connect(manager.attack)
        self.attack.undo_requested.connect(lambda: manager.session.undo())
        self.attack.clear_requested.connect(manager.session.clear)
        self.attack.injection_selected.connect(manager.select)
        self.compare.side_by_side_chosen.connect(manager.panels.set_side_by_side)
        self.compare.marks_chosen.connect(manager.panels.set_marks)
        self.compare.difference_chosen.connect(manager.display.choose_difference)
        self.compare.zoom_requested.connect(manager.zoom)
        self.compare.whole_requested.connect(manager.panels.show_whole)
        self.compare.restore_requested.connect(manager.display.refresh)
        self.export.export_requested.connect(
            lambda source, folder: manager.export(folder, selected_layer=source == LAYER)
        )
        self.message.cancel_requested.connect(manager.slow.cancel)

    def _join_answers(self) -> None:
        manager = self.manager
        manager.said.connect(self.message.say)
        manager.complained.connect(self.message.complain)
        manager.complained.connect(_notify)
        manager.scan_shown.connect(self.load.show_scan)
        manager.several_series.connect(self.choose_series)
        manager.state_changed.connect(self._update_state)
        manager.display.shown.connect(self._update_state)
        manager.suggestions.went_to.connect(lambda site: self.attack.show_place(site.at))
        manager.vulnerability.went_to.connect(self.attack.show_place)
        manager.display.figures_ready.connect(self.compare.figures.show_figures)
        for lane in (manager.slow, manager.quick):
            can_cancel = lane is manager.slow
            lane.started.connect(lambda title, stoppable=can_cancel: self._on_started(title, stoppable))
            lane.progressed.connect(lambda done, total, own=lane: self._on_progress(own, done, total))
            lane.idle.connect(self._on_idle)

    def _on_click(self, position: tuple[float, ...]) -> None:
        self.manager.click(position, self.attack.action)

    def _on_armed(self, on: bool) -> None:
        self.clicks.arm(on)
        self._update_state()

    def _on_device(self, device: str) -> None:
        self.manager.session.device = device

    def _on_started(self, title: str, can_cancel: bool) -> None:
        if can_cancel or not self.manager.slow.busy:
            self.message.start_work(title, can_cancel=can_cancel)

    def _on_progress(self, lane: object, done: int, total: int) -> None:
        if lane is self.manager.slow or not self.manager.slow.busy:
            self.message.show_progress(done, total)

    def _on_idle(self) -> None:
        if not self.manager.slow.busy and not self.manager.quick.busy:
            self.message.stop_work()
        self._update_state()

    def _update_state(self) -> None:
        session, busy = self.manager.session, self.manager.slow.busy
        is_open = session.original is not None
        self.load.set_busy(busy)
        self.protection.set_ready(is_open and not busy)
        self.protection.show_protection(session.protected is not None, session.protection_on)
        vulnerability = self.manager.vulnerability.found
        self.protection.vulnerability.set_ready(session.protected is not None and not busy)
        self.protection.vulnerability.show_map(vulnerability)
        self.attack.set_ready(is_open)
        self.attack.show_injections(session.injections, session.verdicts)
        self.attack.attacker.offer(session.attackers(self.attack.action))
        self.attack.show_attacker(session.attacker(self.attack.action))
        suggestions = self.manager.suggestions
        self.attack.suggestions.set_ready(is_open and not busy)
        self.attack.suggestions.show_suggestions(suggestions.sites, suggestions.current)
        # A click on a marker goes there, unless clicks are attacks.
        self.marker_clicks.arm((bool(suggestions.sites) or vulnerability is not None) and not self.clicks.armed)
        self.compare.offer(self.manager.display.kinds, self.manager.display.kind)
        self.compare.set_attacked(bool(session.injections))
        self.compare.set_complete(self.manager.panels.is_complete)
        self.export.set_ready(is_open and not busy)


def _leave(manager: Manager, clicks: ClickListener, marker_clicks: ClickListener) -> None:
    """The dock is gone; only what knows no widget is used here."""
    clicks.arm(False)
    marker_clicks.arm(False)
    manager.close()


def _notify(text: str) -> None:
    from napari.utils.notifications import show_error

    show_error(text)
