"""Reading NIfTI, MetaImage and NRRD files into a volume."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.constants import HU_MAX, HU_MIN
from napari_mits_gan.ct.image.labels import history_of, is_ours
from napari_mits_gan.ct.suffixes import IMAGE_SUFFIXES, ending_of
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.quiet import quiet_console


def is_image_file(path: Path) -> bool:
    """Whether the name is one of an image file that can be read here."""
    return path.name.lower().endswith(IMAGE_SUFFIXES)


def read_image(path: Path) -> CTVolume:
    """Read an image file whose values are HU.

    Parameters
    ----------
    path : Path
        NIfTI (.nii, .nii.gz), MetaImage (.mha, .mhd) or NRRD (.nrrd, .nhdr).

    Returns
    -------
    CTVolume
        Turned, by swapping and flipping axes only, so that (z, y, x) run towards head, back and left as closely as they
        can, which is how DICOM stores axial slices; files that this package wrote keep their axes. Values that are not
        whole HU are rounded. A file labelled as a simulated attack gives a volume whose history says so.

    Raises
    ------
    ReadError
        If the file is damaged, not three-dimensional, has several components, or values outside the range of int16.
    """
    import SimpleITK as sitk

    display = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # ITK's warnings print the whole path, which may name a patient
    try:
        with quiet_console():
            return _read(path)
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(display)


def _read(path: Path) -> CTVolume:
    import SimpleITK as sitk

    most_bytes = _bytes_inside(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size = list(reader.GetSize())
        components = reader.GetNumberOfComponents()
    except RuntimeError:
        raise ReadError(f"{path.name} cannot be read as an image: it is damaged or not what its name says.") from None
    if components != 1:
        raise ReadError(f"{path.name} has {components} values per voxel (colour, vector or complex), not one HU.")
    if len(size) < 3 or any(extra != 1 for extra in size[3:]):
        raise ReadError(f"{path.name} has {len(size)} axes ({' x '.join(map(str, size))}); a CT volume has three.")
    wanted_bytes = (
        int(np.prod(size, dtype=float)) * sitk.Image([1, 1, 1], reader.GetPixelID()).GetSizeOfPixelComponent()
    )
    if wanted_bytes > most_bytes:
        raise ReadError(
            f"{path.name} holds fewer voxels than its header says: it is damaged or cut off; copy it again."
        )
    try:
        if len(size) > 3:
            reader.SetExtractSize(size[:3] + [0] * (len(size) - 3))
        image = reader.Execute()
        labels = _labels(image)
        if not is_ours(labels):
            image = sitk.DICOMOrient(image, "LPS")
    except (RuntimeError, MemoryError):
        raise ReadError(f"{path.name} is damaged or cut off; copy it again.") from None
    name = path.name.removesuffix(ending_of(path.name))
    direction = np.array(image.GetDirection(), dtype=np.float64).reshape(3, 3)[:, ::-1]
    spacing, origin = image.GetSpacing()[::-1], image.GetOrigin()
    hu = _as_hu(sitk.GetArrayViewFromImage(image), path.name)
    try:
        return CTVolume(hu, spacing, origin, direction, name=name, history=history_of(labels, _sidecar(path, name)))
    except ValueError:
        raise ReadError(f"{path.name} states no usable spacing or directions (positive and orthogonal).") from None


def _bytes_inside(path: Path) -> float:
    """How many bytes of voxels a file can hold at most, so that no damaged header asks for all memory.

    A compressed NIfTI file is checked to its end: ITK would fill what is cut off with zeros and say nothing.
    """
    try:
        if path.name.lower().endswith(".gz"):
            inside = 0
            with gzip.open(path) as stream:
                while block := stream.read(1 << 20):
                    inside += len(block)
            return inside
        size = path.stat().st_size
    except (OSError, EOFError, zlib.error):
        raise ReadError(f"{path.name} is damaged or cut off; copy it again.") from None
    if path.name.lower().endswith(".nii"):
        return size
    # Headers of their own (.mhd, .nhdr) point to other files; inside .mha and .nrrd deflate packs 1:1032 at best.
    return size * 1100 if path.name.lower().endswith((".mha", ".nrrd")) else math.inf


def _labels(image: Any) -> dict[str, str]:
    """Header fields whose names and texts can be read."""
    labels = {}
    for key in image.GetMetaDataKeys():
        with suppress(TypeError, RuntimeError, UnicodeError):  # names may be any bytes
            labels[key] = str(image.GetMetaData(key))
    return labels


def _as_hu(values: NDArray[Any], name: str) -> NDArray[np.int16]:
    if values.dtype == np.int16:
        return np.array(values)
    lowest, highest = values.min(), values.max()
    # Written so that a NaN, which compares as False, is refused too.
    if not (lowest >= HU_MIN - 0.5 and highest <= HU_MAX + 0.5):
        raise ReadError(f"{name} holds values outside -32768 ... 32767 HU (or no numbers), so it is not a CT in HU.")
    if values.dtype.kind == "f":
        return np.clip(np.rint(values), HU_MIN, HU_MAX).astype(np.int16)
    return values.astype(np.int16)


def _sidecar(path: Path, name: str) -> dict[str, Any]:
    try:
        loaded = json.loads((path.parent / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
