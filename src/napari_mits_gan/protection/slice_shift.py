"""A control that falsifies HU: alternate slices raised and lowered by the whole budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.progress import Progress
from napari_mits_gan.protection.contract import Request


@dataclass(frozen=True)
class SliceShift:
    """Control: alternate slices brighter and darker by the budget, which falsifies every HU."""

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.float32]:
        """See `Method.change`."""
        signs = np.where(np.arange(volume.shape[0]) % 2 == request.seed % 2, 1.0, -1.0).astype(np.float32)
        progress(volume.shape[0], volume.shape[0])
        return np.broadcast_to(request.max_change_hu * signs[:, None, None], volume.shape).astype(np.float32)

    def record(self) -> dict[str, Any]:
        """See `Method.record`."""
        return {}
