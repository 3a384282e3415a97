"""What holds the sections where the window is lower than they are."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication, QFrame, QScrollArea, QStyle, QWidget

_AROUND_BAR = 6
"""Pixels."""
_NO_BAR_WHERE_NOTHING_SCROLLS = """
QScrollBar:disabled, QScrollBar::handle:disabled, QScrollBar::add-line:disabled, QScrollBar::sub-line:disabled,
QScrollBar::up-arrow:disabled, QScrollBar::down-arrow:disabled { background: transparent; image: none; }
"""


class VerticalScroll(QScrollArea):
    """Scrolls up and down only; never narrower than what it holds, so that nothing is cut off.

    The bar has its place even while there is nothing to scroll: were it to come and go, what it holds would get another
    width and with that another height, and Qt, which asks for that only so often, would leave the bar on top of it.

    Parameters
    ----------
    content : QWidget
        What to scroll.
    least_width : int
        Pixels; it is never narrower than this either.
    """

    def __init__(self, content: QWidget, least_width: int = 0, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self._least_width = least_width
        self._content = content
        self.setWidget(content)
        content.installEventFilter(self)
        if (bar := self.verticalScrollBar()) is not None:
            bar.setStyleSheet(_NO_BAR_WHERE_NOTHING_SCROLLS)
            bar.rangeChanged.connect(lambda low, high, bar=bar: bar.setEnabled(high > low))
            bar.setEnabled(bar.maximum() > bar.minimum())

    def eventFilter(self, watched: Any, event: Any) -> bool:
        """Follow what is held when it needs more room."""
        if watched is self._content and event.type() == QEvent.Type.LayoutRequest:
            self.fit()
        return bool(super().eventFilter(watched, event))

    def showEvent(self, event: Any) -> None:
        """Widths are known only now, when the style is."""
        super().showEvent(event)
        self.fit()

    def fit(self) -> None:
        """Be no narrower than what is held; widths are known only once the style is."""
        style = QApplication.style()
        bar = 0 if style is None else style.pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        # Style sheets leave a margin around the bar, which no metric tells.
        self.setMinimumWidth(max(self._least_width, self._content.minimumSizeHint().width() + bar + _AROUND_BAR))
