"""Make a picture of every state of the window at several sizes, to look at: nothing clipped, overlapping or empty.

xvfb-run -a -s "-screen 0 1920x1080x24" python scripts/make_states.py FOLDER
QT_SCALE_FACTOR=1.5 xvfb-run -a -s "-screen 0 1920x1200x24" python scripts/make_states.py FOLDER --sizes 1280x720
xvfb-run -a -s "-screen 0 1920x1080x24" python scripts/make_states.py FOLDER --theme light --sizes 1366x768
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from napari.settings import get_settings

from napari_mits_gan.session import Difference
from napari_mits_gan.widgets.demo import Demonstration, place_to_attack
from napari_mits_gan.widgets.layers.measure import Measured
from napari_mits_gan.widgets.sample import sample_folder

SIZES = ("1280x720", "1366x768", "1920x1080")


def main() -> None:
    options = _options()
    settings = get_settings(None)  # those of whoever runs this are neither read nor written
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.theme is not None:
        settings.appearance.theme = options.theme
    demonstration = Demonstration(options.scan or sample_folder())
    with TemporaryDirectory() as keys:
        for state in _states(demonstration, Path(keys)):
            for size in options.sizes:
                width, height = map(int, size.split("x"))
                demonstration.viewer.window.resize(width, height)
                _open_docks_anew(demonstration)
                demonstration.picture(options.folder / f"{state}_{size}.png")
    demonstration.close()


def _states(demonstration: Demonstration, keys: Path) -> Iterator[str]:
    """Bring the window from one state to the next; yields the name of each."""
    work, dock = demonstration.workspace, demonstration.dock
    at = place_to_attack(demonstration.scan)
    dock.show_page("scan")
    yield "scan"
    demonstration.attack("inject", at)
    dock.show_page("attack")
    yield "attacked"
    work.attacking.attack("remove", (at[0], 5, 5))
    demonstration.wait()
    yield "outside_the_lungs"
    work.session.undo()
    demonstration.protect()
    for page in dock.sections:
        dock.show_page(page)
        yield f"protected_{page}"
    demonstration.look_at(Difference.EFFECT)
    dock.show_page("compare")
    dock.header.plane_buttons["coronal"].click()
    yield "coronal"
    dock.sections["compare"].four_button.click()
    dock.header.plane_buttons["sagittal"].click()
    work.display.zoom()
    yield "sagittal_four"
    dock.header.plane_buttons["axial"].click()
    dock.sections["compare"].usual_button.click()
    dock.sections["compare"].three_planes.click()
    yield "three_planes"
    dock.sections["compare"].four_button.click()
    yield "three_planes_four"
    dock.sections["compare"].three_planes.click()
    work.panels.view.show_whole()
    dock.sections["compare"].swipe_button.click()
    yield "swipe"
    dock.sections["compare"].fade_button.click()
    yield "fade"
    dock.sections["compare"].fade_button.click()
    dock.sections["compare"].usual_button.click()
    work.display.zoom()
    work.measuring.start()
    z, y, x = at
    work.measuring.measure(Measured((z, y - 12, x - 9), (z, y + 8, x + 12)))
    yield "measured"
    work.measuring.stop()
    dock.sections["compare"].nodule.click()
    yield "nodule_3d"
    dock.sections["compare"].three_planes.click()
    yield "nodule_3d_and_three_planes"
    dock.sections["compare"].three_planes.click()
    dock.sections["compare"].nodule.click()
    work.panels.view.show_whole()
    dock.tour.start()
    yield "tour"
    dock.tour.stop()
    work.session.clear()
    demonstration.wait()
    work.vulnerability.compute("remove")
    demonstration.wait()
    slices = [at[0] for at in work.vulnerability.sites]
    work.vulnerability.go_to(slices.index(max(slices, key=slices.count)))
    work.panels.view.show_whole()
    dock.show_page("protect")
    yield "map_of_removals"
    work.vulnerability.clear()
    demonstration.switch(False)
    demonstration.seal(keys / "hospital.key")
    demonstration.attack("inject", at)
    demonstration.check()
    demonstration.recover()
    work.display.select(0)
    work.display.zoom()
    dock.show_page("evidence")
    yield "healed"


def _open_docks_anew(demonstration: Demonstration) -> None:
    """Docks below the canvas keep their height when the window gets another: open them as they are opened there."""
    compare = demonstration.dock.sections["compare"]
    is_open = [box for box in (compare.nodule, compare.three_planes) if box.isChecked()]
    for box in is_open:
        box.click()
    demonstration.wait()
    for box in is_open:
        box.click()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("scan", nargs="?", type=Path, metavar="SCAN")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="WxH", help="of the window, in logical pixels")
    parser.add_argument("--theme", choices=("light", "dark"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
