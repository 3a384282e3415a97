"""What lies between and below the lungs: heart, great vessels, windpipe, gullet, diaphragm, liver, stomach, spleen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from napari_mits_gan.phantom.canvas import FAR_MM, Field, Grid, ellipsoid, paint, tube
from napari_mits_gan.phantom.torso import FAT_HU, MUSCLE_HU, Torso, along_z, smooth_noise

BLOOD_HU, HEART_HU, LIVER_HU, SPLEEN_HU, WALL_HU, AIR_HU = 42.0, 46.0, 60.0, 50.0, 20.0, -1000.0
CARINA_MM = (166.0, 13.0, 1.0)
"""Where the windpipe parts, (z, y, x)."""
HILUM_MM = {-1: (140.0, 8.0, -34.0), 1: (148.0, 10.0, 36.0)}
"""Where vessels and airways enter the right (-1) and left (+1) lung, (z, y, x)."""
ATRIUM_MM = (116.0, 4.0, 2.0)
"""The left atrium, where the lungs' veins end, (z, y, x)."""

VESSELS: dict[str, tuple[list[tuple[float, float, float]], list[float]]] = {
    "ascending aorta and arch": (
        [(104, -30, -4), (135, -38, -12), (165, -34, -14), (183, -20, -6), (188, -2, 8), (184, 16, 18), (170, 26, 22)],
        [15, 15.5, 15, 14, 13, 12.5, 12],
    ),
    "descending aorta": (
        [(170, 26, 22), (130, 30, 23), (80, 32, 20), (40, 28, 12), (0, 22, 6)],
        [12, 11.5, 11, 11, 10.5],
    ),
    "pulmonary trunk": ([(112, -58, 18), (135, -46, 22), (152, -26, 20), (156, -10, 22)], [14, 14, 13.5, 12]),
    "right pulmonary artery": ([(150, -22, 16), (148, -8, -4), (145, -2, -22), (140, 8, -34)], [12, 10.5, 9.5, 7]),
    "left pulmonary artery": ([(155, -14, 21), (157, 2, 28), (148, 10, 36)], [12, 10, 7]),
    "upper caval vein": ([(105, -20, -28), (150, -24, -30), (190, -22, -26), (206, -22, -20)], [10.5, 9.5, 9, 8]),
    "left brachiocephalic vein": ([(204, -24, -20), (200, -38, 4), (206, -36, 26), (222, -24, 36)], [7.5, 7, 6.5, 6.5]),
    "lower caval vein": ([(0, 6, -24), (40, 0, -26), (80, -8, -24)], [11.5, 12, 12]),
    "brachiocephalic artery": ([(184, -20, -6), (205, -16, -14), (225, -10, -24), (262, -2, -38)], [7, 6.5, 5.5, 4]),
    "left carotid": ([(188, -8, 4), (215, -6, 12), (262, -2, 22)], [4.2, 4, 3.6]),
    "left subclavian": ([(187, 8, 14), (212, 10, 22), (240, 0, 38), (262, -14, 60)], [5.2, 5, 4.6, 4.4]),
    "azygos": ([(0, 30, -8), (150, 32, -8), (160, 22, -22), (158, -14, -30)], [2.8, 3.2, 3.6, 3.8]),
}


@dataclass(frozen=True)
class Middle:
    """Distances in mm, negative inside, to what the lungs have to leave free."""

    organs: Field
    """Heart, vessels and the fat around them."""
    diaphragm: Field
    """Negative below the diaphragm."""


def windpipe() -> list[tuple[list[tuple[float, float, float]], list[float]]]:
    """Windpipe and main airways as tubes: places (z, y, x) in mm and inner radii in mm."""
    z, y, x = CARINA_MM
    return [
        ([(264, -12, 0), (230, -4, -1), (195, 6, 0), (z, y, x)], [8.4, 8.6, 8.8, 9.2]),
        ([(z, y, x), (154, 14, -16), (HILUM_MM[-1][0] + 6, 15, -32)], [7.6, 6.9, 5.6]),
        ([(z, y, x), (155, 17, 18), (HILUM_MM[1][0] - 6, 21, 40)], [6.8, 6.2, 5.0]),
    ]


def diaphragm_distance(grid: Grid) -> Field:
    """Height above the diaphragm in mm: a dome under each lung, the right one higher."""
    domes = []
    for side, top in ((-1, 66.0), (1, 54.0)):
        across, back = (grid.x - side * 58) / 92, (grid.y + 14) / 78
        domes.append(top - 52 * (across**2 + back**2) ** 0.9)
    ground = np.maximum(domes[0], domes[1])
    # Divided by about its steepness, so that a step of 1 means 1 mm across the surface
    return ((grid.z - np.maximum(ground, -12)) / 1.25).astype(np.float32)


def heart_distance(grid: Grid) -> Field:
    """Distance to the heart's surface: chambers as ellipsoids that run into each other."""
    parts = [
        ellipsoid(grid, (88, -34, 32), (38, 38, 58), turn_deg=-32),  # both ventricles
        ellipsoid(grid, (94, -40, 4), (40, 34, 36)),  # right ventricle and its outflow
        ellipsoid(grid, (92, -16, -22), (34, 28, 28)),  # right atrium
        ellipsoid(grid, ATRIUM_MM, (23, 20, 36)),
    ]
    joined = np.exp(-parts[0] / 4)
    for part in parts[1:]:
        joined = joined + np.exp(-part / 4)
    return (-4 * np.log(np.maximum(joined, 1e-12))).astype(np.float32)


def paint_middle(hu: Field, grid: Grid, torso: Torso, random: np.random.Generator) -> Middle:
    """Paint the organs between and below the lungs and return what the lungs must leave free."""
    diaphragm = diaphragm_distance(grid)
    paint_abdomen(hu, grid, torso, diaphragm, random)
    heart = heart_distance(grid)
    organs = np.minimum(heart - 3.0, torso.spine - 3.5)
    grain = smooth_noise(grid, 10, random)
    paint(hu, grid.inside(heart), HEART_HU + 2.5 * grain)
    groove = np.abs(ellipsoid(grid, (88, -24, 10), (60, 50, 22), turn_deg=58)) - 2.5
    paint(hu, grid.inside(np.maximum(groove, np.abs(heart + 3) - 3)), FAT_HU + 15)
    for places, radii in VESSELS.values():
        distance = tube(grid, places, radii)
        paint(hu, grid.inside(distance), BLOOD_HU)
        organs = np.minimum(organs, distance - 2.0)
    gullet = [(264, 6, 4), (200, 22, 5), (150, 25, 2), (60, 22, 8), (30, 6, 22)]
    distance = tube(grid, gullet, [7, 7, 7.5, 8, 9])
    paint(hu, grid.inside(distance), WALL_HU + 15)
    paint(hu, grid.inside(distance + 5.6), AIR_HU * 0.35)
    organs = np.minimum(organs, distance - 2.0)
    airway = np.full(grid.shape, FAR_MM, dtype=np.float32)
    for places, radii in windpipe():
        airway = np.minimum(airway, tube(grid, places, radii))
    paint(hu, grid.inside(airway - 1.7), WALL_HU)
    paint(hu, grid.inside(airway), AIR_HU)
    organs = np.minimum(organs, airway - 3.2)
    # The fat that fills the middle: thick above the heart, a thin sheet between the lungs in front and behind it.
    fat_mm = along_z(grid, [0, 60, 110, 150, 180, 205, 235, 262], [9, 5, 6, 11, 14, 17, 26, 30])
    front = np.clip((-52 - grid.y) / 26, 0, 1) * np.clip((grid.z - 60) / 60, 0, 1) * np.clip((215 - grid.z) / 30, 0, 1)
    sheet = np.abs(grid.x - 3) - fat_mm * (1 - 0.78 * front)
    pads = np.minimum(
        ellipsoid(grid, (62, -66, 52), (20, 20, 26)), ellipsoid(grid, (64, -62, -34), (18, 18, 20))
    )  # fat in the corners between heart and diaphragm
    organs = np.minimum(np.minimum(organs, sheet), pads)
    organs = ndimage.gaussian_filter(np.clip(organs, -FAR_MM, FAR_MM), [5.0 / s for s in grid.spacing])
    return Middle(organs=organs, diaphragm=diaphragm)


def paint_abdomen(hu: Field, grid: Grid, torso: Torso, diaphragm: Field, random: np.random.Generator) -> None:
    """Paint the diaphragm and what lies under it."""
    under = np.maximum(torso.chest - 1.0, diaphragm)
    paint(hu, grid.inside(under), MUSCLE_HU)
    paint(hu, grid.inside(under + 3.0), FAT_HU)
    liver = np.maximum(under + 3.6, grid.x - 28 - 0.35 * (-grid.y) + 0.25 * (grid.z - 40))
    liver = np.maximum(liver, 0.8 * (grid.y - 40) - 0.5 * np.maximum(-grid.x - 30, 0))
    paint(hu, grid.inside(liver.astype(np.float32)), LIVER_HU + 4 * smooth_noise(grid, 7, random))
    spleen = np.maximum(under + 3.6, ellipsoid(grid, (14, 40, 88), (32, 34, 32)))
    paint(hu, grid.inside(spleen), SPLEEN_HU)
    stomach = np.maximum(under + 4.0, ellipsoid(grid, (16, -22, 62), (34, 44, 36)))
    paint(hu, grid.inside(stomach), WALL_HU + 20)
    paint(hu, grid.inside(stomach + 3.5), 12.0)
    paint(hu, grid.inside(np.maximum(stomach + 3.5, grid.y + 30)), AIR_HU)
