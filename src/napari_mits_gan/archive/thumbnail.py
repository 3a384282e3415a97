"""A small picture of a scan for the report: its middle slice, and beside it what was changed there."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.archive.contract import Outcome
from napari_mits_gan.ct.constants import LUNG_WINDOW_HU
from napari_mits_gan.ct.volume import CTVolume

_SIDE = 112
_QUALITY = 60


def thumbnail(outcome: Outcome) -> str:
    """A JPEG picture, base64.

    The slice in the lung window and, where the job changes the scan, the change: grey where there is none, black and
    white at its largest.
    """
    from PIL import Image

    volume = outcome.volume
    z = volume.shape[0] // 2
    low, high = LUNG_WINDOW_HU
    parts = [_small((volume.hu[z].astype(np.float32) - low) / (high - low), volume)]
    if outcome.before is not None and outcome.before.shape == volume.shape:
        change = volume.hu[z].astype(np.float32) - outcome.before.hu[z]
        parts.append(_small(0.5 + change / (2 * max(1.0, float(np.abs(change).max()))), volume))
    stream = io.BytesIO()
    Image.fromarray(np.concatenate(parts, axis=1)).save(stream, "JPEG", quality=_QUALITY)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _small(values: NDArray[np.float32], volume: CTVolume) -> NDArray[np.uint8]:
    """At most `_SIDE` pixels high and wide, square ones whatever the spacing."""
    from PIL import Image

    grey = np.clip(np.rint(values * 255), 0, 255).astype(np.uint8)
    rows_mm, columns_mm = grey.shape[0] * volume.spacing[1], grey.shape[1] * volume.spacing[2]
    scale = _SIDE / max(rows_mm, columns_mm)
    size = max(1, round(columns_mm * scale)), max(1, round(rows_mm * scale))
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX))
