"""`napari-mits-gan open` in a real window."""

import pytest

from napari_mits_gan.command_line.window import open_window


@pytest.fixture
def window(use_theme):
    opened = []

    def open_it(path):
        use_theme()
        opened.append(open_window(path))
        return opened[-1]

    yield open_it
    for viewer, _ in opened:
        viewer.close()


@pytest.mark.both_bindings
def test_it_shows_the_scan_with_the_dock(window, sample_series, qtbot):
    viewer, dock = window(sample_series)
    qtbot.waitUntil(lambda: dock.workspace.is_open, timeout=60_000)
    assert dock.workspace.session.original.shape == (130, 256, 256)
    assert any(layer.data.shape == (130, 256, 256) for layer in viewer.layers)
    assert dock.isVisible()


@pytest.mark.both_bindings
def test_it_opens_without_a_scan_too(window, qtbot):
    viewer, dock = window(None)
    assert dock.workspace.session.original is None
    assert len(viewer.layers) == 0
