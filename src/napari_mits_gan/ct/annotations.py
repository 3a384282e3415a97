"""Nodules that readers marked in a scan: where they are and how large, from a file beside the scan.

Two layouts are read: JSON with centres computed from the readers' contours (LIDC-IDRI; Armato et al., Medical Physics
2011), and the CSV of the LUNA16 challenge (Setio et al., Medical Image Analysis 2017).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_mits_gan.ct.suffixes import ending_of
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError

_SUFFIXES = ("_nodules.json", "_nodules.csv")


@dataclass(frozen=True)
class AnnotatedNodule:
    """One nodule that readers marked.

    Parameters
    ----------
    at : tuple of float
        Its centre in voxels (z, y, x); it may lie between them.
    diameter_mm : float
        Diameter of the ball of the same volume, in mm.
    """

    at: tuple[float, float, float]
    diameter_mm: float


def read_nodules(path: Path, volume: CTVolume) -> tuple[AnnotatedNodule, ...]:
    """Read the nodules marked in a scan.

    Parameters
    ----------
    path : Path
        A JSON file `{"nodules_ge_3mm": [{"world_mm_LPS": [x, y, z], "mean_vol_equiv_diam_mm": d}, ...]}`, or a CSV file
        with the columns coordX, coordY, coordZ (LPS, mm) and diameter_mm, of this one scan.
    volume : CTVolume
        The scan; nodules outside it are left out.

    Raises
    ------
    ReadError
        If the file is missing, damaged or of another layout.
    """
    try:
        rows = list(_csv_rows(path) if path.suffix == ".csv" else _json_rows(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ReadError(
            f"'{path.name}' cannot be read as a list of nodules; it must be JSON as of LIDC-IDRI's centres or a CSV "
            "with coordX, coordY, coordZ and diameter_mm."
        ) from error
    nodules = []
    for world_xyz, diameter_mm in rows:
        along = volume.direction.T @ (np.asarray(world_xyz) - np.asarray(volume.origin))
        z, y, x = (float(v) for v in along / np.asarray(volume.spacing))
        if all(-0.5 <= c < n - 0.5 for c, n in zip((z, y, x), volume.shape, strict=True)):
            nodules.append(AnnotatedNodule((z, y, x), diameter_mm))
    return tuple(nodules)


def nodules_beside(scan: Path, volume: CTVolume) -> tuple[AnnotatedNodule, ...]:
    """The nodules listed in `NAME_nodules.json` or `NAME_nodules.csv` beside a scan; none where there is no such file.

    Raises
    ------
    ReadError
        As `read_nodules`.
    """
    scan = scan.resolve()
    stem = scan.name.removesuffix(ending_of(scan.name))
    for ending in _SUFFIXES:
        listed = scan.with_name(stem + ending)
        if listed.is_file():
            return read_nodules(listed, volume)
    return ()


def _checked(world_xyz: Any, diameter_mm: Any) -> tuple[tuple[float, float, float], float]:
    x, y, z = (float(c) for c in world_xyz)
    diameter = float(diameter_mm)
    if not (np.isfinite([x, y, z]).all() and 0 < diameter < 300):
        raise ValueError("a nodule lies nowhere or has no size")
    return (x, y, z), diameter


def _json_rows(path: Path) -> Iterator[tuple[tuple[float, float, float], float]]:
    for nodule in json.loads(path.read_text())["nodules_ge_3mm"]:
        yield _checked(nodule["world_mm_LPS"], nodule["mean_vol_equiv_diam_mm"])


def _csv_rows(path: Path) -> Iterator[tuple[tuple[float, float, float], float]]:
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            yield _checked((row["coordX"], row["coordY"], row["coordZ"]), row["diameter_mm"])
