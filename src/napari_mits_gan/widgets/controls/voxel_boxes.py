"""Three boxes for a voxel (z, y, x)."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QSizePolicy, QSpinBox, QWidget

LARGEST_INDEX = 9999
_STYLE = (
    # Buttons of no width, not none: with `NoButtons` and napari's style sheet, Qt 6.12 leaves no room for the number.
    # The width is napari's otherwise: six boxes would be wider than the dock. Four digits fit in.
    "QSpinBox { padding: 0 4px; min-width: 44px; }"
    "QSpinBox::up-button, QSpinBox::down-button { width: 0; border: none; }"
    "QSpinBox::up-arrow, QSpinBox::down-arrow { image: none; width: 0; height: 0; }"
)


class VoxelBoxes(QWidget):
    """Indices along z, y and x, each in a box with its axis before the number.

    Parameters
    ----------
    name : str
        What the voxel is, for screen readers.
    tip : str
        The tooltip of every box.
    """

    edited = Signal(int, int)
    """Axis (0 for z) and index that the user gave."""

    def __init__(self, name: str, tip: str) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        self.boxes = tuple(QSpinBox() for _ in range(3))
        for axis, (box, letter) in enumerate(zip(self.boxes, "zyx", strict=True)):
            box.setRange(0, LARGEST_INDEX)
            box.setPrefix(f"{letter} ")
            box.setStyleSheet(_STYLE)
            box.setKeyboardTracking(False)  # a number that is being typed is none yet
            box.setAccessibleName(f"{name}, {letter}")
            box.setToolTip(tip)
            box.valueChanged.connect(lambda index, axis=axis: self.edited.emit(axis, index))
            box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            row.addWidget(box, 1)

    @property
    def voxel(self) -> tuple[int, int, int]:
        """The voxel (z, y, x) that the numbers give."""
        for box in self.boxes:
            box.interpretText()
        z, y, x = (box.value() for box in self.boxes)
        return (z, y, x)

    def show_voxel(self, at: Sequence[float]) -> None:
        """Show a voxel (z, y, x), rounded to whole ones; not taken for the user's."""
        for box, value in zip(self.boxes, at, strict=True):
            box.blockSignals(True)
            box.setValue(round(value))
            box.blockSignals(False)

    def take(self, shape: Sequence[int]) -> None:
        """Take voxels of an array of this shape and no others."""
        for box, size in zip(self.boxes, shape, strict=True):
            box.blockSignals(True)
            box.setMaximum(size - 1)
            box.blockSignals(False)
