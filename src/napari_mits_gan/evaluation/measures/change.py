"""What a version of a scan differs by from the original inside the body."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.fidelity import Fidelity, compare
from napari_mits_gan.evaluation.measures.local_mean import local_mean_change, local_mean_change_percentile
from napari_mits_gan.evaluation.versions import check_versions


@dataclass(frozen=True)
class Change:
    """How one version of the scan differs from the original, inside the body.

    Parameters
    ----------
    fidelity : Fidelity
        Of the body's voxels.
    local_mean_95_hu : float
        95th percentile of the absolute change of the mean over 10 mm discs within a slice.
    voxels : int
        Number of voxels in the body.
    """

    fidelity: Fidelity
    local_mean_95_hu: float
    voxels: int

    @classmethod
    def pooled(cls, parts: Sequence[Change]) -> Change:
        """Several scans together.

        RMS, PSNR and SSIM are those of all the bodies' voxels; the largest change and the change of local means are
        those of the worst scan.
        """
        voxels = np.array([part.voxels for part in parts])
        fidelities = [part.fidelity for part in parts]
        fidelity = Fidelity.from_rms(
            max_change_hu=max(f.max_change_hu for f in fidelities),
            rms_hu=math.sqrt(np.average([f.rms_hu**2 for f in fidelities], weights=voxels)),
            ssim=float(np.average([f.ssim for f in fidelities], weights=voxels)),
        )
        return cls(fidelity, max(part.local_mean_95_hu for part in parts), int(voxels.sum()))


def measure_change(original: CTVolume, changed: CTVolume, body: NDArray[np.bool_]) -> Change:
    """Measure how a version of a scan differs from the original in the voxels of `body`, shape (z, y, x).

    Raises
    ------
    ProtectionError
        If the two are not versions of one scan.
    """
    check_versions(original, changed)
    means = local_mean_change(original.hu, changed.hu, original.spacing, body=body)
    return Change(compare(original.hu, changed.hu, mask=body), local_mean_change_percentile(means), int(body.sum()))
