"""Two versions of one scan: what every comparison needs before it begins."""

from __future__ import annotations

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError


def check_versions(original: CTVolume, *others: CTVolume | None) -> None:
    """Refuse to compare scans whose voxels do not lie at the same positions in the patient.

    Parameters
    ----------
    original : CTVolume
        The scan that the others are held against.
    *others : CTVolume or None
        Its versions; None is passed over.

    Raises
    ------
    ProtectionError
        If one of them has another shape, spacing, origin or direction.
    """
    for other in others:
        if other is not None and not original.same_grid(other):
            raise ProtectionError(
                f"'{other.name}' has other voxel positions than '{original.name}' (shape, spacing, origin or "
                "direction); give two versions of one scan."
            )
