"""The control that any protection has to beat: noise, normally distributed, cut to the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.options import limited
from napari_mits_gan.progress import Progress
from napari_mits_gan.protection.contract import Request
from napari_mits_gan.protection.noise_map import white_noise


@dataclass(frozen=True)
class GaussianNoise:
    """Control: white noise in every slice.

    Parameters
    ----------
    sigma : float
        Standard deviation before the change is cut to the budget, in units of the budget; 0.7 gives about the RMS that
        MITS-GAN takes.
    """

    sigma: float = limited(0.7, low=0, high=10)

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.float32]:
        """See `Method.change`."""
        change = np.zeros(volume.shape, dtype=np.float32)
        for z in range(volume.shape[0]):
            change[z] = white_noise(request.seed, z, volume.shape[1:]) * (self.sigma * request.max_change_hu)
            progress(z + 1, volume.shape[0])
        return change

    def record(self) -> dict[str, Any]:
        """See `Method.record`."""
        return {"sigma": self.sigma}
