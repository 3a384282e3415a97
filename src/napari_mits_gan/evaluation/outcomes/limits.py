r"""Ranges of the features of attacks on unprotected scans, and of nodules: an attack outside them is conspicuous.

The constants below were printed by

    python -m benchmarks.outcome_limits --sites 50 --scans \
        LIDC-IDRI-0314.nii.gz LIDC-IDRI-0003.nii.gz CMB-CRC-MSB-01068.nii.gz

(`benchmarks/measures/outcome_calibration.py`) from scans that attackers and detector were trained on, so that no scan
that a protection is evaluated on has set them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Limits = Mapping[str, tuple[float, float]]
"""From the name of a feature to its lowest and highest value."""

INJECTION_LIMITS: Limits = {
    "brightest_hu": (-math.inf, 400.0),
    "touched_step": (-math.inf, 1.1),
    "cuboid_step": (-math.inf, 1.1),
    "texture": (-math.inf, 1.649),
    "stray_ml": (-math.inf, 0.2083),
    "core_hu": (-650.0, 100.0),
    "painted_hu": (-650.0, 100.0),
    "diameter_mm": (4.0, 20.0),
    "edge_mm": (2.0, 7.0),
    "mottle_hu": (-math.inf, 100.0),
}
REMOVAL_LIMITS: Limits = {
    "brightest_hu": (-math.inf, 400.0),
    "touched_step": (-math.inf, 1.1),
    "cuboid_step": (-math.inf, 1.31),
    "texture": (-math.inf, 1.5),
    "contrast_hu": (-75.0, 866.2),
    "hole_hu": (-120.0, math.inf),
    "left_ml": (-math.inf, 0.3075),
}
