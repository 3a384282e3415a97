"""The bottom of the dock: what is going on, how far it is, and what went wrong."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_mits_gan.widgets.controls.rows import note

_ERROR_STYLE = "background: #6e1f1f; color: white; padding: 4px; border-radius: 3px;"
_PLAIN_STYLE = "padding: 4px;"


class MessageLine(QWidget):
    """One sentence, a progress bar, and a button to stop."""

    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = note()
        self.text.setMinimumHeight(36)
        self.bar = QProgressBar()
        self.bar.setTextVisible(True)
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; nothing is left half done")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 2, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.text)
        self._row = QWidget()
        row = QHBoxLayout(self._row)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar, 1)
        row.addWidget(self.cancel_button)
        layout.addWidget(self._row)
        self.cancel_button.clicked.connect(lambda: self.cancel_requested.emit())
        self.stop_work()

    def say(self, text: str) -> None:
        """Tell something that is as it should be."""
        self.text.setStyleSheet(_PLAIN_STYLE)
        self.text.setText(text)

    def complain(self, text: str) -> None:
        """Tell what went wrong."""
        self.text.setStyleSheet(_ERROR_STYLE)
        self.text.setText(text)

    def start_work(self, title: str, *, can_cancel: bool) -> None:
        """Show that something long begins."""
        self.bar.setRange(0, 0)
        self.bar.setFormat(f"{title} %p%")
        self.bar.setToolTip(title)
        self.cancel_button.setVisible(can_cancel)
        self.cancel_button.setEnabled(True)
        self._row.setVisible(True)

    def show_progress(self, done: int, total: int) -> None:
        """Show how far it is; a total of 0 says that nobody knows."""
        if self.bar.maximum() != total:  # setting it draws the bar anew even where it stays
            self.bar.setRange(0, total)
        self.bar.setValue(done)

    def stop_work(self) -> None:
        """Show that nothing long is going on."""
        self._row.setVisible(False)
