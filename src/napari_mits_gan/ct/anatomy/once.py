"""The anatomy of each scan, found once and kept as long as the scan is."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy.segmentation import Anatomy, segment
from napari_mits_gan.ct.volume import CTVolume


@dataclass(frozen=True, eq=False)
class _Packed:
    """Masks of one scan with eight voxels in a byte, so that keeping them costs a fifth of the scan at most."""

    lungs: NDArray[np.uint8]
    body: NDArray[np.uint8]
    airways: NDArray[np.uint8]


# By identity: a volume is frozen and its HU are read-only, and one made from it is another volume.
_kept: WeakKeyDictionary[CTVolume, _Packed] = WeakKeyDictionary()


def _of(volume: CTVolume) -> _Packed:
    found = _kept.get(volume)
    if found is None:
        keep_anatomy(volume, segment(volume))
        found = _kept[volume]
    return found


def _unpacked(bits: NDArray[np.uint8], volume: CTVolume) -> NDArray[np.bool_]:
    return np.unpackbits(bits, count=volume.hu.size).view(bool).reshape(volume.shape)


def anatomy_of(volume: CTVolume) -> Anatomy:
    """Lungs, body and airways of a scan; the first call finds them, see `segment`.

    Parameters
    ----------
    volume : CTVolume
        Any CT.

    Returns
    -------
    Anatomy
        Masks of your own, to write into if you like.
    """
    kept = _of(volume)
    return Anatomy(*(_unpacked(bits, volume) for bits in (kept.lungs, kept.body, kept.airways)))


def anatomy_known(volume: CTVolume) -> bool:
    """Whether the anatomy of a scan was found already, so that asking for it takes no time."""
    return volume in _kept


def keep_anatomy(volume: CTVolume, anatomy: Anatomy) -> None:
    """Let a scan have this anatomy from now on, for example lungs drawn by hand.

    Raises
    ------
    ValueError
        If a mask has another shape than the scan.
    """
    masks = (anatomy.lungs, anatomy.body, anatomy.airways)
    for mask in masks:
        if mask.shape != volume.shape:
            raise ValueError(f"a mask has the shape {mask.shape}, the scan has {volume.shape}")
    _kept[volume] = _Packed(*(np.packbits(np.asarray(mask, dtype=bool)) for mask in masks))


def lung_mask(volume: CTVolume) -> NDArray[np.bool_]:
    """Both lungs, shape (z, y, x), vessels and nodules in them included; all False where there are none."""
    return _unpacked(_of(volume).lungs, volume)


def body_mask(volume: CTVolume) -> NDArray[np.bool_]:
    """The patient, shape (z, y, x), lungs included; padding, couch, cushion and the air around are outside."""
    return _unpacked(_of(volume).body, volume)
