"""Make docs/images/inspect.png: attacks on a scan, the noise that an inspection looks at, and its evidence.

    python scripts/make_inspection_sheet.py LIDC-IDRI-0001

Places are proposed by the package's own search for sites; the first that lie far from CT-GAN's fixed spot are taken.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from napari_mits_gan.attack.attackers import load_attacker
from napari_mits_gan.attack.ctgan.touch_up import noise_spot
from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
from napari_mits_gan.attack.nodules.rules import NoduleShape
from napari_mits_gan.ct.constants import SIMULATED_ATTACK
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.sites import injection_sites
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.fixed_spot import FixedSpot

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "inspect.png"
FIELD_MM, TILE, GAP, CAPTION = 80.0, 240, 8, 34
BACKGROUND, TEXT, LABEL = "#14161a", "#e8e8e8", "#ffa53a"
FAR_MM = 60.0
NODULE = NoduleShape(12.0, 30.0, float("nan"), (1.0, 1.0, 1.0), 0.1, 0, 0.8, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scan", type=Path, metavar="SCAN")
    scan = read_ct(parser.parse_args().scan)
    spot = np.array(noise_spot(scan.shape))
    far = [
        site.at
        for site in injection_sites(scan, 20)
        if np.linalg.norm((np.array(site.at) - spot) * scan.spacing) > FAR_MM
    ]
    rows = []
    for action, at in (("inject", far[0]), ("remove", far[1])):
        before = scan
        if action == "remove":
            before = replace(implant_in_scan(scan, NODULE, at), history=())
        after = load_attacker(action, "cpu").tamper(before, at)
        rows.append(row(before, after, at))
    sheet(rows).save(OUTPUT, optimize=True)
    print(OUTPUT)


def row(before: CTVolume, after: CTVolume, at: tuple[int, int, int]) -> list[tuple[NDArray[np.uint8], str, str]]:
    """Tiles with their captions."""
    examined = ExaminedScan.of(after)
    score = FixedSpot().evidence(examined)
    assert score is not None
    z = at[0]
    inside = examined.region.slices()
    whole = [np.zeros(after.shape[1:], dtype=np.float32) for _ in range(2)]
    whole[0][inside[1:]] = examined.residual[z - examined.region.low[0]]
    # A copy stands out at a single voxel, which a picture would not show.
    whole[1][inside[1:]] = score[z - examined.region.low[0]]
    peak = float(score.max())
    return [
        (tile(before.hu[z], at, after, -1350, 150), "the scan", TEXT),
        (tile(after.hu[z], at, after, -1350, 150), SIMULATED_ATTACK, LABEL),
        (tile(whole[0], at, after, -3, 3), "whitened noise", TEXT),
        (tile(whole[1], at, after, 0, max(peak, 8.0)), f"correlation, peak {peak:.0f}", TEXT),
    ]


def tile(values: NDArray[np.generic], at: tuple[int, int, int], volume: CTVolume, low: float, high: float):
    """80 mm around a voxel, enlarged, nearest voxel."""
    offsets = (np.arange(TILE) + 0.5) * FIELD_MM / TILE - FIELD_MM / 2
    y, x = (
        np.clip(np.rint(a + offsets / mm).astype(int), 0, n - 1)
        for a, mm, n in zip(at[1:], volume.spacing[1:], values.shape, strict=True)
    )
    part = values[np.ix_(y, x)].astype(np.float32)
    return np.rint(np.clip((part - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def sheet(rows: list[list[tuple[NDArray[np.uint8], str, str]]]) -> Image.Image:
    width = len(rows[0]) * (TILE + GAP) + GAP
    image = Image.new("RGB", (width, len(rows) * (TILE + CAPTION + GAP) + GAP), BACKGROUND)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(15)
    for i, tiles in enumerate(rows):
        for j, (values, caption, color) in enumerate(tiles):
            left, top = GAP + j * (TILE + GAP), GAP + i * (TILE + CAPTION + GAP)
            image.paste(Image.fromarray(values).convert("RGB"), (left, top))
            draw.text((left + 2, top + TILE + 6), caption, fill=color, font=font)
    return image


if __name__ == "__main__":
    main()
