"""The bottom of the dock: what is going on, how far it is, what happened last, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_mits_gan.widgets.controls.rows import note

EARLIER_STAYS_MS = 12_000
"""A sentence stays beside the next one for this long."""
ROOM_STAYS_MS = 2_500
"""Room that is no longer needed is kept for this long: what is said next may need it again."""
_ERROR_STYLE = "background: #8c2323; color: white; padding: 4px; border-radius: 3px;"
_WARNING_STYLE = "background: #6b5310; color: white; padding: 4px; border-radius: 3px;"
_PLAIN_STYLE = "padding: 2px 4px;"
_EARLIER_STYLE = "padding: 2px 4px; font-style: italic;"


class MessageLine(QScrollArea):
    """What happened last and just before, what went wrong until it is put away, a progress bar, a button to stop.

    It grows at once when it needs more room, and gives it back after a while, or when what was said is forgotten or put
    away: else all above it would move with every click, and the window be laid out and drawn several times.
    """

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.complaint = note()
        self.complaint.setStyleSheet(_ERROR_STYLE)
        self.complaint.setAccessibleName("What went wrong")
        self.dismiss_button = QPushButton("×")
        self.dismiss_button.setMaximumWidth(26)
        self.dismiss_button.setToolTip("Put this away")
        self.dismiss_button.setAccessibleName("Put the error message away")
        self.earlier = note()
        self.earlier.setStyleSheet(_EARLIER_STYLE)
        self.text = note()
        self.text.setMinimumHeight(30)
        self.text.setAccessibleName("What happened last")
        self.doing = QLabel()
        self.doing.setTextFormat(Qt.TextFormat.PlainText)
        self.doing.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.bar = QProgressBar()
        self.bar.setTextVisible(True)
        self.bar.setMaximumHeight(18)
        self.bar.setAccessibleName("Progress")
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; nothing is left half done")
        self._earlier_timer = QTimer(self)
        self._earlier_timer.setSingleShot(True)
        self._earlier_timer.setInterval(EARLIER_STAYS_MS)
        self._earlier_timer.timeout.connect(self._forget_earlier)
        self._room_timer = QTimer(self)
        self._room_timer.setSingleShot(True)
        self._room_timer.setInterval(ROOM_STAYS_MS)
        self._room_timer.timeout.connect(lambda: self._fit(may_shrink=True))
        self._title = ""

        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for policy in (self.setHorizontalScrollBarPolicy, self.setVerticalScrollBarPolicy):
            policy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._content = QWidget()
        self.setWidget(self._content)
        layout = QVBoxLayout(self._content)
        layout.setContentsMargins(4, 2, 4, 2)
        layout.setSpacing(2)
        self._complaint_row = QWidget()
        row = QHBoxLayout(self._complaint_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.complaint, 1)
        row.addWidget(self.dismiss_button, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self._complaint_row)
        layout.addWidget(self.earlier)
        layout.addWidget(self.text)
        layout.addWidget(self.doing)
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        layout.addWidget(self._row)
        layout.addStretch(1)
        self._complaint_row.setVisible(False)
        self.earlier.setVisible(False)
        self.dismiss_button.clicked.connect(lambda: self.dismiss())
        self.cancel_button.clicked.connect(lambda: self._cancel())
        self.stop_work()

    def resizeEvent(self, event: Any) -> None:
        """Sentences break into other lines at another width."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self._fit(may_shrink=True)

    def say(self, text: str) -> None:
        """Tell something that is as it should be."""
        self._show(text, _PLAIN_STYLE)

    def warn(self, text: str) -> None:
        """Tell what must not be taken for what it seems."""
        self._show(text, _WARNING_STYLE)

    def complain(self, text: str) -> None:
        """Tell what went wrong; it stays until it is put away, another thing goes wrong, or long work begins."""
        self.complaint.setText(text)
        self._complaint_row.setVisible(True)
        self._fit()

    def dismiss(self) -> None:
        """Put away what went wrong."""
        self.complaint.clear()
        self._complaint_row.setVisible(False)
        self._fit(may_shrink=True)

    def forget(self) -> None:
        """What was said is no longer so."""
        self.text.clear()
        self.text.setStyleSheet(_PLAIN_STYLE)
        self._forget_earlier()

    def show_history(self, kept: Sequence[str]) -> None:
        """Let the last messages be read again, as a tooltip."""
        self.text.setToolTip("\n".join(kept))

    @property
    def is_working(self) -> bool:
        """Whether something long is shown to go on."""
        return not self._row.isHidden()

    def start_work(self, title: str, *, can_cancel: bool) -> None:
        """Show that something long begins."""
        self._title = title
        self.doing.setText(f"{title}…")
        self.doing.setToolTip(title)
        self.doing.setVisible(True)
        self._set_bar(0, 0)
        self.bar.setToolTip(title)
        self.cancel_button.setVisible(can_cancel)
        self.cancel_button.setEnabled(True)
        self.cancel_button.setText("Cancel")
        self._row.setVisible(True)
        self._fit()

    def show_progress(self, done: int, total: int) -> None:
        """Show how far it is; a total of 0 says that nobody knows."""
        self._set_bar(done, total)

    def stop_work(self) -> None:
        """Show that nothing long is going on."""
        self.doing.setVisible(False)
        self._row.setVisible(False)
        self._fit()

    def _set_bar(self, done: int, total: int) -> None:
        """Qt draws a bar, and with it the whole window, within each call that sets it, unless it must not."""
        if (self.bar.maximum(), self.bar.value()) == (total, done):
            return
        self.bar.setUpdatesEnabled(False)
        self.bar.setRange(0, total)
        self.bar.setValue(done)
        self.bar.setUpdatesEnabled(True)

    def _cancel(self) -> None:
        """Say at once that it was heard: the work looks up only now and then."""
        self.doing.setText(f"{self._title}: stopping at the next step…")
        self.cancel_button.setText("Stopping…")
        self.cancel_button.setEnabled(False)
        self.cancel_requested.emit()

    def _show(self, text: str, style: str) -> None:
        before = self.text.text()
        if before and before != text:
            self.earlier.setText(before)
            self.earlier.setVisible(True)
            self._earlier_timer.start()
        if self.text.styleSheet() != style:
            self.text.setStyleSheet(style)
        self.text.setText(text)
        self._fit()

    def _forget_earlier(self) -> None:
        self._earlier_timer.stop()
        self.earlier.clear()
        self.earlier.setVisible(False)
        self._fit(may_shrink=True)

    def _fit(self, *, may_shrink: bool = False) -> None:
        """Be as high as what is said takes."""
        if (layout := self._content.layout()) is None:
            return
        seen = self.viewport()
        wide, around = (self.width(), 0) if seen is None else (seen.width(), self.height() - seen.height())
        needed = max(layout.totalHeightForWidth(wide), layout.totalMinimumSize().height()) + around
        if needed > self.height() or (may_shrink and needed < self.height()) or self.minimumHeight() != self.height():
            self.setFixedHeight(needed)
        if needed < self.height():
            self._room_timer.start()
