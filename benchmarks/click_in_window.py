"""How long a user of the window waits after a click: until the attack is seen, and until all figures are there.

xvfb-run -a -s "-screen 0 1600x1000x24" python -m benchmarks.click_in_window

The picture is there once the window has drawn the panels with the attack in them. The figures (what the detector
reports, how far the attacks deviate) follow.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import limit_cores, seconds, tell
from benchmarks.scans import add_scans, chosen_paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--clicks", type=int, default=20, help="after the first one (default: 20)")
    options = parser.parse_args()

    limit_cores(options.cores)
    figures = {}
    for path in chosen_paths(options):
        figures |= _measure(path, options.clicks, options.cores)
    tell(figures)


def _measure(path: Path, clicks: int, cores: int) -> dict[str, float]:
    from qtpy.QtWidgets import QApplication

    from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
    from napari_mits_gan.widgets.demo import Demonstration

    demonstration = Demonstration(path)
    workspace, scan = demonstration.workspace, demonstration.scan
    made_s = seconds(lambda: _make_ready(demonstration))
    canvas = _canvas(QApplication.topLevelWidgets())
    drawn: list[float] = []
    canvas.frameSwapped.connect(lambda: drawn.append(time.perf_counter()))
    shown: list[float] = []
    workspace.display.changed.connect(lambda: shown.append(time.perf_counter()))

    def click(site: tuple[int, int, int]) -> tuple[float, float]:
        drawn.clear()
        shown.clear()
        begin = time.perf_counter()
        workspace.attacking.attack("inject", site)
        demonstration.wait()
        end = time.perf_counter()
        while not any(at > shown[0] for at in drawn):
            QApplication.processEvents()
        return next(at for at in drawn if at > shown[0]) - begin, end - begin

    times = [click(site) for site in random_lung_clicks(scan, 1 + clicks, seed=0)]
    demonstration.close()
    (first, first_all), pictures, whole = times[0], [seen for seen, _ in times[1:]], [end for _, end in times[1:]]
    p95 = float(np.percentile(pictures, 95))
    print(
        f"{path.name}, {len(scan.hu)} slices, {cores} cores: switching clicks on, {made_s:.2f} s (the panels are made "
        f"then); the first click is seen after {first:.2f} s, the next {clicks} after "
        f"{statistics.median(pictures):.2f} s (median), {p95:.2f} s (95 %), {max(pictures):.2f} s (longest); all "
        f"figures are there after {first_all:.2f} s, and {statistics.median(whole):.2f} s (median)",
        flush=True,
    )
    return {
        f"{path.name}: clicks on, s": made_s,
        f"{path.name}: first click, s": first,
        f"{path.name}: click, median, s": statistics.median(pictures),
        f"{path.name}: click, 95 %, s": p95,
        f"{path.name}: all figures, median, s": statistics.median(whole),
    }


def _make_ready(demonstration: Any) -> None:
    """Switch clicks on, as a user has to before the first one; the panels are made and drawn then."""
    from qtpy.QtWidgets import QApplication

    demonstration.workspace.clicking.arm(True)
    demonstration.wait()
    for _ in range(3):
        QApplication.processEvents()


def _canvas(windows: list[Any]) -> Any:
    """The largest canvas that a window draws with OpenGL."""
    found = [part for window in windows for part in window.findChildren(object) if hasattr(part, "frameSwapped")]
    return max(found, key=lambda part: part.width() * part.height())


if __name__ == "__main__":
    main()
