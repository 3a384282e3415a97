"""What is written into the panels, and the slice, fit a canvas that gets another size."""

from __future__ import annotations

from itertools import combinations

import pytest

PLACE = (20, 45, 34)
TIMEOUT_MS = 60_000
SIZES = ((1500, 900), (1000, 520))


def _written(viewer) -> dict[object, list[tuple[str, float, float, float, float]]]:
    """By panel, what napari writes into it: kind, left, top, right and lower edge in pixels."""
    canvas = viewer.window._qt_viewer.canvas
    found: dict[object, list[tuple[str, float, float, float, float]]] = {}
    for overlay, visual, panel in canvas._get_ordered_visible_canvas_overlays():
        if overlay.opacity:
            left, top = visual.node.transform.translate[:2]
            kind = f"{type(overlay).__name__} {getattr(overlay, 'text', '')}"
            found.setdefault(panel, []).append((kind, left, top, left + visual.x_size, top + visual.y_size))
    return found


@pytest.mark.both_bindings
def test_names_letters_and_bars_neither_overlap_nor_leave_their_panel(shown_dock, settle, viewer_of, qtbot):
    dock, viewer = shown_dock, viewer_of(shown_dock)
    canvas, view = viewer.window._qt_viewer.canvas, dock.workspace.panels.view
    dock.workspace.attacking.attack("inject", PLACE)
    settle(dock)
    zooms = []
    for size in SIZES:
        before = viewer.canvas.size
        viewer.window.resize(*size)
        qtbot.waitUntil(lambda before=before: viewer.canvas.size != before, timeout=TIMEOUT_MS)
        canvas.native.repaint()
        qtbot.wait(100)
        canvas.native.repaint()
        height, width = view.panel_pixels
        panels = _written(viewer)
        assert len(panels) == 3
        for things in panels.values():
            assert len(things) >= 6, "letters, name, scale bar"
            for kind, left, top, right, bottom in things:
                assert 0 <= left < right <= width + 1, (size, kind)
                assert 0 <= top < bottom <= height + 1, (size, kind)
            for one, other in combinations(things, 2):
                apart = one[3] <= other[1] or other[3] <= one[1] or one[4] <= other[2] or other[4] <= one[2]
                assert apart, (size, one, other)
        assert view.is_fitted, "the whole slice again"
        zooms.append(view.pixels_per_mm)
    assert zooms[1] < 0.8 * zooms[0]
    view.zoom_by(3)
    closely = view.pixels_per_mm
    viewer.window.resize(*SIZES[0])
    qtbot.waitUntil(lambda: view.panel_pixels[1] > width + 50, timeout=TIMEOUT_MS)
    assert view.pixels_per_mm == closely, "a closer look stays one"
