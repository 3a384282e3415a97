from __future__ import annotations

import gc
import weakref

import pytest

from napari_mits_gan.widgets import garbage


class Ring:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def _as_before():
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)


@pytest.mark.usefixtures("_as_before")
def test_what_grew_old_is_collected_once_the_work_is_done(dock, settle, qtbot, monkeypatch):
    monkeypatch.setattr(garbage, "REST_MS", 10)
    garbage.keep_what_is_loaded(dock.workspace)
    ring = Ring()
    gc.collect(1)  # it is old now
    gone = weakref.ref(ring)
    del ring
    assert gc.get_threshold()[2] > 100_000
    dock.workspace.attacking.attack("inject", (20, 45, 34))
    settle(dock)
    qtbot.waitUntil(lambda: gone() is None, timeout=5000)
