"""One step of a tour: a few words beside the control that they are about, and a frame around that control."""

from __future__ import annotations

from qtpy.QtCore import QPoint, QRect, Qt, Signal
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_mits_gan.widgets.controls.rows import note

WIDTH = 300
"""Pixels."""
_AWAY = 14
"""Pixels between the words and what they are about."""
_STYLE = (
    "#tour_bubble { background: #1f3a57; border: 1px solid #7fb2e5; border-radius: 6px; }"
    "#tour_bubble QLabel { color: white; background: transparent; }"
)
_FRAME_STYLE = "#tour_frame { border: 3px solid #ffd23f; border-radius: 5px; background: transparent; }"


class TourBubble(QFrame):
    """Lies over the window without taking anything from it but the place where it is.

    Parameters
    ----------
    window : QWidget
        What it lies over.
    """

    back_requested, next_requested, close_requested, never_requested = Signal(), Signal(), Signal(), Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("tour_bubble")
        self.setStyleSheet(_STYLE)
        self.setFixedWidth(WIDTH)
        self.frame = QFrame(window)
        self.frame.setObjectName("tour_frame")
        self.frame.setStyleSheet(_FRAME_STYLE)
        self.frame.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = QLabel()
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.number = QLabel()
        self.text = note()
        self.back_button, self.next_button = QPushButton("Back"), QPushButton("Next")
        self.close_button, self.never_button = QPushButton("Later"), QPushButton("Never again")
        for button, tip, asked in (
            (self.back_button, "The step before this one", self.back_requested),
            (self.next_button, "The next step", self.next_requested),
            (self.close_button, "Put the tour away; it is offered again when the window opens", self.close_requested),
            (self.never_button, "Put the tour away; the button “?” has it from now on", self.never_requested),
        ):
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, asked=asked: asked.emit())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 10)
        row = QHBoxLayout()
        row.addWidget(self.title, 1)
        row.addWidget(self.number)
        layout.addLayout(row)
        layout.addWidget(self.text)
        row = QHBoxLayout()
        row.setSpacing(4)
        for button in (self.never_button, self.close_button, self.back_button, self.next_button):
            row.addWidget(button)
        layout.addLayout(row)
        self.hide()

    def show_step(self, title: str, text: str, number: int, steps: int) -> None:
        """Show other words."""
        self.title.setText(title)
        self.text.setText(text)
        self.number.setText(f"{number} of {steps}")
        self.back_button.setEnabled(number > 1)
        self.next_button.setText("Done" if number == steps else "Next")

    def point_at(self, target: QWidget, within: QWidget) -> None:
        """Stand at the left of what a control lies in, where there is room, else above or below the control."""
        window = self.parentWidget()
        if window is None:
            return
        # What is not shown is pointed at by nothing.
        self.frame.setVisible(target.isVisible())
        place = QRect(target.mapTo(window, QPoint(0, 0)), target.size())
        self.frame.setGeometry(place.adjusted(-4, -4, 4, 4))
        self.text.setMinimumHeight(self.text.heightForWidth(WIDTH - 26))
        self.adjustSize()
        left = within.mapTo(window, QPoint(0, 0)).x() - self.width() - _AWAY
        top = place.center().y() - self.height() // 2
        if left < 0:
            left = max(0, min(place.left(), window.width() - self.width()))
            above = place.top() - self.height() - _AWAY
            top = above if above >= 0 else place.bottom() + _AWAY
        self.move(left, max(4, min(top, window.height() - self.height() - 4)))
        self.show()
        self.frame.raise_()
        self.raise_()

    def put_away(self) -> None:
        """Take it off the window."""
        for widget in (self.frame, self):
            widget.hide()
            widget.deleteLater()
