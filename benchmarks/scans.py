"""Which scans the benchmarks run on: those kept out of training, unless told otherwise."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import CTVolume

HELD_OUT = ("LIDC-IDRI-0001", "RIDER-Pilot-0117.nii.gz")


def add_scans(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scans",
        type=Path,
        nargs="+",
        metavar="PATH",
        help="scans to use, each a DICOM folder or an image file (default: those kept out of training, "
        f"{' and '.join(HELD_OUT)}, in the folder MITS_GAN_SCANS or in shared/ct beside the checkout)",
    )


def resliced(volume: CTVolume, slices: int) -> CTVolume:
    """The same scan with another number of slices, interpolated linearly: the same body, thinner or thicker slices."""
    height = (volume.shape[0] - 1) * volume.spacing[0]
    at = np.linspace(0, volume.shape[0] - 1, slices)
    below = np.minimum(at.astype(int), volume.shape[0] - 2)
    hu = np.empty((slices, *volume.shape[1:]), np.int16)
    for z, (first, share) in enumerate(zip(below, at - below, strict=True)):
        hu[z] = np.rint(volume.hu[first] * (1 - share) + volume.hu[first + 1] * share)
    spacing = (height / (slices - 1), *volume.spacing[1:])
    return CTVolume(hu, spacing, volume.origin, volume.direction, name=f"{volume.name}, {slices} slices")


def chosen_paths(options: argparse.Namespace, at_most: int | None = None) -> list[Path]:
    """Where the scans lie; ends the program with a sentence where one is missing."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "ct"
    folder = Path(os.environ.get("MITS_GAN_SCANS", beside))
    paths = options.scans or [folder / name for name in HELD_OUT]
    paths = paths[:at_most]
    missing = [path.name for path in paths if not path.exists()]
    if missing:
        sys.exit(f"there is no {', '.join(missing)}; name scans with --scans, or set MITS_GAN_SCANS to their folder")
    return paths


def chosen_scans(options: argparse.Namespace, at_most: int | None = None) -> list[CTVolume]:
    """Read the scans, each named after its file."""
    paths = chosen_paths(options, at_most)
    return [replace(read_ct(path), name=path.name.removesuffix(".gz").removesuffix(".nii")) for path in paths]
