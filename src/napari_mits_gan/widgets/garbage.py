"""Sparing the user garbage collections, in a process of our own."""

from __future__ import annotations

import gc


def keep_what_is_loaded() -> None:
    """Leave modules and the window out of all later collections, which last a quarter of a second with them.

    napari collects garbage whenever a layer goes. Only for a process that ends with its window, and before a scan is
    opened: what is kept is never freed.
    """
    gc.collect()
    gc.freeze()
