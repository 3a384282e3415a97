"""A control that falsifies HU: every voxel of the body raised by the whole budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.progress import Progress
from napari_mits_gan.protection.contract import Request


@dataclass(frozen=True)
class ConstantShift:
    """Control: the whole body brighter by the budget, which falsifies every HU."""

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.float32]:
        """See `Method.change`."""
        progress(volume.shape[0], volume.shape[0])
        return np.full(volume.shape, request.max_change_hu, dtype=np.float32)

    def record(self) -> dict[str, Any]:
        """See `Method.record`."""
        return {}
