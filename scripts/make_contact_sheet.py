"""Make docs/images/attack_contact_sheet.png: injections and removals, before and after, on scans kept out of training.

    python scripts/make_contact_sheet.py LIDC-IDRI-0001 RIDER-Pilot-0117.nii.gz

Places are drawn at random in the lungs by a fixed seed, the same number in each scan; none is chosen by hand. Removed
are the nodules that a file beside the scan lists (NAME_nodules.json or .csv), and else nodules drawn into the scan.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from napari_mits_gan.attack.attackers import load_attacker
from napari_mits_gan.attack.contract import Attacker
from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
from napari_mits_gan.attack.nodules.rules import random_nodule
from napari_mits_gan.ct.annotations import nodules_beside
from napari_mits_gan.ct.constants import SIMULATED_ATTACK
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.sites.healthy_lung import healthy_lung_sites

if TYPE_CHECKING:
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.detection.detector import NoduleDetector

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "attack_contact_sheet.png"
LEVEL_HU, WIDTH_HU = -600, 1500
FIELD_MM = 64
TILE = 176
GAP, CAPTION, PAIRS_IN_ROW = 12, 44, 6
BACKGROUND, TEXT, QUIET, LABEL = "#14161a", "#e8e8e8", "#9aa0a6", "#ffa53a"


@dataclass(frozen=True, eq=False)
class Pair:
    """Two tiles, uint8, of shape (y, x), and what stands under them."""

    before: NDArray[np.uint8]
    after: NDArray[np.uint8]
    caption: str
    told: str
    verdicts: tuple[str, str]
    drawn: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="+", type=Path, metavar="SCAN")
    parser.add_argument("--injections", type=int, default=24, help="in all (default: 24)")
    parser.add_argument("--removals", type=int, default=12, help="in all (default: 12)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--injector", default="inject", help="weights (default: the shipped ones)")
    parser.add_argument("--remover", default="remove", help="weights (default: the shipped ones)")
    parser.add_argument("--detector", type=Path, help="weights (default: the shipped ones)")
    parser.add_argument("--no-scores", action="store_true", help="leave the detector out")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FILE")
    options = parser.parse_args()

    injector = load_attacker(options.injector, options.device, action="inject")
    remover = load_attacker(options.remover, options.device, action="remove")
    detector = None if options.no_scores else _detector(options.detector, options.device)
    injections: list[Pair] = []
    removals: list[Pair] = []
    for number, path in enumerate(options.scans):
        volume = replace(read_ct(path), name=path.name.removesuffix(".gz").removesuffix(".nii"))
        wanted = [_share(n, number, len(options.scans)) for n in (options.injections, options.removals)]
        nodules = nodules_beside(path, volume)
        places = healthy_lung_sites(volume, max(1, sum(wanted)), options.seed, annotated=nodules)
        injections += [_pair(injector, detector, volume, at) for at in places[: wanted[0]]]
        for nodule in nodules[: wanted[1]]:
            z, y, x = (int(c) for c in np.rint(nodule.at))
            told = f"real, {nodule.diameter_mm:.0f} mm"
            removals.append(_pair(remover, detector, volume, (z, y, x), told=told))
        rng = np.random.default_rng([options.seed, number])
        for at in places[wanted[0] : sum(wanted) - len(nodules[: wanted[1]])]:
            shape = random_nodule(rng)
            told = f"drawn, {shape.diameter_mm:.0f} mm"
            removals.append(_pair(remover, detector, implant_in_scan(volume, shape, at), at, told=told, drawn=True))
    options.output.parent.mkdir(parents=True, exist_ok=True)
    # 128 shades are more than the eye tells apart in a tile, and halve the file.
    _sheet(injections, removals).quantize(128, dither=Image.Dither.NONE).save(options.output, optimize=True)
    print(f"{len(injections)} injections and {len(removals)} removals in {options.output.name}")


def _detector(path: Path | None, device: str) -> NoduleDetector:
    from napari_mits_gan.detection.detector import NoduleDetector

    return NoduleDetector.load(path, device)


def _share(total: int, number: int, of: int) -> int:
    """How many of `total` scan `number` of `of` takes; the first ones take what is left over."""
    return total // of + (number < total % of)


def _pair(
    attacker: Attacker,
    detector: NoduleDetector | None,
    volume: CTVolume,
    at: Voxel,
    *,
    told: str = "",
    drawn: bool = False,
) -> Pair:
    tampered = attacker.tamper(volume, at)
    verdicts = ("", "")
    if detector is not None:
        before, after = (detector.scores(scan, [at])[0] for scan in (volume, tampered))
        verdicts = (f"detector {before:.2f}", f"detector {after:.2f}")
    caption = f"{volume.name}  z {at[0]}, y {at[1]}, x {at[2]}"
    return Pair(_tile(volume, at), _tile(tampered, at), caption, told, verdicts, drawn)


def _tile(volume: CTVolume, at: Voxel) -> NDArray[np.uint8]:
    """The axial slice through a place, in lung window; black outside the scan."""
    _, dy, dx = volume.spacing
    offset = (np.arange(TILE) - (TILE - 1) / 2) * FIELD_MM / TILE
    grid = np.meshgrid(at[1] + offset / dy, at[2] + offset / dx, indexing="ij")
    hu = ndimage.map_coordinates(volume.hu[at[0]].astype(np.float32), grid, order=1, cval=-5000)
    shade = (hu - (LEVEL_HU - WIDTH_HU / 2)) / WIDTH_HU
    return np.asarray(np.rint(shade.clip(0, 1) * 255), dtype=np.uint8)


def _sheet(injections: list[Pair], removals: list[Pair]) -> Image.Image:
    pair_width = 2 * TILE + 2
    width = GAP + PAIRS_IN_ROW * (pair_width + GAP)
    parts = [
        (f"{SIMULATED_ATTACK}: CT-GAN injects nodules", injections),
        (f"{SIMULATED_ATTACK}: CT-GAN removes nodules", removals),
    ]
    rows = [-(-len(pairs) // PAIRS_IN_ROW) for _, pairs in parts]
    title, row = 56, TILE + CAPTION + GAP
    image = Image.new("RGB", (width, sum(title + n * row for n in rows) + GAP), BACKGROUND)
    draw = ImageDraw.Draw(image)
    large, small, tiny = (ImageFont.load_default(size) for size in (26, 15, 12))
    legend = (
        f"left before, right after; axial, {FIELD_MM} mm, window {LEVEL_HU} / {WIDTH_HU} HU; places drawn at random"
    )
    top = 0
    for (heading, pairs), n in zip(parts, rows, strict=True):
        draw.text((GAP, top + 14), heading, LABEL, large)
        draw.text((width - GAP, top + 24), legend, QUIET, small, anchor="ra")
        top += title
        for i, pair in enumerate(pairs):
            x, y = GAP + i % PAIRS_IN_ROW * (pair_width + GAP), top + i // PAIRS_IN_ROW * row
            image.paste(Image.fromarray(pair.before), (x, y))
            image.paste(Image.fromarray(pair.after), (x + TILE + 2, y))
            # Each tile says it for itself, should somebody cut it out.
            _label(draw, (x + TILE + 2, y), SIMULATED_ATTACK, tiny)
            if pair.drawn:
                _label(draw, (x, y), "DRAWN NODULE", tiny)
            draw.text((x, y + TILE + 3), pair.caption, TEXT, small)
            draw.text((x + pair_width, y + TILE + 3), pair.told, QUIET, small, anchor="ra")
            for left, verdict in zip((x, x + TILE + 2), pair.verdicts, strict=True):
                draw.text((left, y + TILE + 21), verdict, TEXT, small)
        top += n * row
    return image


def _label(draw: ImageDraw.ImageDraw, corner: tuple[int, int], text: str, font: ImageFont.FreeTypeFont) -> None:
    """Text in the corner of a tile, on a dark ground since bones and chest wall are as bright as it is."""
    at = (corner[0] + 4, corner[1] + 3)
    _, _, right, bottom = draw.textbbox(at, text, font)
    draw.rectangle((corner[0], corner[1], right + 4, bottom + 4), BACKGROUND)
    draw.text(at, text, LABEL, font)


if __name__ == "__main__":
    main()
