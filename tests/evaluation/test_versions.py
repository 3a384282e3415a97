"""Only two versions of one scan are compared: the same voxels at the same positions in the patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.disruption.controls import control
from napari_mits_gan.evaluation.evaluate import disruptions_at, evaluate_protected
from napari_mits_gan.evaluation.measures.change import measure_change
from napari_mits_gan.evaluation.measures.diagnostic_value import diagnostic_value
from napari_mits_gan.evaluation.measures.noise_spectrum import noise_spectrum
from napari_mits_gan.evaluation.outcomes.outcome import attack_and_classify
from napari_mits_gan.evaluation.robustness.robustness import purify_at
from napari_mits_gan.evaluation.vulnerability import vulnerability

SITE = (20, 32, 19)


def _moved(volume: CTVolume) -> CTVolume:
    x, y, z = volume.origin
    return replace(volume, origin=(x, y + 1.0, z))


def _upside_down(volume: CTVolume) -> CTVolume:
    return replace(volume, direction=volume.direction * [[1, 1, 1], [1, 1, 1], [-1, 1, 1]])


def _shorter(volume: CTVolume) -> CTVolume:
    return replace(volume, hu=volume.hu[1:])


def _stretched(volume: CTVolume) -> CTVolume:
    z, y, x = volume.spacing
    return replace(volume, spacing=(1.01 * z, y, x))


COMPARISONS: dict[str, Callable] = {
    "change": lambda a, b, *_: measure_change(a, b, np.ones(a.shape, bool)),
    "evaluate": lambda a, b, attackers, _: evaluate_protected(a, b, sites=[SITE], attackers=attackers),
    "disruption": lambda a, b, attackers, _: disruptions_at(a, {"b": b}, sites=[SITE], attackers=attackers),
    "robustness": lambda a, b, *_: purify_at(a, b, [SITE], purifiers=["blur-1"]),
    "vulnerability": lambda a, b, attackers, _: vulnerability(a, b, attackers["inject"], sites=[SITE]),
    "spectrum": lambda a, b, *_: noise_spectrum(a, b, np.ones(a.shape, bool)),
    "diagnostic": lambda a, b, _, detector: diagnostic_value(a, b, nodules=[], detector=detector),
    "diagnostic, healthy": lambda a, b, _, detector: diagnostic_value(a, a, nodules=[], detector=detector, healthy=b),
    "outcomes, healthy": lambda a, b, attackers, detector: attack_and_classify(
        attackers["remove"], a, [SITE], detector, healthy=b
    ),
}


@pytest.fixture(scope="module")
def protected(small_chest) -> CTVolume:
    return control(small_chest, "slice-shift", 10.0)


@pytest.mark.parametrize("changed", [_moved, _upside_down, _shorter, _stretched])
@pytest.mark.parametrize("comparison", COMPARISONS)
def test_another_grid_is_refused(small_chest, protected, attackers, detector, comparison, changed):
    with pytest.raises(ProtectionError, match="other voxel positions"):
        COMPARISONS[comparison](small_chest, changed(protected), attackers, detector)
