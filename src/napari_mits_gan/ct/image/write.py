"""Writing a volume as NIfTI, MetaImage or NRRD."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from napari_mits_gan.ct.image.labels import label_of, sidecar_of
from napari_mits_gan.ct.image.read import read_image
from napari_mits_gan.ct.suffixes import WRITABLE_SUFFIXES, ending_of
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError, WriteError
from napari_mits_gan.files.publish import check_space, checked_target, failure, place_file, sync_folder
from napari_mits_gan.files.quiet import quiet_console
from napari_mits_gan.files.unfinished import unfinished_folder


def new_image(path: str | os.PathLike[str], *, with_history: bool) -> tuple[Path, str, Path | None]:
    """Where an image can be written, so that hours of work are not in vain.

    Parameters
    ----------
    path : path-like
        Ends with .nii, .nii.gz, .mha or .nrrd.
    with_history : bool
        Whether its history will lie beside it.

    Returns
    -------
    Path
        The file.
    str
        Its ending.
    Path or None
        The JSON file of its history.

    Raises
    ------
    WriteError
        If the file or its JSON file exists, its folder does not, or the name has another ending.
    """
    target = checked_target(path)
    ending = ending_of(target.name, WRITABLE_SUFFIXES)
    stem = target.name.removesuffix(ending)
    if not ending or not stem:
        raise WriteError(
            f"{target.name} cannot be written as an image; its name must end with {', '.join(WRITABLE_SUFFIXES)}."
        )
    sidecar = target.with_name(f"{stem}.json") if with_history else None
    if not target.parent.is_dir():
        raise WriteError(f"The folder for {target.name} does not exist; make it first.")
    for wanted in (target, sidecar):
        if wanted is not None and os.path.lexists(wanted):
            raise WriteError(f"{wanted.name} is there already and is not overwritten; choose another name.")
    try:
        str(target).encode("utf-8")
    except UnicodeEncodeError:  # ITK ends the whole program
        raise WriteError("The path holds bytes that are no UTF-8; choose another folder or name.") from None
    return target, ending.lower(), sidecar


def write_image(volume: CTVolume, path: str | os.PathLike[str]) -> Path:
    """Write a volume as one image file, all of it or nothing.

    Parameters
    ----------
    volume : CTVolume
        The scan. If anything was done to it, the file's header says what ("SIMULATED ATTACK" for a tampered scan), and
        a JSON file of the same name beside it holds the full history; `read_ct` heeds both.
    path : path-like
        Ends with .nii, .nii.gz, .mha or .nrrd; nothing may be there yet, in an existing folder.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    WriteError
        If the file or its JSON file exists, the name has another ending, or the disk refuses.
    """
    import SimpleITK as sitk

    target, suffix, sidecar = new_image(path, with_history=bool(volume.history))
    check_space(target.parent, volume.hu.nbytes)
    image = sitk.GetImageFromArray(volume.hu)
    image.SetSpacing(volume.spacing[::-1])
    image.SetOrigin(volume.origin)
    image.SetDirection(np.ascontiguousarray(volume.direction[:, ::-1]).ravel().tolist())
    # NIfTI has one free field; MetaImage does not give back its Comment, so a field of our own says it too.
    for key in ("ITK_FileNotes", "descrip") if suffix.startswith(".nii") else ("Comment", "NapariMitsGan"):
        image.SetMetaData(key, label_of(volume.history))
    try:
        with unfinished_folder(target.parent, "image") as place:
            temporary = place / f"image{suffix}"
            with quiet_console():
                sitk.WriteImage(image, str(temporary), useCompression=suffix in (".nii.gz", ".mha", ".nrrd"))
            _check_written(temporary, volume, target.name)
            if sidecar is not None:
                # The label goes first: an image may lack its history for a moment, never be there without the label.
                text = place / "sidecar.json"
                text.write_text(json.dumps(sidecar_of(volume.history), indent=2, default=str) + "\n", "utf-8")
                place_file(text, sidecar)
            try:
                place_file(temporary, target)
            except BaseException:
                if sidecar is not None:
                    with suppress(OSError):
                        sidecar.unlink()
                raise
        sync_folder(target.parent)
    except FileExistsError:
        raise WriteError(f"{target.name} is there already and is not overwritten; choose another name.") from None
    except OSError as error:
        raise failure(error) from None
    except RuntimeError:
        raise WriteError(
            f"{target.name} could not be written, and nothing was left behind; check the disk's space and the folder."
        ) from None
    return target


def _check_written(written: Path, volume: CTVolume, name: str) -> None:
    """Read back what was written: on a full disk ITK's NIfTI writer cuts the file off and reports success."""
    with suppress(ReadError):
        if np.array_equal(read_image(written).hu, volume.hu):
            return
    raise WriteError(f"{name} could not be written completely, and nothing was left behind; check the disk's space.")
