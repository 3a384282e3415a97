"""A real viewer with the dock in it, a small scan, and attackers and protections that need no weights."""

from __future__ import annotations

import atexit
import gc
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest

import napari_mits_gan
from napari_mits_gan.attack.contract import Attacker, Painted, box_of_mm
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.session import Networks, Session
from napari_mits_gan.workflow.protect_series import ProtectionOptions

HAS_WINDOW = all(importlib.util.find_spec(name) for name in ("napari", "qtpy", "pytestqt")) and any(
    importlib.util.find_spec(binding) for binding in ("PyQt6", "PySide6", "PyQt5", "PySide2")
)
SCREEN = "1600x1000x24"

# napari's own settings are neither read nor written: those of whoever runs the tests are theirs, and each viewer would
# write them several times.
os.environ["NAPARI_CONFIG"] = ""


def _screen_of_its_own() -> subprocess.Popen[bytes] | None:
    """Start a virtual screen for this process, where several test at once: windows of two would cover each other."""
    if "PYTEST_XDIST_WORKER" not in os.environ or not HAS_WINDOW or shutil.which("Xvfb") is None:
        return None
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    atexit.register(server.kill)
    return server


_server = _screen_of_its_own()
collect_ignore_glob = [] if HAS_WINDOW else ["test_*.py"]

TIMEOUT_MS = 120_000


def pytest_unconfigure() -> None:
    if _server is not None:
        _server.kill()


def pytest_report_header() -> str:
    if HAS_WINDOW:
        return "window tests: run, with a real viewer"
    return "window tests: left out, since napari, a Qt binding or pytest-qt is not installed"


def pytest_collection_finish() -> None:
    """Keep the libraries, which all tests share, out of the first ones' garbage collections.

    Nor does Python itself begin a whole collection: there is one after each test.
    """
    gc.freeze()
    gc.set_threshold(20_000, 10, 100_000)


def pytest_runtest_logfinish() -> None:
    """Keep what outlives a test out of the next ones' garbage collections.

    napari's own fixture leaves menu items behind by the hundred, so that every test would take longer than the last.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def _display():
    if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        pytest.skip("no screen here; run the tests under xvfb-run")
    yield
    from qtpy.QtCore import QThreadPool

    # A thread that still works when Qt is gone ends the process; outside of tests napari waits for them as it quits.
    QThreadPool.globalInstance().waitForDone(TIMEOUT_MS)


@pytest.fixture(scope="session", autouse=True)
def _plugins_sought_once(_display):
    """napari reads the manifests of all that is installed for each viewer anew; they stay the same meanwhile."""
    from npe2 import PluginManifest

    found = list(PluginManifest.discover())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PluginManifest, "discover", lambda paths=(): iter(found))
        yield


@pytest.fixture(scope="session", autouse=True)
def _garbage_collected_once_a_test(_display):
    """napari collects garbage, the whole of it, for each layer that comes or goes, for the sake of some drivers."""
    import napari._vispy.canvas

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(napari._vispy.canvas, "gc", SimpleNamespace(collect=lambda: 0), raising=False)
        yield


@pytest.fixture(autouse=True)
def _agreed(monkeypatch):
    """Whatever the window asks is answered with Open: a question that waits for somebody would wait for ever."""
    from qtpy.QtWidgets import QMessageBox

    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Open)


@pytest.fixture(autouse=True)
def _usual_preferences(request, monkeypatch):
    """The Preferences of whoever runs the tests are neither read nor written; napari's own fixture has others."""
    if "plugin_settings" not in request.fixturenames:
        monkeypatch.setattr("napari_mits_gan.widgets.preferences._settings", lambda: None)


class Ball(Attacker):
    """Draws a ball whose brightness depends on the voxel clicked at, as an attack's result depends on the scan."""

    family = "ball"

    def __init__(self, action: str, name: str = "ball") -> None:
        self.action = action
        self.name = name

    def touched(self, at, spacing):
        return box_of_mm(at, 16.0, spacing)

    def paint(self, volume: CTVolume, at: tuple[int, int, int]) -> Painted:
        box = self.touched(at, volume.spacing).inside(volume.shape)
        grids = np.ogrid[box.slices()]
        distance = sum(((g - a) * s) ** 2 for g, a, s in zip(grids, at, volume.spacing, strict=True))
        value = 40 + int(volume.hu[at]) % 17 if self.action == "inject" else -880
        return Painted(box, np.where(distance < 64, value, volume.hu[box.slices()]))


def load_ball(action: str, device: str, weights: Path | None = None) -> Ball:
    """An attacker whose weights file need only be there, and tell its action in its name."""
    if weights is None:
        return Ball(action)
    if not weights.is_file() or action not in weights.name:
        raise WeightsError(f"'{weights.name}' holds no attacker that does {action}; choose another.")
    return Ball(action, f"{weights.name} {weights.read_text()}")


class BrightCore:
    """Sees a nodule where the 9 mm around a place are bright."""

    threshold = 0.5

    def scores(self, volume: CTVolume, places) -> np.ndarray:
        found = []
        for at in places:
            reach = [max(1, round(4.5 / s)) for s in volume.spacing]
            core = volume.hu[tuple(slice(max(0, a - r), a + r + 1) for a, r in zip(at, reach, strict=True))]
            found.append(1 / (1 + np.exp(-(core.mean() + 400) / 60)))
        return np.array(found)


def stripes(volume: CTVolume, options: ProtectionOptions, progress) -> CTVolume:
    """A protection of stripes: quick, and within its budget."""
    shift = options.seed + len(options.key or "")
    hu = volume.hu.copy()
    for z in range(len(hu)):
        progress(z, len(hu))
        hu[z, (shift % 2) :: 2] += np.int16(options.max_change_hu)
        hu[z, (shift + 1) % 2 :: 2] -= np.int16(options.max_change_hu)
    parameters = {"method": str(options.method), "max_change_hu": options.max_change_hu, "seed": options.seed}
    return volume.with_hu(hu, Step("protection", parameters))


class Stuck:
    """A protection that goes on until it is told to end, or is cancelled."""

    def __init__(self) -> None:
        self.running, self.release, self.ended = Event(), Event(), Event()

    def __call__(self, volume, options, progress):
        try:
            self.running.set()
            while not self.release.wait(0.005):
                progress(1, 2)
            return stripes(volume, options, progress)
        finally:
            self.ended.set()


def make_session(*, protector=stripes, **networks) -> Session:
    light = {"load_attacker": load_ball, "load_detector": lambda device: BrightCore()}
    return Session(Networks(**{**light, **networks}), protector)


@pytest.fixture
def scan() -> CTVolume:
    """Two lungs in a body, 40 × 90 × 120 voxels of 2 × 1 × 1 mm, with noise."""
    hu = np.full((40, 90, 120), -1000, dtype=np.int16)
    _, y, x = np.ogrid[:40, :90, :120]
    body = ((y - 45) / 42) ** 2 + ((x - 60) / 57) ** 2 < 1
    lungs = (((y - 45) / 30) ** 2 + ((x - 34) / 20) ** 2 < 1) | (((y - 45) / 30) ** 2 + ((x - 86) / 20) ** 2 < 1)
    hu[:] = np.where(lungs, -860, np.where(body, 40, -1000))
    noise = np.random.default_rng(0).normal(0, 12, hu.shape)
    hu += np.where(np.broadcast_to(body, hu.shape), noise, 0).astype(np.int16)
    return CTVolume(hu, spacing=(2.0, 1.0, 1.0), origin=(-60.0, -45.0, 10.0), name="small chest")


@pytest.fixture
def light_session(monkeypatch):
    """What is opened from now on has attackers and a protection that need no weights; parts may be given."""

    def use(**parts) -> None:
        monkeypatch.setattr("napari_mits_gan.widgets.workspace.Session", lambda: make_session(**parts))

    use()
    return use


@pytest.fixture
def settle(qtbot):
    """Wait until a dock has nothing more to do."""

    def wait(dock) -> None:
        work = dock.workspace
        qtbot.waitUntil(lambda: work.at_rest, timeout=TIMEOUT_MS)

    return wait


@pytest.fixture
def plugin():
    """The plugin as napari finds it: by its manifest."""
    from npe2 import PluginManager, PluginManifest

    manager = PluginManager.instance()
    if "napari-mits-gan" not in manager:
        manager.register(PluginManifest.from_file(Path(napari_mits_gan.__file__).parent / "napari.yaml"))
    return manager


@pytest.fixture
def open_menu(plugin):
    """Open the dock of a viewer as the Plugins menu does, which hands it a wrapped viewer."""
    from napari_mits_gan.widgets.main_dock import open_dock

    return open_dock


@pytest.fixture
def viewers():
    """The viewer of each dock that a test opened."""
    opened: list = []
    yield opened
    opened.clear()  # nothing may keep a viewer that is closed


@pytest.fixture
def use_theme():
    """Take the theme that the variable NAPARI_THEME names, as napari does until its own fixture resets its settings."""
    from napari.settings import get_settings

    def use() -> None:
        if name := os.environ.get("NAPARI_THEME"):
            get_settings().appearance.theme = name

    return use


@pytest.fixture
def make_dock(make_napari_viewer, settle, open_menu, light_session, viewers, use_theme):
    """A window with the dock in it, opened through napari's menu, ready to be used."""

    def make(volume: CTVolume | None = None, *, show: bool = False, **parts):
        light_session(**parts)
        use_theme()
        viewer = make_napari_viewer(show=show)
        viewer.window.resize(1100, 700)
        dock = open_menu(viewer)
        viewers.append((dock, viewer))
        settle(dock)
        if volume is not None:
            dock.workspace.session.open(volume)
            settle(dock)
        return dock

    return make


@pytest.fixture
def dock(make_dock, scan):
    """A window with the dock and the small scan open in it; nothing is drawn, which makes it quick."""
    return make_dock(scan)


@pytest.fixture
def drag(qtbot):
    """Press a button in the middle of a widget, or at a place in it; move the mouse in steps; let the button go."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    def dragged(widget, button, step, steps: int, at=None) -> None:
        center = widget.rect().center() if at is None else at
        qtbot.mousePress(widget, button, pos=center)
        for number in range(1, steps + 1):
            place = center + step * number
            positions = QPointF(place), QPointF(widget.mapToGlobal(place))
            move = QMouseEvent(
                *(QEvent.Type.MouseMove, *positions), Qt.MouseButton.NoButton, button, Qt.KeyboardModifier.NoModifier
            )
            QApplication.sendEvent(widget, move)
        qtbot.mouseRelease(widget, button, pos=center + step * steps)

    return dragged


@pytest.fixture
def shown_dock(make_dock, scan):
    """The same on the screen, for the mouse and for pictures."""
    return make_dock(scan, show=True)


@pytest.fixture
def viewer_of(viewers):
    """The viewer that a dock belongs to, as it is, not as plugins see it."""
    return lambda dock: next(viewer for own, viewer in viewers if own is dock)


@pytest.fixture
def stuck():
    """A protection that goes on until it is released or cancelled."""
    protection = Stuck()
    yield protection
    protection.release.set()


@pytest.fixture
def pixel_of():
    """Where on the canvas a voxel of a scan is drawn, in a panel: 0 is the first."""
    from qtpy.QtCore import QPoint

    def find(viewer, layer, voxel, panel: int = 0) -> QPoint:
        canvas = viewer.window._qt_viewer.canvas
        view = canvas.grid_views[panel] if viewer.canvas.grid.enabled else canvas.view
        world = layer.data_to_world(voxel)
        shown = [world[axis] for axis in viewer.dims.displayed]
        x, y = (view.transform * view.scene.transform).map([shown[1], shown[0]])[:2]
        return QPoint(round(float(x)), round(float(y)))

    return find


@pytest.fixture
def click_at(qtbot, pixel_of, viewer_of):
    """Click with the real mouse button on a voxel (z, y, x) of the scan, in a panel."""
    from qtpy.QtCore import Qt

    def click(dock, voxel, panel: int = 0) -> None:
        viewer, layer = viewer_of(dock), dock.workspace.panels.image("scan")
        dock.workspace.panels.go_to(dock.workspace.session.original, voxel)
        native = viewer.window._qt_viewer.canvas.native
        seen = []

        def is_steady() -> bool:  # the grid gets its final size only as it is drawn
            native.repaint()
            seen.append(pixel_of(viewer, layer, voxel, panel))
            return len(seen) > 2 and seen[-1] == seen[-2] == seen[-3]

        qtbot.waitUntil(is_steady, timeout=TIMEOUT_MS)
        place = seen[-1]
        qtbot.mouseMove(native, place)
        qtbot.mouseClick(native, Qt.MouseButton.LeftButton, pos=place)

    return click
