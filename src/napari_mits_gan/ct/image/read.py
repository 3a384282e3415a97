"""Reading NIfTI, MetaImage and NRRD files into a volume."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.image.labels import history_of, is_ours
from napari_mits_gan.ct.image.metaimage import check_metaimage
from napari_mits_gan.ct.image.nifti import read_nifti
from napari_mits_gan.ct.image.nrrd import check_nrrd
from napari_mits_gan.ct.image.sheared import straightened
from napari_mits_gan.ct.image.values import as_hu
from napari_mits_gan.ct.suffixes import IMAGE_SUFFIXES, NIFTI_SUFFIXES, NRRD_SUFFIXES, ending_of
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
        If the file is damaged, not three-dimensional, has several components, values outside the range of int16, or
        leaves open where its voxels lie.
    """
    ending = ending_of(path.name)
    read = _from_nifti if ending.lower() in NIFTI_SUFFIXES else _from_itk
    found = read(path)
    name = path.name.removesuffix(ending)
    try:
        return CTVolume(
            hu=found.hu,
            spacing=found.spacing,
            origin=found.origin,
            direction=found.direction,
            padding=found.padding,
            name=name,
            history=history_of(found.labels, _sidecar(path, name)),
            notes=found.notes,
        )
    except ValueError:
        raise ReadError(f"{path.name} states no usable spacing or directions (positive and orthogonal).") from None


@dataclass(frozen=True)
class _Read:
    """What a file holds: as `CTVolume` has it, and the header's texts."""

    hu: NDArray[np.int16]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: NDArray[np.float64]
    labels: dict[str, str]
    padding: NDArray[np.bool_] | None = None
    notes: tuple[str, ...] = ()


def _from_nifti(path: Path) -> _Read:
    from nibabel.orientations import apply_orientation, axcodes2ornt, inv_ornt_aff, io_orientation, ornt_transform

    image = read_nifti(path)
    labels = {"descrip": image.description}
    hu, affine, padding, notes = straightened(image.hu, image.affine, path.name)
    turn = None
    if not is_ours(labels):
        turn = ornt_transform(io_orientation(affine), axcodes2ornt("LPS"))
        affine = affine @ inv_ornt_aff(turn, hu.shape[::-1])

    def turned(voxels: NDArray[Any]) -> NDArray[Any]:
        return np.ascontiguousarray((voxels.T if turn is None else apply_orientation(voxels.T, turn)).T)

    to_lps = np.diag([-1.0, -1.0, 1.0]) @ affine[:3]
    x, y, z = (float(length) for length in np.linalg.norm(to_lps[:, :3], axis=0))
    direction = (to_lps[:, :3] / (x, y, z))[:, ::-1]
    origin = (float(to_lps[0, 3]), float(to_lps[1, 3]), float(to_lps[2, 3]))
    padding = None if padding is None else turned(padding)
    return _Read(turned(hu), (z, y, x), origin, direction, labels, padding, notes)


def _from_itk(path: Path) -> _Read:
    import SimpleITK as sitk

    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:  # ITK ends the whole program
        raise ReadError("The path of this file holds bytes that are no UTF-8; rename its folder or the file.") from None
    if ending_of(path.name).lower() in NRRD_SUFFIXES:
        check_nrrd(path)
    else:
        check_metaimage(path)
    display = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)  # ITK's warnings print the whole path, which may name a patient
    try:
        with quiet_console():
            return _read(path)
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(display)


def _read(path: Path) -> _Read:
    import SimpleITK as sitk

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
    try:
        if len(size) > 3:
            reader.SetExtractSize(size[:3] + [0] * (len(size) - 3))
        image = reader.Execute()
        labels = _labels(image)
        if not is_ours(labels):
            image = sitk.DICOMOrient(image, "LPS")
    except (RuntimeError, MemoryError):
        raise ReadError(f"{path.name} is damaged or cut off; copy it again.") from None
    direction = np.array(image.GetDirection(), dtype=np.float64).reshape(3, 3)[:, ::-1]
    hu = as_hu(sitk.GetArrayViewFromImage(image), path.name)
    return _Read(hu, image.GetSpacing()[::-1], image.GetOrigin(), direction, labels)


def _labels(image: Any) -> dict[str, str]:
    """Header fields whose names and texts can be read."""
    labels = {}
    for key in image.GetMetaDataKeys():
        with suppress(TypeError, RuntimeError, UnicodeError):  # names may be any bytes
            labels[key] = str(image.GetMetaData(key))
    return labels


def _sidecar(path: Path, name: str) -> dict[str, Any]:
    try:
        loaded = json.loads((path.parent / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return loaded if isinstance(loaded, dict) else {}
