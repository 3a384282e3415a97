"""The wall of the chest: skin, fat, muscle, ribs, breastbone, shoulder blades, collar bones and spine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.interpolate import PchipInterpolator

from napari_mits_gan.phantom.canvas import Field, Grid, ellipse, paint, tube

SKIN_HU, FAT_HU, MUSCLE_HU, CARTILAGE_HU = 15.0, -105.0, 52.0, 95.0
CORTEX_HU, MARROW_HU, DISC_HU, CORD_HU = 780.0, 190.0, 85.0, 32.0
RIB_DISTANCE_MM, RIB_DROP_MM, LOWEST_RIB_MM, RIBS = 23.5, 88.0, 10.0, 12
VERTEBRA_MM, DISC_MM = 23.0, 5.0


def along_z(grid: Grid, heights_mm: Sequence[float], values: Sequence[float]) -> Field:
    """A smooth profile along z, shape (z, 1, 1)."""
    curve = PchipInterpolator(np.asarray(heights_mm, float), np.asarray(values, float))
    return np.asarray(curve(np.clip(grid.z, heights_mm[0], heights_mm[-1])), dtype=np.float32)


def smooth_noise(grid: Grid, size_mm: float, random: np.random.Generator) -> Field:
    """Noise with mean 0 and standard deviation 1 whose patches are about `size_mm` wide."""
    # Drawn on a coarse grid: a wide filter on the fine one would take a hundred times longer.
    coarse = [min(n, max(4, round(n * s / size_mm * 3))) for n, s in zip(grid.shape, grid.spacing, strict=True)]
    noise = ndimage.gaussian_filter(random.standard_normal(coarse).astype(np.float32), 1.5, mode="reflect")
    for axis, number in enumerate(grid.shape):
        noise = _stretched(noise, axis, number)
    return ((noise - noise.mean()) / noise.std()).astype(np.float32)


def _stretched(array: Field, axis: int, number: int) -> Field:
    """Linear interpolation along one axis to `number` samples."""
    place = np.linspace(0, array.shape[axis] - 1, number)
    before = np.minimum(place.astype(int), max(array.shape[axis] - 2, 0))
    share = (place - before).astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)])
    first, last = np.take(array, before, axis), np.take(array, np.minimum(before + 1, array.shape[axis] - 1), axis)
    return first + share * (last - first)


@dataclass(frozen=True)
class Torso:
    """Distances in mm, negative inside, to the surfaces that the other organs are fitted into."""

    body: Field
    chest: Field
    """The inner wall of the rib cage."""
    spine: Field


def body_surface(grid: Grid) -> Field:
    """Distance to the skin, with the furrow along the back."""
    a = along_z(grid, [0, 120, 200, 260], [150, 154, 157, 152])
    b = along_z(grid, [0, 120, 200, 260], [110, 107, 96, 82])
    middle = along_z(grid, [0, 120, 200, 260], [0, 0, 3, 8])
    distance = ellipse(grid.x, grid.y - middle, a, b, power=2.35)
    furrow = 5.0 * np.exp(-((grid.x / 16) ** 2)) * (grid.y > 0)
    return distance + furrow.astype(np.float32)


def chest_surface(grid: Grid) -> Field:
    """Distance to the inner wall of the rib cage, which ends above in one dome on each side."""
    side = along_z(grid, [0, 150, 190, 225, 250, 262], [0, 0, 12, 34, 44, 46])
    a = along_z(grid, [0, 60, 120, 180, 215, 240, 256, 262], [126, 127, 123, 93, 52, 28, 13, 4])
    b = along_z(grid, [0, 60, 120, 180, 215, 240, 256, 262], [82, 83, 80, 68, 50, 32, 15, 4])
    middle = along_z(grid, [0, 120, 180, 215, 250], [-6, -6, 0, 9, 16])
    across = np.abs(grid.x) - side
    # Between the two domes the wall does not close: the organs in the middle separate the lungs there.
    across = np.where(across < 0, across * np.clip((grid.z - 170) / 60, 0, 1), across)
    # On both sides of the spine the lungs reach further back than in front of it.
    gutter = 9 * np.exp(-(((np.abs(grid.x) - 50) / 26) ** 2)) * np.clip(grid.y / 40, 0, 1)
    gutter = gutter * np.clip((230 - grid.z) / 60, 0, 1)
    return ellipse(across, grid.y - middle - gutter, a, b, power=2.2)


def paint_wall(hu: Field, grid: Grid, random: np.random.Generator) -> Torso:
    """Paint everything from the skin to the inner wall of the rib cage and return the surfaces."""
    body, chest = body_surface(grid), chest_surface(grid)
    angle = np.arctan2(np.abs(grid.x), grid.y)
    fat_mm = 11 + 4 * np.sin(angle) ** 2 + 3 * np.cos(angle) * (grid.y > 0)
    fat_mm = (fat_mm + 1.5 * smooth_noise(grid, 60, random)).astype(np.float32)
    paint(hu, grid.inside(body), SKIN_HU)
    paint(hu, grid.inside(body + 2.0), FAT_HU + 8 * smooth_noise(grid, 9, random))
    muscle = MUSCLE_HU + 5 * smooth_noise(grid, 6, random)
    # Thin sheets where a smooth random function vanishes look like the fat between muscles.
    sheets = np.abs(smooth_noise(grid, 34, random)) * 9.0
    sheet_mm = np.clip((chest - 12) / 25, 0, 1) * 1.6
    muscle_mm = np.maximum(body + fat_mm, sheet_mm - sheets)
    paint(hu, grid.inside(muscle_mm), muscle)
    # A film of fat between the ribs' muscles and the pleura
    paint(hu, grid.inside(chest - 1.2), FAT_HU)
    spine = paint_spine(hu, grid, random)
    paint_ribs(hu, grid, chest, random)
    paint_breastbone(hu, grid)
    paint_shoulders(hu, grid, chest)
    return Torso(body=body, chest=chest, spine=spine)


def paint_bone(
    hu: Field, grid: Grid, distance: Field, cortex_mm: float = 1.5, marrow: float | Field = MARROW_HU
) -> None:
    """Paint a bone: a hard shell around softer marrow."""
    paint(hu, grid.inside(distance), CORTEX_HU)
    paint(hu, grid.inside(distance + cortex_mm), marrow)


def paint_ribs(hu: Field, grid: Grid, chest: Field, random: np.random.Generator) -> None:
    """Paint the ribs, which fall from the spine to the front, and their cartilage."""
    middle = along_z(grid, [0, 120, 180, 215, 250], [-6, -6, 0, 9, 16])
    turn = np.arctan2(np.abs(grid.x) / 1.35, grid.y - middle)  # 0 at the back, pi in front
    height = grid.z + RIB_DROP_MM * (1 - np.cos(turn)) / 2 + 3 * np.sin(2 * turn) - LOWEST_RIB_MM
    height = height + 2.0 * np.sign(grid.x)
    number = np.clip(np.round(height / RIB_DISTANCE_MM), 0, RIBS)
    flat = height - number * RIB_DISTANCE_MM
    thick = (chest - 5.5) / 3.8
    tall = flat / (5.6 + 0.6 * np.cos(turn))
    ratio = np.sqrt(thick**2 + tall**2)
    away = 4.4 * (ratio - 1)
    free = 11.0 - np.abs(grid.x)  # the ribs end beside the spine and the breastbone
    bone = np.maximum(np.maximum(away, free), (turn - 2.35) * 60)
    gristle = np.maximum(np.maximum(away - 0.5, free), (2.3 - turn) * 60)
    gristle = np.maximum(gristle, (number < 2) * 40.0)  # the lowest ribs end freely
    paint(hu, grid.inside(gristle.astype(np.float32)), CARTILAGE_HU + 12 * smooth_noise(grid, 8, random))
    paint_bone(hu, grid, bone.astype(np.float32), marrow=MARROW_HU + 30 * smooth_noise(grid, 4, random))


def spine_middle(grid: Grid) -> Field:
    """Where the middle of the vertebral bodies is along y, in mm, for each slice."""
    return along_z(grid, [0, 90, 180, 260], [44, 51, 48, 31])


def paint_spine(hu: Field, grid: Grid, random: np.random.Generator) -> Field:
    """Paint vertebrae, discs, the canal with the cord, arches and processes; return the distance to the bodies."""
    y = grid.y - spine_middle(grid)
    across = np.abs(grid.x)
    level = np.mod(grid.z - 4.0, VERTEBRA_MM) - VERTEBRA_MM / 2  # 0 in the middle of a vertebra
    end = np.abs(level) - (VERTEBRA_MM - DISC_MM) / 2
    waist = 2.2 * np.clip(1 - (level / 9) ** 2, 0, 1)
    size = along_z(grid, [0, 260], [1.06, 0.86])
    bodies = ellipse(grid.x, y, 17.5 * size, 14.5 * size, power=2.4)
    grain = smooth_noise(grid, 3.5, random)
    paint(hu, grid.inside(bodies + 0.5), DISC_HU)
    paint_bone(hu, grid, np.maximum(bodies + waist, end), cortex_mm=1.2, marrow=MARROW_HU + 35 * grain)
    canal = ellipse(grid.x, y - 23.5 * size, 9.5, 8.5)
    arch_height = np.abs(level - 2) - 7.5
    arch = np.maximum(np.maximum(canal - 5.0, arch_height), 10 - y)
    pedicle = np.maximum(np.maximum(np.abs(across - 12) - 3.6, np.abs(level + 1) - 5.0), np.abs(y - 15) - 8)
    # The transverse processes point outwards and back, the spinous ones back and down.
    wing = np.hypot(level - 1, (y - 24 - 0.35 * (across - 12)) * 1.0) - 4.4
    wing = np.maximum(wing, np.maximum(across - 33, 10 - across))
    thorn = np.hypot((level + 0.55 * (y - 33)) / 1.6, grid.x) - 3.2
    thorn = np.maximum(thorn, np.maximum(y - 47, 31 - y))
    paint_bone(hu, grid, np.minimum(np.minimum(arch, pedicle), np.minimum(wing, thorn)).astype(np.float32))
    paint(hu, grid.inside(canal), FAT_HU / 3)
    paint(hu, grid.inside(canal + 1.3), 12.0)
    paint(hu, grid.inside(ellipse(grid.x, y - 23.5 * size, 5.2, 4.2)), CORD_HU)
    return bodies


def front_middle(grid: Grid) -> Field:
    """Where the breastbone's middle is along y, in mm, for each slice."""
    return along_z(grid, [0, 60, 120, 180, 215, 260], [-92, -94, -92, -77, -58, -40])


def paint_breastbone(hu: Field, grid: Grid) -> None:
    """Paint the breastbone, broad above."""
    half_width = along_z(grid, [60, 80, 150, 185, 212, 220], [6, 15, 14, 17, 27, 24])
    distance = ellipse(grid.x, grid.y - front_middle(grid), half_width, 5.6, power=2.8)
    distance = np.maximum(distance, np.maximum(64 - grid.z, grid.z - 216))
    joint = np.abs(grid.z - 178) < 1.5
    paint_bone(hu, grid, distance.astype(np.float32), cortex_mm=1.2, marrow=150.0)
    paint(hu, (grid.inside(distance) * joint).astype(np.float32), CARTILAGE_HU)


def paint_shoulders(hu: Field, grid: Grid, chest: Field) -> None:
    """Paint the shoulder blades and the collar bones."""
    across = np.abs(grid.x)
    lean = np.clip((grid.z - 120) / 120, 0, 1)
    behind = np.abs(chest - (14 + 4 * lean + 0.16 * (across - 50))) - 2.1
    inner, outer = 52 - 4 * lean, 96 + 22 * lean
    blade = np.maximum(behind, np.maximum(inner - across, across - outer))
    blade = np.maximum(blade, np.maximum(118 + 0.35 * (across - 55) - grid.z, 8 - grid.y))
    paint_bone(hu, grid, blade.astype(np.float32), cortex_mm=1.1, marrow=330.0)
    for side in (-1, 1):
        border = tube(grid, [[122, 62, side * 84], [180, 52, side * 108], [228, 30, side * 122]], [3.5, 5, 9])
        ridge = tube(grid, [[214, 74, side * 55], [226, 66, side * 90], [244, 44, side * 122]], [2.5, 4.5, 6])
        collar = tube(
            grid,
            [[211, -62, side * 24], [220, -60, side * 55], [234, -40, side * 88], [246, -8, side * 118]],
            [8, 6, 5.5, 6.5],
        )
        for bone in (border, ridge, collar):
            paint_bone(hu, grid, bone)
