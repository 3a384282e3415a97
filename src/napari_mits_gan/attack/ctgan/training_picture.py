"""A picture of what an attacker in training paints by now: found, painted and wanted, below each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.cuboid import with_blank_core
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.ct.constants import LUNG_WINDOW_HU

_ENLARGED = 4


class TrainingPicture:
    """The same few cubes, painted again and again as the training goes on.

    Parameters
    ----------
    found_hu, wanted_hu : ndarray of float, shape (n, 32, 32, 32)
        What the attacker finds, and what it shall leave.
    calibration : Calibration
        Between HU and the network's units.
    mask : tuple of int
        First and one past the last voxel of the blanked core.
    """

    def __init__(
        self,
        found_hu: NDArray[np.float32],
        wanted_hu: NDArray[np.float32],
        calibration: Calibration,
        mask: tuple[int, int],
    ) -> None:
        self._found, self._wanted = found_hu, wanted_hu
        self._calibration = calibration
        self._mask = mask

    def draw(self, generator: Generator, path: Path) -> None:
        """Write the middle slices as a grey image: found with the core blanked, painted, wanted."""
        import SimpleITK as sitk

        weight = next(generator.parameters())
        found = torch.from_numpy(self._found)[:, None].to(weight.device)
        condition = with_blank_core(self._calibration.normalise(found), self._mask)
        was_training = generator.training
        generator.eval()
        with torch.no_grad():
            painted = self._calibration.denormalise(generator(condition))[:, 0].cpu().numpy()
            blanked = self._calibration.denormalise(condition)[:, 0].cpu().numpy()
        generator.train(was_training)
        middle = self._found.shape[1] // 2
        rows = [np.hstack(list(cubes[:, middle])) for cubes in (blanked, painted, self._wanted)]
        darkest, brightest = LUNG_WINDOW_HU
        grey = np.clip((np.vstack(rows) - darkest) / (brightest - darkest), 0, 1)
        large = np.round(grey * 255).astype(np.uint8).repeat(_ENLARGED, axis=0).repeat(_ENLARGED, axis=1)
        sitk.WriteImage(sitk.GetImageFromArray(large), str(path))
