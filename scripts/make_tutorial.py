"""Make the pictures of docs/tutorial.md: its steps, in the real window, with the sample scan.

xvfb-run -a -s "-screen 0 1600x1000x24" python scripts/make_tutorial.py
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from napari.settings import get_settings

from napari_mits_gan.session import Difference
from napari_mits_gan.widgets.demo import Demonstration, place_to_attack
from napari_mits_gan.widgets.sample import sample_folder

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images" / "tutorial"
SIZE = (1280, 800)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=IMAGES, metavar="FOLDER")
    output = parser.parse_args().output
    output.mkdir(parents=True, exist_ok=True)
    get_settings(None)  # those of whoever runs this are neither read nor written
    demonstration = Demonstration(sample_folder())
    demonstration.viewer.window.resize(*SIZE)

    def picture(name: str, page: str) -> None:
        demonstration.dock.show_page(page)
        demonstration.picture(output / f"{name}.png")

    dock, work = demonstration.dock, demonstration.workspace
    at = place_to_attack(demonstration.scan)
    picture("scan", "scan")
    demonstration.attack("inject", at)
    picture("attack", "attack")
    demonstration.protect()
    demonstration.look_at(Difference.EFFECT)
    picture("protect", "attack")
    dock.sections["compare"].four_button.click()
    picture("four", "compare")
    dock.sections["compare"].swipe_button.click()
    picture("swipe", "compare")
    dock.sections["compare"].swipe_button.click()
    dock.sections["compare"].usual_button.click()
    dock.sections["compare"].three_planes.click()
    demonstration.wait()
    picture("planes", "compare")
    dock.sections["compare"].three_planes.click()
    _map(demonstration)
    picture("map", "protect")
    work.vulnerability.clear()
    with TemporaryDirectory() as folder:
        demonstration.switch(False)
        demonstration.seal(Path(folder) / "hospital.key")
        demonstration.attack("inject", at)
        demonstration.check()
        picture("found", "evidence")
        demonstration.recover()
        _look_closely(demonstration)
        picture("healed", "evidence")
        work.evidence.clear()
        work.session.take_seal_off("original")
        demonstration.wait()
    _look_closely(demonstration)
    dock.sections["inspect"].inspect_button.click()
    demonstration.wait()
    picture("inspect", "inspect")
    demonstration.close()


def _map(demonstration: Demonstration) -> None:
    """The map without the attack, in the slice with most of its sites."""
    work = demonstration.workspace
    work.session.clear()
    demonstration.wait()
    work.vulnerability.compute("inject")
    demonstration.wait()
    slices = [at[0] for at in work.vulnerability.sites]
    work.vulnerability.go_to(slices.index(max(slices, key=slices.count)))
    work.panels.view.show_whole()


def _look_closely(demonstration: Demonstration) -> None:
    demonstration.workspace.display.select(0)
    demonstration.workspace.display.zoom()
    demonstration.wait()


if __name__ == "__main__":
    main()
