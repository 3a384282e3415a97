"""How strong the mark is."""

from __future__ import annotations

from dataclasses import dataclass

from napari_mits_gan.options import limited


@dataclass(frozen=True)
class MarkSettings:
    """Strength of the mark.

    Parameters
    ----------
    lungs_rms_hu : float
        RMS in the lungs and 10 mm around them; nothing else is marked.
    body_rms_hu : float
        Most that the RMS over the whole body may be; the mark is made weaker where the lungs are a large part of it.
    """

    lungs_rms_hu: float = limited(12.0, 1.0, 20.0)
    body_rms_hu: float = limited(8.0, 1.0, 12.0)
