"""Marking a scan."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.lattice import SealError
from napari_mits_gan.evidence.mark.number import marked_layer, new_number
from napari_mits_gan.evidence.mark.patient_lattice import pitch_of
from napari_mits_gan.evidence.mark.pattern import VoxelPattern
from napari_mits_gan.evidence.mark.region import box_around, marked_region
from napari_mits_gan.evidence.mark.settings import MarkSettings
from napari_mits_gan.evidence.side_by_side import side_by_side
from napari_mits_gan.progress import Progress, part_of, silent

_PEAK = 3.0
"""Largest change of a voxel, in multiples of the RMS."""
_FINDING = 0.3
"""How far the work is when lungs and body are found."""


def embed_mark(
    volume: CTVolume,
    key: SealKey,
    settings: MarkSettings | None = None,
    *,
    number: int | None = None,
    progress: Progress = silent,
) -> CTVolume:
    """Mark a scan: add a keyed pattern, finer than anatomy and weaker than noise, to its lungs and 10 mm around them.

    A scan without lungs is marked all over the body.

    Parameters
    ----------
    volume : CTVolume
        The scan. Padding stays as it is.
    key : SealKey
        Needed again to find the mark.
    settings : MarkSettings, optional
        How strong.
    number : int, optional
        16 bits that make this scan's mark another than others'; drawn at random unless given, which only tests do.
    progress : Progress
        Called with slices done and their number.

    Returns
    -------
    CTVolume
        No voxel is changed by more than three times the RMS, the mean over 10 mm by some hundredths of a HU.

    Raises
    ------
    SealError
        If nothing is found to mark, or the scan carries a simulated attack.

    Notes
    -----
    A spread-spectrum watermark (Cox, Kilian, Leighton, Shamoon, IEEE Trans. Image Processing 6(12), 1997) whose
    spectrum lies where a CT has least noise and fewest edges.
    """
    if volume.is_tampered:
        raise SealError("This scan carries a simulated attack, and a tampered scan is never marked as if it were real.")
    settings = settings or MarkSettings()
    # Asked meanwhile whether to go on: finding lungs takes seconds.
    ((inside, share),) = side_by_side(marked_region, [volume], part_of(progress, 0, _FINDING))
    if not inside.any():
        raise SealError("There is neither lung nor body in this scan that could be marked; seal it without the mark.")
    rms_hu = min(settings.lungs_rms_hu, settings.body_rms_hu / share**0.5)
    number = new_number() if number is None else number
    part = box_around(inside)
    pattern = VoxelPattern(volume, pitch_of(volume.spacing), marked_layer(key, number), part)
    out = volume.hu.copy()
    scale = np.float32(1 / pattern.rms)
    for done, (z, wave) in enumerate(zip(range(part[0].start, part[0].stop), pattern, strict=True)):
        place = (z, *part[1:])
        out[place] = _marked(volume, z, out[place], scale * wave, inside[place], rms_hu)
        part_of(progress, _FINDING, 1)(done + 1, len(pattern))
    parameters = {"lungs_rms_hu": round(float(rms_hu), 2)}
    return volume.with_hu(out, Step("mark", parameters))


def _marked(
    volume: CTVolume,
    z: int,
    hu: NDArray[np.int16],
    wave: NDArray[np.float32],
    inside: NDArray[np.bool_],
    rms_hu: float,
) -> NDArray[np.int16]:
    change = np.rint(rms_hu * wave.clip(-_PEAK, _PEAK)).astype(np.int32) * inside
    new = volume.storable(z).nearest_within(hu + change, hu, int(np.ceil(_PEAK * rms_hu)))
    return np.where(change != 0, new, hu)
