"""What a version of a scan differs by, and several scans together."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evaluation.measures.change import Change, measure_change
from napari_mits_gan.evaluation.measures.fidelity import Fidelity


def test_only_the_body_counts():
    scan = CTVolume(np.full((2, 20, 20), -700, dtype=np.int16), (1.0, 1.0, 1.0))
    body = np.zeros(scan.shape, dtype=bool)
    body[:, 5:15, 5:15] = True
    changed = CTVolume(scan.hu + np.where(body, 7, 300).astype(np.int16), (1.0, 1.0, 1.0))
    found = measure_change(scan, changed, body)
    assert (found.fidelity.max_change_hu, found.fidelity.rms_hu, found.voxels) == (7.0, 7.0, 200)
    assert found.local_mean_95_hu == pytest.approx(7.0, abs=1e-5)


def test_pooled_figures_by_hand():
    one = Change(Fidelity.from_rms(max_change_hu=20.0, rms_hu=12.0, ssim=0.98), 1.0, 100)
    two = Change(Fidelity.from_rms(max_change_hu=18.0, rms_hu=6.0, ssim=0.90), 2.5, 300)
    pooled = Change.pooled([one, two])
    rms = math.sqrt((100 * 144 + 300 * 36) / 400)
    assert pooled.fidelity.rms_hu == pytest.approx(rms)
    assert pooled.fidelity.psnr_db == pytest.approx(20 * math.log10(4095 / rms))
    assert pooled.fidelity.ssim == pytest.approx(0.92)
    assert pooled.fidelity.max_change_hu == 20.0
    assert (pooled.local_mean_95_hu, pooled.voxels) == (2.5, 400)
