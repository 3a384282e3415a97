"""One perturbation for all scans: the stripes that were trained with MITS-GAN, as they are, whatever the slice shows.

After Huang et al., 'CMUA-Watermark', AAAI 2022: one universal perturbation against several attackers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from napari_mits_gan.protection.mits_gan import MitsGan


@dataclass(frozen=True)
class Universal(MitsGan):
    """The trained stripes alone, the same for every scan."""

    adapts: ClassVar[bool] = False
