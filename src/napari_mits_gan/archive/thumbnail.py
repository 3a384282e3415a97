"""A small picture of a scan for the report: its middle slice, and beside it what was changed there."""

from __future__ import annotations

import base64

import numpy as np

from napari_mits_gan.archive.contract import Outcome
from napari_mits_gan.pages.picture import diverging, jpeg, scaled, windowed

_SIDE = 112
_QUALITY = 60


def thumbnail(outcome: Outcome) -> str:
    """A JPEG picture, base64: the slice in the lung window and, where the job changes the scan, the change."""
    volume = outcome.volume
    z = volume.shape[0] // 2
    pictures = [windowed(volume.hu[z])]
    if outcome.before is not None and outcome.before.shape == volume.shape:
        change = volume.hu[z].astype(np.int32) - outcome.before.hu[z]
        pictures.append(diverging(change, max(1.0, float(np.abs(change).max()))))
    small = [scaled(picture, volume.spacing[1:], _SIDE) for picture in pictures]
    return base64.b64encode(jpeg(np.concatenate(small, axis=1), _QUALITY)).decode("ascii")
