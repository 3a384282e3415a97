"""The lungs: their outline, their tissue, fissures, vessels, airways, and one nodule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.phantom import tree
from napari_mits_gan.phantom.canvas import Field, Grid, paint
from napari_mits_gan.phantom.middle import AIR_HU, ATRIUM_MM, BLOOD_HU, HILUM_MM, WALL_HU, Middle
from napari_mits_gan.phantom.torso import Torso, smooth_noise

TISSUE_HU, FRONT_TO_BACK_HU = -882.0, 42.0
"""Healthy lung half-way between front and back, and how much denser it is at the back of someone lying on it."""
ARTERY_ENDS, VEIN_ENDS, LEAF_RADIUS_MM = 3000, 2200, 0.52
AIRWAY_GENERATIONS = 8
NODULE_HU = 38.0


@dataclass(frozen=True)
class Nodule:
    """Where the phantom's nodule is.

    Parameters
    ----------
    voxel : tuple of int
        Its centre (z, y, x).
    diameter_mm : float
        Its mean diameter.
    hu : float
        Its mean HU without noise.
    """

    voxel: tuple[int, int, int]
    diameter_mm: float
    hu: float


def lung_distance(grid: Grid, torso: Torso, middle: Middle) -> Field:
    """Distance to the surface of the lungs in mm, negative inside."""
    return np.maximum(np.maximum(torso.chest + 0.3, -middle.organs), -middle.diaphragm)


def fissures(grid: Grid) -> dict[str, Field]:
    """Signed distances in mm to the fissures: the oblique ones (positive below and behind), the horizontal one."""
    bow = 5 * np.cos(grid.x / 40)
    right = -(0.62 * (grid.z - 128) - 0.78 * (grid.y - 8)) + bow
    left = -(0.66 * (grid.z - 136) - 0.75 * (grid.y - 10)) + bow
    flat = (grid.z - 132) + 0.10 * (grid.y + 30) - 4 * np.cos((grid.x + 70) / 35)
    return {"right": right.astype(np.float32), "left": left.astype(np.float32), "flat": flat.astype(np.float32)}


def lobes(grid: Grid, lung: NDArray[np.bool_]) -> list[tuple[int, NDArray[np.bool_]]]:
    """The five lobes: the lung's side (-1 right, +1 left) and the voxels of each."""
    planes = fissures(grid)
    right, left = lung & (grid.x < 0), lung & (grid.x > 0)
    below, upper = planes["right"] > 0, planes["flat"] > 0
    return [
        (-1, right & ~below & upper),
        (-1, right & ~below & ~upper),
        (-1, right & below),
        (1, left & (planes["left"] <= 0)),
        (1, left & (planes["left"] > 0)),
    ]


def paint_lungs(
    hu: Field, grid: Grid, torso: Torso, middle: Middle, random: np.random.Generator, vessels: float = 1.0
) -> Nodule:
    """Paint both lungs with all that is in them, and return where the nodule is; `vessels` scales their number."""
    distance = lung_distance(grid, torso, middle)
    inside = grid.inside(distance)
    tissue = TISSUE_HU + FRONT_TO_BACK_HU * np.clip(grid.y / 140, -0.7, 0.7)
    tissue = tissue + 9 * smooth_noise(grid, 22, random) + 11 * smooth_noise(grid, 3.2, random)
    # Vessels too fine to be drawn make the tissue denser towards the hila.
    tissue = tissue + 14 * np.clip(1 - _from_hila(grid) / 80, 0, 1)
    paint(hu, inside, tissue.astype(np.float32))
    planes = fissures(grid)
    for name, side in (("right", -1), ("left", 1), ("flat", -1)):
        there: Field = inside * (grid.x * side > 0)
        if name == "flat":
            there = there * (planes["right"] < 0)
        paint(hu, there * 0.17 * np.clip(1.3 - np.abs(planes[name]) / 0.9, 0, 1), 30.0)
    _paint_trees(hu, grid, distance, random, vessels)
    return _paint_nodule(hu, grid, distance, random)


def _from_hila(grid: Grid) -> Field:
    near = [np.sqrt((grid.z - z) ** 2 + (grid.y - y) ** 2 + (grid.x - x) ** 2) for z, y, x in HILUM_MM.values()]
    return np.minimum(near[0], near[1]).astype(np.float32)


def _paint_trees(hu: Field, grid: Grid, distance: Field, random: np.random.Generator, vessels: float) -> None:
    room = distance < -4.0
    arteries: list[tree.Branch] = []
    veins: list[tree.Branch] = []
    airways: list[tree.Branch] = []
    parts = lobes(grid, room)
    per_voxel = 1 / max(int(room.sum()), 1)
    for side, part in parts:
        voxels = np.argwhere(part)
        share = len(voxels) * per_voxel * 2 * vessels
        hilum = np.array(HILUM_MM[side])
        ends = _scattered(grid, voxels, round(ARTERY_ENDS * share), random)
        arterial = tree.grow(hilum, ends, LEAF_RADIUS_MM, random)
        arteries += arterial
        large = [b for b in arterial if b.generation < AIRWAY_GENERATIONS and b.leaves > 6]
        airways += tree.beside(large, share=0.72, gap=1.05)
        ends = _scattered(grid, voxels, round(VEIN_ENDS * share), random)
        # Veins run to the atrium below the arteries, between the segments that these supply.
        venous = tree.grow(hilum + (-14, -6, -6 * side), ends, LEAF_RADIUS_MM, random)
        veins += [tree.Branch(np.array(ATRIUM_MM), venous[0].start, 6, venous[0].start_radius_mm, 0, 0), *venous]
    # Outside the lungs the trees are seen only where they are in the fat of the hila.
    reach = np.clip(34 - _from_hila(grid), 0, 16)
    bounded: Field = np.clip(0.5 - (distance - reach) / 2, 0, 1).astype(np.float32)
    soft = np.maximum(tree.coverage(grid, arteries), tree.coverage(grid, veins)) * np.where(hu < 0, bounded, 0)
    paint(hu, soft, BLOOD_HU)
    paint(hu, tree.coverage(grid, airways, grow_mm=0.75) * bounded * 0.9, WALL_HU)
    paint(hu, tree.coverage(grid, [b for b in airways if b.start_radius_mm > 0.55]) * bounded, AIR_HU)


def _scattered(grid: Grid, voxels: NDArray[np.intp], number: int, random: np.random.Generator) -> tree.Places:
    """Places of some voxels, chosen so that no two are very near each other."""
    several = grid.place(voxels[random.choice(len(voxels), min(len(voxels), 6 * number), replace=False)])
    kept: list[NDArray[np.float64]] = []
    cells: set[tuple[int, ...]] = set()
    for place in several:
        cell = tuple(np.floor(place / 5.0).astype(int))
        if cell not in cells:
            cells.add(cell)
            kept.append(place)
    return np.array(kept[:number])


def _paint_nodule(
    hu: Field, grid: Grid, distance: Field, random: np.random.Generator, diameter_mm: float = 12.0
) -> Nodule:
    """Paint a solid, slightly lobed nodule into the right upper lobe, clear of large vessels and of the pleura."""
    candidate = (distance < -14) & (distance > -28) & (grid.x < 0) & (fissures(grid)["flat"] > 22)
    candidate &= fissures(grid)["right"] < -14
    sizes = [int(np.ceil(diameter_mm / s)) for s in grid.spacing]
    around = ndimage.uniform_filter(np.where(candidate, hu, 200), sizes)
    z, y, x = np.unravel_index(int(np.argmin(np.where(candidate, around, np.inf))), grid.shape)
    place = grid.place((z, y, x))
    box = grid.box(place - diameter_mm, place + diameter_mm)
    dz, dy, dx = grid.z[box[0]] - place[0], grid.y[:, box[1]] - place[1], grid.x[:, :, box[2]] - place[2]
    away = np.sqrt(dz**2 + dy**2 + dx**2)
    waves = random.normal(0, 1, (6, 3))
    lobed = sum(np.sin((w[0] * dz + w[1] * dy + w[2] * dx) / 2.2 + i) for i, w in enumerate(waves))
    edge = away - diameter_mm / 2 - 0.28 * lobed
    part = hu[box]
    paint(part, grid.inside(edge.astype(np.float32)), NODULE_HU)
    for direction in random.normal(0, 1, (9, 3)):
        # Short spicules, fainter than the nodule
        tip = place + direction / np.linalg.norm(direction) * diameter_mm * random.uniform(0.72, 0.95)
        spicule = tree.coverage(grid, [tree.Branch(place, tip, 0.9, 0.25, 0, 1)])[box]
        paint(part, 0.7 * spicule, NODULE_HU - 20)
    return Nodule(voxel=(int(z), int(y), int(x)), diameter_mm=diameter_mm, hu=NODULE_HU)
