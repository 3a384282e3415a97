"""Make the pictures of the README from a real run: attack, protect, compare, seal, check, recover, in a real window.

    xvfb-run -a -s "-screen 0 1600x1000x24" python scripts/make_screenshots.py [SCAN] [--at Z,Y,X]

SCAN is any CT scan that can be opened; the sample scan unless told. Without --at a place in the lung is drawn.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from napari.settings import get_settings

from napari_mits_gan.session import Difference, Voxel
from napari_mits_gan.widgets.demo import Demonstration, place_to_attack
from napari_mits_gan.widgets.sample import sample_folder
from napari_mits_gan.widgets.sections.attack import AttackSection
from napari_mits_gan.widgets.sections.compare import CompareSection
from napari_mits_gan.widgets.sections.evidence import EvidenceSection
from napari_mits_gan.widgets.sections.protect import ProtectSection

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"


def main() -> None:
    options = _options()
    get_settings(None)  # those of whoever runs this are neither read nor written
    demonstration = Demonstration(options.scan or sample_folder())
    options.output.mkdir(parents=True, exist_ok=True)
    place = options.at or place_to_attack(demonstration.scan)
    _picture_of_the_seal(demonstration, place, options.output / "evidence.png")
    if options.only_evidence:
        demonstration.close()
        return
    demonstration.attack("inject", place)
    demonstration.show_section(AttackSection)
    demonstration.picture(options.output / "unprotected.png")
    for budget in options.budgets:
        demonstration.protect(budget)
        demonstration.look_at(Difference.EFFECT)
        demonstration.show_section(CompareSection)
        demonstration.picture(options.output / f"three_panels_{budget}_hu.png")
    _picture_of_the_map(demonstration, options.output / "vulnerability_map.png")
    demonstration.close()


def _picture_of_the_seal(demonstration: Demonstration, place: Voxel, path: Path) -> None:
    """A sealed scan that was attacked: what the check marks, and what the seal gives back."""
    session = demonstration.workspace.session
    with TemporaryDirectory() as folder:
        demonstration.seal(Path(folder) / "hospital.key")
        demonstration.attack("inject", place)
        demonstration.check()
        demonstration.recover()
        demonstration.workspace.display.select(0)
        demonstration.workspace.display.zoom()
        demonstration.show_section(EvidenceSection)
        demonstration.wait()
        demonstration.picture(path)
    session.clear()
    session.take_seal_off("original")
    demonstration.wait()


def _picture_of_the_map(demonstration: Demonstration, path: Path) -> None:
    """Where injections still work on the protected scan, in the slice with most of the places."""
    workspace = demonstration.workspace
    workspace.session.clear()
    demonstration.wait()
    workspace.vulnerability.compute("inject")
    demonstration.wait()
    slices = [at[0] for at in workspace.vulnerability.sites]
    workspace.vulnerability.go_to(slices.index(max(slices, key=slices.count)))
    workspace.panels.view.show_whole()
    demonstration.show_section(ProtectSection)
    demonstration.picture(path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", nargs="?", type=Path, metavar="SCAN")
    parser.add_argument("--at", type=_voxel, metavar="Z,Y,X", help="voxel to inject a nodule at")
    parser.add_argument(
        "--budgets", type=int, nargs="+", default=(20, 40), metavar="HU", help="largest changes of the protection"
    )
    parser.add_argument("--only-evidence", action="store_true", help="only the picture of the seal, which is quick")
    parser.add_argument("--output", type=Path, default=IMAGES, metavar="FOLDER")
    return parser.parse_args()


def _voxel(text: str) -> tuple[int, int, int]:
    z, y, x = (int(part) for part in text.split(","))
    return (z, y, x)


if __name__ == "__main__":
    main()
