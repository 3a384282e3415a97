"""The one place where a CT volume becomes a napari layer, and where a napari layer becomes a CT volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN, LUNG_WINDOW_HU, SIMULATED_ATTACK
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.widgets.layers.panel_names import DIFFERENCE, PANEL_KEY

if TYPE_CHECKING:
    from napari.layers import Image, Layer

VOLUME_KEY = "ct_volume"
"""Name, in a layer's metadata, of the CTVolume that it shows."""
AFFINE_KEY = "ct_affine_lps"
"""Name, in a layer's metadata, of the 4 x 4 matrix from voxels (z, y, x) to the world (x, y, z), LPS, mm."""
SIMULATED_ATTACK_KEY = "simulated_attack"
"""Name, in a layer's metadata, of the flag that says that the layer shows a tampered scan."""

AXIS_LABELS = ("z", "y", "x")


class LayerError(MitsGanError):
    """A napari layer cannot be taken for a CT scan."""


def grid_options(volume: CTVolume) -> dict[str, Any]:
    """Where the voxels of a scan lie, for every layer that is drawn on it: scale, translate, units, axis labels.

    Parameters
    ----------
    volume : CTVolume
        The scan. An oblique one is shown straight, since napari draws sheared grids badly; the metadata has its matrix.

    Returns
    -------
    dict
        Keyword arguments of `viewer.add_image`, `viewer.add_points`, ...
    """
    return {
        "scale": volume.spacing,
        "translate": tuple(float(t) for t in volume.direction.T @ np.asarray(volume.origin)),
        "units": ("mm", "mm", "mm"),
        "axis_labels": AXIS_LABELS,
    }


def volume_metadata(volume: CTVolume) -> dict[str, Any]:
    """What a layer that shows a scan carries in its metadata."""
    return {
        VOLUME_KEY: volume,
        AFFINE_KEY: affine_lps(volume),
        SIMULATED_ATTACK_KEY: volume.is_tampered,
        "history": [{"kind": step.kind, **step.parameters} for step in volume.history],
    }


def layer_name(volume: CTVolume) -> str:
    """What to call a scan in the layer list; a tampered one says so first."""
    return f"{SIMULATED_ATTACK} · {volume.name}" if volume.is_tampered else volume.name


def image_options(volume: CTVolume) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_image` that show a scan in a lung window, in mm."""
    return {
        **grid_options(volume),
        "name": layer_name(volume),
        "colormap": "gray",
        "contrast_limits": LUNG_WINDOW_HU,
        "metadata": volume_metadata(volume),
    }


def layer_data(volume: CTVolume) -> tuple[NDArray[np.int16], dict[str, Any], str]:
    """A scan as napari's readers and samples hand it over: (data, options, "image"). The voxels are not copied."""
    return volume.hu, image_options(volume), "image"


def affine_lps(volume: CTVolume) -> NDArray[np.float64]:
    """Matrix, shape (4, 4), from voxels (z, y, x, 1) to world coordinates (x, y, z, 1), LPS, mm."""
    affine = np.eye(4)
    affine[:3, :3] = volume.direction * np.asarray(volume.spacing)
    affine[:3, 3] = volume.origin
    return affine


def volume_of(layer: Layer | None) -> CTVolume:
    """The CT scan that a layer shows.

    Parameters
    ----------
    layer : napari layer or None
        A layer that this plugin's reader opened gives its own scan, with all that DICOM said of it, unless somebody
        edited it. Any other image layer with three axes gives a new scan: its values are taken for HU, its scale for
        the spacing in mm.

    Returns
    -------
    CTVolume

    Raises
    ------
    LayerError
        If the layer cannot be a CT scan: no image, colours, not three axes, not finite, beyond the range of HU.
    """
    from napari.layers import Image

    if layer is None:
        raise LayerError("no layer is selected; select the image layer that holds the CT scan")
    known = layer.metadata.get(VOLUME_KEY)
    if isinstance(known, CTVolume) and (layer.data is known.hu or np.array_equal(layer.data, known.hu)):
        return known
    if not isinstance(layer, Image):
        raise LayerError(f"the layer “{layer.name}” is no image; select the image layer that holds the CT scan")
    if layer.metadata.get(PANEL_KEY) == DIFFERENCE:
        raise LayerError(f"the layer “{layer.name}” is a difference of two scans; select the layer of a scan")
    volume = _volume_of_image(layer)
    if layer.metadata.get(SIMULATED_ATTACK_KEY) or SIMULATED_ATTACK in layer.name:
        # a copy of a tampered layer, perhaps edited: it stays what it is
        return volume.with_hu(volume.hu, Step("attack", {"label": SIMULATED_ATTACK, "from": "a napari layer"}))
    return volume


def _volume_of_image(layer: Image) -> CTVolume:
    name = f"the layer “{layer.name}”"
    if layer.rgb:
        raise LayerError(
            f"{name} is a colour picture, not a CT scan in HU; select a grey image with three axes (z, y, x)"
        )
    if layer.multiscale:
        raise LayerError(f"{name} has several resolutions; select the CT scan at its full resolution")
    if layer.ndim != 3:
        raise LayerError(f"{name} has {layer.ndim} axes; a CT scan has three (z, y, x)")
    data = np.asarray(layer.data)
    if data.dtype == bool or data.dtype.kind not in "iuf":
        raise LayerError(f"{name} holds {data.dtype} values; a CT scan holds numbers in HU")
    if data.size == 0:
        raise LayerError(f"{name} is empty; select the image layer that holds the CT scan")
    if data.dtype.kind == "f" and not np.isfinite(data).all():
        raise LayerError(
            f"{name} holds values that are not finite numbers; replace them before taking it for a CT scan"
        )
    low, high = float(data.min()), float(data.max())
    if low < HU_MIN or high > HU_MAX:
        raise LayerError(f"{name} holds values from {low:.0f} to {high:.0f}, which cannot be HU")
    hu = data if data.dtype == np.int16 else np.rint(data).astype(np.int16)
    spacing = tuple(float(s) for s in layer.scale)
    translate = np.asarray(layer.translate, dtype=float)
    return CTVolume(hu, spacing=spacing, origin=(translate[2], translate[1], translate[0]), name=layer.name)  # type: ignore[arg-type]
