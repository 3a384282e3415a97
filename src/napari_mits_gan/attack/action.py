"""What a simulated attack does to a scan: puts a nodule in, or takes one out."""

from __future__ import annotations

from typing import Literal

Action = Literal["inject", "remove"]
ACTIONS: tuple[Action, ...] = ("inject", "remove")
