"""A form, made by magicgui, of the options of a frozen dataclass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from magicgui.widgets import LineEdit, create_widget
from qtpy.QtWidgets import QFormLayout, QWidget

from napari_mits_gan.options import Option, made, options_of

_MOST = 10**6
_TEXT = "not set"


class OptionsForm(QWidget):
    """One row for each option; shows another class's options with `show_options`."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: dict[str, Any] = {}
        """The magicgui widgets by the names of the options; empty where there are none."""
        self._layout = QFormLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setVerticalSpacing(4)
        self._kind: type | None = None
        self.setVisible(False)

    def show_options(self, kind: type | None) -> None:
        """Show the options of a dataclass, each at its default; None, or a class without options, shows nothing."""
        if kind is self._kind:
            return
        self._kind = kind
        while self._layout.rowCount():
            self._layout.removeRow(0)
        options = options_of(kind) if kind is not None else ()
        self.rows = {option.name: _row(option) for option in options}
        for name, row in self.rows.items():
            title = name.replace("_", " ").capitalize()
            self._layout.addRow(title, row.native)
            for widget in (row.native, *row.native.findChildren(QWidget)):
                widget.setToolTip(row.tooltip)
                if not widget.accessibleName():
                    widget.setAccessibleName(title)
        self.setVisible(bool(options))

    def made(self) -> Any:
        """The dataclass with what stands in the form, or None where nothing was changed.

        Raises
        ------
        OptionError
            If a value is not one that the option takes.
        """
        if self._kind is None:
            return None
        values = {option.name: _value(option, self.rows[option.name].value) for option in options_of(self._kind)}
        instance: Any = made(self._kind, values)
        return None if instance == self._kind() else instance


def _row(option: Option) -> Any:
    if option.count is not None or (option.optional and option.kind is not Path):
        # Tuples, and numbers that may be missing: as text, one value after the other.
        row: Any = LineEdit(name=option.name, value=_text(option.default))
        row.native.setPlaceholderText(_TEXT)
    else:
        limits: dict[str, Any] = {}
        if option.kind in (int, float):
            limits = {
                "min": -_MOST if option.low is None else option.low,
                "max": _MOST if option.high is None else option.high,
                "step": None if option.kind is int else 0.01,
            }
        elif option.choices:
            limits = {"choices": option.choices}
        elif option.kind is Path:
            limits = {"nullable": True, "filter": "*.safetensors"}
        kind = option.kind | None if option.optional else option.kind
        row = create_widget(value=option.default, annotation=kind, name=option.name, options=limits or None)
    row.tooltip = option.help
    return row


def _text(value: Any) -> str:
    return "" if value is None else " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _value(option: Option, shown: Any) -> Any:
    if not isinstance(shown, str) or (option.count is None and not option.optional):
        return shown
    parts = shown.replace(",", " ").split()
    if not parts and option.optional:
        return None
    if option.count is None:
        return option.one(shown.strip())
    return tuple(option.one(part) for part in parts)
