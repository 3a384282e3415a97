"""Results can be sent to another process and stored."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from napari_mits_gan.evaluation.disruption.attacked_sites import InpaintedCores
from napari_mits_gan.evaluation.disruption.deviation import Disruption
from napari_mits_gan.evaluation.disruption.fourier_sensitivity import FourierSensitivity
from napari_mits_gan.evaluation.measures.change import Change
from napari_mits_gan.evaluation.measures.diagnostic_value import DiagnosticValue, Lungs, NoduleChange
from napari_mits_gan.evaluation.measures.fidelity import Fidelity
from napari_mits_gan.evaluation.measures.intervals import Proportion
from napari_mits_gan.evaluation.measures.nodule import NoduleMeasure
from napari_mits_gan.evaluation.measures.noise_spectrum import NoiseSpectrum
from napari_mits_gan.evaluation.outcomes.outcome import ClassifiedAttack, Outcome, Outcomes
from napari_mits_gan.evaluation.robustness.robustness import PurifiedSite, PurifiedSites, Robustness
from napari_mits_gan.evaluation.vulnerability import VulnerabilityMap

NODULE = NoduleMeasure(0.0, 10.0, 2.0)
RESULTS = [
    Fidelity(1.0, 0.5, 60.0, 0.9),
    Change(Fidelity(1.0, 0.5, 60.0, 0.9), 0.1, 10),
    Proportion(1, 3),
    Disruption((0.1,), (1.0,), (1.0,), (1.0,), (1.0,), seen_from=0.5),
    Outcomes("inject", (ClassifiedAttack(Outcome.CONSPICUOUS, 0.9, {"texture": 2.0}, ("texture",)),)),
    Robustness((0.1,), {"blur-1": (0.05,)}),
    DiagnosticValue(
        (1.0,), ((2.0, 3.0),), (Lungs(0.1, -900.0),), (Lungs(0.1, -900.0),), (1.0,),
        (NoduleChange(NODULE, NODULE, True, False),), (True,), (False,),
    ),
    NoiseSpectrum((1.0,), (2.0,), 3.0, 4),
    VulnerabilityMap("inject", "mine", ((1, 2, 3),), (0.1,)),
]  # fmt: skip


@pytest.mark.parametrize("result", RESULTS, ids=lambda result: type(result).__name__)
def test_a_result_is_the_same_after_pickling(result):
    assert pickle.loads(pickle.dumps(result)) == result  # noqa: S301


def test_results_with_arrays_are_the_same_after_pickling():
    cube = np.arange(8, dtype=np.int16).reshape(2, 2, 2)
    cores = pickle.loads(pickle.dumps(InpaintedCores(cube[None].astype(np.float32), (cube,), (cube,))))  # noqa: S301
    assert np.array_equal(cores.after_hu[0], cube)
    sites = PurifiedSites((1.0, 1.0, 1.0), {"unpurified": (PurifiedSite((1, 1, 1), cube, cube),)})
    assert np.array_equal(pickle.loads(pickle.dumps(sites)).found["unpurified"][0].original, cube)  # noqa: S301
    sensitivity = pickle.loads(pickle.dumps(FourierSensitivity(np.ones((64, 64, 64)), 3)))  # noqa: S301
    assert sensitivity.sites == 3
