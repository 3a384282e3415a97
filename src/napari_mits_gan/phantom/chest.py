"""The whole phantom: paints the chest, blurs it as a scanner does, adds noise, and writes it as a DICOM series."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.phantom.canvas import Grid
from napari_mits_gan.phantom.lungs import Nodule, paint_lungs
from napari_mits_gan.phantom.middle import AIR_HU, paint_middle
from napari_mits_gan.phantom.noise import quantum_noise, standard_deviation
from napari_mits_gan.phantom.torso import paint_wall
from napari_mits_gan.progress import Progress, silent

LOWEST_HU, HIGHEST_HU = -1024, 3071
"""What a 12-bit scanner can store."""


@dataclass(frozen=True)
class PhantomSettings:
    """How the phantom is scanned.

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along (z, y, x).
    spacing_mm : tuple of float
        Their distance along (z, y, x). Shape times spacing must hold a chest: about 260 x 260 x 330 mm.
    lung_noise_hu, soft_noise_hu : float
        Standard deviation of the noise in lung and in soft tissue.
    blur_mm : float
        Standard deviation of the scanner's in-plane blur.
    vessels : float
        Number of the finest vessels, as a share of the usual one.
    """

    shape: tuple[int, int, int] = (130, 256, 256)
    spacing_mm: tuple[float, float, float] = (2.0, 1.3, 1.3)
    lung_noise_hu: float = 24.0
    soft_noise_hu: float = 30.0
    blur_mm: float = 0.65
    vessels: float = 1.0


@dataclass(frozen=True)
class Phantom:
    """The scan, and where its nodule is."""

    volume: CTVolume
    nodule: Nodule


def chest_phantom(seed: int = 0, settings: PhantomSettings | None = None, *, progress: Progress = silent) -> Phantom:
    """Draw a chest CT: body, ribs, spine, heart, great vessels, lungs with vessels and airways, one nodule.

    Parameters
    ----------
    seed : int
        Another seed gives other vessels, other noise and another place of the nodule; the same seed the same scan.
    settings : PhantomSettings, optional
        Grid, noise and blur.
    progress : Progress
        Told how many of the steps are done.

    Returns
    -------
    Phantom
        HU between -1024 and 3071. Air outside the body is exactly -1000 HU, without noise.

    Examples
    --------
    >>> phantom = chest_phantom(seed=0)  # doctest: +SKIP
    >>> phantom.volume.hu[phantom.nodule.voxel]  # doctest: +SKIP
    """
    settings = settings or PhantomSettings()
    grid = Grid(settings.shape, settings.spacing_mm)
    wall_random, middle_random, lung_random, noise_random = (
        np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(4)
    )
    hu = np.full(grid.shape, AIR_HU, dtype=np.float32)
    progress(0, 5)
    torso = paint_wall(hu, grid, wall_random)
    progress(1, 5)
    middle = paint_middle(hu, grid, torso, middle_random)
    progress(2, 5)
    nodule = paint_lungs(hu, grid, torso, middle, lung_random, vessels=settings.vessels)
    progress(3, 5)
    sigma = settings.blur_mm
    hu = ndimage.gaussian_filter(hu, [0.8 / grid.spacing[0], sigma / grid.spacing[1], sigma / grid.spacing[2]])
    deviation = standard_deviation(grid, hu, settings.lung_noise_hu, settings.soft_noise_hu)
    progress(4, 5)
    hu += deviation * quantum_noise(grid, noise_random)
    whole = np.clip(np.rint(hu), LOWEST_HU, HIGHEST_HU).astype(np.int16)
    whole[torso.body > 3.0] = int(AIR_HU)
    origin = tuple(float(c) for c in grid.place((0, 0, 0))[::-1])
    volume = CTVolume(whole, settings.spacing_mm, origin, name="Chest phantom")  # type: ignore[arg-type]
    progress(5, 5)
    return Phantom(volume=volume, nodule=nodule)


def write_phantom(phantom: Phantom, folder: Path, *, seed: int, progress: Progress = silent) -> list[Path]:
    """Write a phantom as a DICOM series (lossless JPEG-LS), and beside the folder a JSON file that tells its nodule.

    Parameters
    ----------
    phantom : Phantom
        What to write.
    folder : Path
        A new or empty folder; the JSON file gets its name and the ending `.json`.
    seed : int
        The seed that the phantom was drawn with, noted in the JSON file.
    progress : Progress
        Told how many slices are written.

    Returns
    -------
    list of Path
        The files of the series.

    Raises
    ------
    WriteError
        If the series cannot be written there; then nothing is left behind.
    """
    from napari_mits_gan.ct.dicom.write import write_dicom

    volume, nodule = phantom.volume, phantom.nodule
    files = write_dicom(
        volume,
        folder,
        progress=progress,
        transfer_syntax="jpeg-ls",
        series_description="Chest phantom",
        patient_name="Phantom^Chest",
        patient_id="PHANTOM",
    )
    facts = {
        "what": "Chest CT phantom, drawn by napari_mits_gan.phantom; no person was scanned",
        "seed": seed,
        "shape_zyx": list(volume.shape),
        "spacing_mm_zyx": list(volume.spacing),
        "nodule": {
            "voxel_zyx": list(nodule.voxel),
            "world_lps_mm": [round(w, 3) for w in volume.world_from_voxel(nodule.voxel)],
            "diameter_mm": nodule.diameter_mm,
            "hu": nodule.hu,
        },
    }
    folder.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return files
