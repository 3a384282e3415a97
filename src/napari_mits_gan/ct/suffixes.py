"""What the names of CT files end in: the one list that the reader, the window and the command line share."""

from __future__ import annotations

DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
"""Endings of DICOM files; many have none."""
NIFTI_SUFFIXES = (".nii", ".nii.gz")
METAIMAGE_SUFFIXES = (".mha", ".mhd")
NRRD_SUFFIXES = (".nrrd", ".nhdr")
IMAGE_SUFFIXES = (*NIFTI_SUFFIXES, *METAIMAGE_SUFFIXES, *NRRD_SUFFIXES)
"""Endings of NIfTI, MetaImage and NRRD files that can be read."""
DETACHED_SUFFIXES = (".mhd", ".nhdr")
"""Endings of headers whose voxels lie in a file of their own."""
PACKED_SUFFIXES = (".gz", ".mha", ".nrrd")
"""Endings of image files whose voxels are compressed, or may be."""
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Endings of archives that may hold a scan."""
WRITABLE_SUFFIXES = (".nii", ".nii.gz", ".mha", ".nrrd")
"""Endings of image files that can be written."""
READABLE_SUFFIXES = (*DICOM_SUFFIXES, *IMAGE_SUFFIXES, *ARCHIVE_SUFFIXES)
"""Endings of all files that can be read."""


def ending_of(name: str, suffixes: tuple[str, ...] = READABLE_SUFFIXES) -> str:
    """The longest of `suffixes` that a file's name ends in, as it is written there; empty if there is none."""
    found = max((s for s in suffixes if name.lower().endswith(s)), key=len, default="")
    return name[len(name) - len(found) :]
