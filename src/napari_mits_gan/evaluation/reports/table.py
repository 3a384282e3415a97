"""Tables of text for Markdown and for a terminal, and how proportions are written in them."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A table of text.

    Parameters
    ----------
    header : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        As many cells in each as there are columns.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """As a Markdown table; the first column is aligned left, the others right."""
        lines = [self.header, ("---", *("---:",) * (len(self.header) - 1)), *self.rows]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def plain_text(self) -> str:
        """In columns for a terminal."""
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        padded = []
        for first, *others in lines:
            numbers = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            padded.append([first.ljust(widths[0]), *numbers])
        return "\n".join("  ".join(line).rstrip() for line in padded)


def percent(proportion: float) -> str:
    """A proportion, 0 to 1, in whole per cent; a dash for NaN."""
    return "–" if math.isnan(proportion) else f"{100 * proportion:.0f} %"


def percent_interval(interval: tuple[float, float]) -> str:
    """The two ends of an interval of a proportion, in whole per cent; a dash for NaN."""
    low, high = interval
    return "–" if math.isnan(low) else f"{100 * low:.0f} – {100 * high:.0f} %"


def before_and_after(before: float | None, after: float | None) -> str:
    """Two proportions, 0 to 1, with an arrow between them; a dash where either is not known."""
    return "–" if before is None or after is None else f"{percent(before)} → {percent(after)}"
