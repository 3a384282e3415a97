"""Make docs/images/lungs.png: outlines of lungs (red), airways (blue) and body (green) on slices of scans.

    python scripts/make_lung_sheet.py LIDC-IDRI-0001 LIDC-IDRI-0003.nii.gz LIDC-IDRI-0314.nii.gz

A row for each scan: axial slices spread evenly over the lungs, then two coronal ones and a sagittal one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from napari_mits_gan.ct.anatomy import Anatomy, anatomy_of
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume

OUTPUT = Path(__file__).resolve().parents[1] / "docs" / "images" / "lungs.png"
LEVEL_HU, WIDTH_HU = -400, 1500
MM_A_PIXEL = 2.2
AXIAL = 6
TILE = (190, 160)
COLOURS = {"body": (70, 220, 90), "lungs": (255, 70, 60), "airways": (80, 170, 255)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("scans", nargs="+", type=Path, metavar="SCAN")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    rows = [_row(read_ct(path), path.name.split(".")[0]) for path in options.scans]
    sheet = Image.fromarray(np.concatenate(rows, axis=0))
    sheet.save(options.output, optimize=True)


def _row(volume: CTVolume, name: str) -> NDArray[np.uint8]:
    anatomy = anatomy_of(volume)
    lungs = np.argwhere(anatomy.lungs.any(axis=(1, 2)) if anatomy.lungs.any() else np.ones(volume.shape[0], dtype=bool))
    first, last = int(lungs[0, 0]), int(lungs[-1, 0])
    planes: list[tuple[tuple[slice | int, ...], tuple[float, float]]] = [
        ((int(z),), volume.spacing[1:]) for z in np.linspace(first, last, AXIAL + 2).round()[1:-1]
    ]
    sz, sy, sx = volume.spacing
    middle = [int(np.median(axis)) for axis in np.nonzero(anatomy.body)]
    upright = slice(None, None, -1)
    planes += [((upright, int(middle[1] * share)), (sz, sx)) for share in (0.95, 1.2)]
    planes.append(((upright, slice(None), int(middle[2] * 0.7)), (sz, sy)))
    tiles = [_tile(volume, anatomy, index, mm) for index, mm in planes]
    row = Image.fromarray(np.concatenate(tiles, axis=1))
    ImageDraw.Draw(row).text((4, 2), name, fill="#e8e8e8")
    return np.asarray(row)


def _tile(
    volume: CTVolume, anatomy: Anatomy, index: tuple[slice | int, ...], mm: tuple[float, float]
) -> NDArray[np.uint8]:
    hu = volume.hu[index].astype(np.float32)
    grey = (np.clip((hu - LEVEL_HU) / WIDTH_HU + 0.5, 0, 1) * 255).astype(np.uint8)
    size = tuple(max(1, round(n * s / MM_A_PIXEL)) for n, s in zip(hu.shape, mm, strict=True))
    rgb = np.stack([np.asarray(Image.fromarray(grey).resize(size[::-1], Image.Resampling.BILINEAR))] * 3, axis=-1)
    for name, colour in COLOURS.items():
        mask = Image.fromarray(getattr(anatomy, name)[index].astype(np.uint8) * 255)
        inside = np.asarray(mask.resize(size[::-1], Image.Resampling.NEAREST)) > 0
        rgb[inside & ~ndimage.binary_erosion(inside)] = colour
    tile = np.zeros((TILE[1], TILE[0], 3), dtype=np.uint8)
    cut = rgb[max(0, (size[0] - TILE[1]) // 2) :, max(0, (size[1] - TILE[0]) // 2) :][: TILE[1], : TILE[0]]
    top, left = (TILE[1] - cut.shape[0]) // 2, (TILE[0] - cut.shape[1]) // 2
    tile[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    return tile


if __name__ == "__main__":
    main()
