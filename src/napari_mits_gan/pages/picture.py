"""A slice of a scan, or a part of one, as a picture: square pixels whatever the spacing, in a window of HU."""

from __future__ import annotations

import base64
import io

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.constants import LUNG_WINDOW_HU

RGB = NDArray[np.uint8]
"""Shape (rows, columns, 3)."""
_RED = (255, 64, 48)


def windowed(hu: NDArray[np.number], window_hu: tuple[float, float] = LUNG_WINDOW_HU) -> RGB:
    """HU as grey, black at the window's lower end and below, white at its upper end and above.

    Parameters
    ----------
    hu : ndarray, shape (y, x)
        HU.
    window_hu : tuple of float
        Lower and upper end.
    """
    low, high = window_hu
    grey = np.clip((hu.astype(np.float32) - low) / (high - low), 0, 1)
    return _as_rgb(grey[..., None])


def diverging(change_hu: NDArray[np.number], limit_hu: float) -> RGB:
    """A change in HU: white where there is none, blue where HU were lost, red where they were added.

    Parameters
    ----------
    change_hu : ndarray, shape (y, x)
        HU.
    limit_hu : float
        Change that has the full colour, above 0.
    """
    amount = np.clip(change_hu.astype(np.float32) / limit_hu, -1, 1)[..., None]
    red = np.array([0.70, 0.02, 0.15]) * np.maximum(amount, 0) + np.maximum(1 - np.abs(amount), 0)
    blue = np.array([0.13, 0.32, 0.70]) * np.maximum(-amount, 0)
    return _as_rgb(red + blue)


def outlined(picture: RGB, mask: NDArray[np.bool_], color: tuple[int, int, int] = _RED) -> RGB:
    """The picture with a line, two pixels wide, along the inner edge of the mask, shape (rows, columns)."""
    edge = mask & ~ndimage.binary_erosion(mask, np.ones((3, 3), bool), iterations=2, border_value=0)
    marked = picture.copy()
    marked[edge] = color
    return marked


def scaled(picture: RGB, pixel_mm: tuple[float, float], side: int, *, smooth: bool = True) -> RGB:
    """The picture with square pixels, its longer side `side` pixels long.

    Parameters
    ----------
    picture : ndarray of uint8, shape (rows, columns, 3)
        What to scale.
    pixel_mm : tuple of float
        Spacing along rows and columns.
    side : int
        Pixels along the longer side.
    smooth : bool
        Interpolate; False repeats pixels, so that each voxel can be told.
    """
    from PIL import Image

    rows_mm, columns_mm = picture.shape[0] * pixel_mm[0], picture.shape[1] * pixel_mm[1]
    scale = side / max(rows_mm, columns_mm)
    size = max(1, round(columns_mm * scale)), max(1, round(rows_mm * scale))
    smaller = size[0] < picture.shape[1]
    how = Image.Resampling.NEAREST if not smooth else Image.Resampling.BOX if smaller else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(picture).resize(size, how))


def png(picture: RGB) -> bytes:
    """The picture as a PNG file."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


def jpeg(picture: RGB, quality: int) -> bytes:
    """The picture as a JPEG file, for one of many that need not be exact."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def data_uri(picture: RGB) -> str:
    """The picture as an address that holds all of it, for `src` of an HTML image."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")


def _as_rgb(values: NDArray[np.floating]) -> RGB:
    shaped = np.broadcast_to(values, (*values.shape[:2], 3))
    return np.rint(np.clip(shaped, 0, 1) * 255).astype(np.uint8)
