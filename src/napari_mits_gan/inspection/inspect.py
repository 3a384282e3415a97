"""Looks through a scan for traces of tampering, by all methods, and keeps what untouched scans hardly ever show."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import InspectionError
from napari_mits_gan.inspection.contract import Finding, Method, Trace
from napari_mits_gan.inspection.copied_noise import CopiedNoise
from napari_mits_gan.inspection.examined_scan import ExaminedScan
from napari_mits_gan.inspection.fixed_spot import FixedSpot
from napari_mits_gan.inspection.noise_level import NoiseLevel
from napari_mits_gan.inspection.result import Inspection
from napari_mits_gan.progress import Progress, part_of, silent

METHODS: tuple[Method, ...] = (FixedSpot(), CopiedNoise(), NoiseLevel())
"""All methods; a new one is one line here."""

_SAME_MM = 15.0

FALSE_ALARMS_PER_SCAN = 0.01
"""The usual limit: of 100 untouched scans, one is suspected."""


def inspect(
    volume: CTVolume,
    *,
    false_alarms_per_scan: float = FALSE_ALARMS_PER_SCAN,
    methods: Sequence[Method] = METHODS,
    progress: Progress = silent,
) -> Inspection:
    """Was this scan tampered with? For scans that nobody sealed.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    false_alarms_per_scan : float
        How many findings an untouched scan may show on average, of all methods together, above 0 and at most 1.
    methods : sequence of Method
        What to look for.
    progress : callable
        Told how far it is.

    Returns
    -------
    Inspection
        What was found; nothing found does not show that a scan is untouched.

    Raises
    ------
    InspectionError
        If the scan shows no lungs or too little of them, or the rate is out of range.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> print(mg.inspect(mg.read_ct("chest/")).text())  # doctest: +SKIP
    """
    if not 0 < false_alarms_per_scan <= 1:
        raise InspectionError(
            f"a rate of {false_alarms_per_scan:g} false alarms per scan is out of range; "
            "choose one above 0, and at most 1."
        )
    scan = ExaminedScan.of(volume, progress=part_of(progress, 0.0, 0.3))
    found: list[tuple[float, str, Trace]] = []
    for number, method in enumerate(methods):
        start, stop = (0.3 + 0.7 * n / len(methods) for n in (number, number + 1))
        for trace in method.traces(scan, progress=part_of(progress, start, stop)):
            # Each method may raise its share of the false alarms, whatever the others do.
            rate = method.false_alarms_per_scan(trace.score) * len(methods)
            if rate <= false_alarms_per_scan:
                found.append((rate, method.name, trace))
    found.sort(key=lambda item: item[0])
    findings: list[Finding] = []
    for rate, name, trace in found:
        if not any(_same(volume, trace, finding) for finding in findings):
            world = volume.world_from_voxel(trace.at)
            kind, score, sentence, radius_mm = trace.kind, trace.score, trace.sentence, trace.radius_mm
            findings.append(Finding(trace.at, world, kind, score, rate, sentence, radius_mm, name))
    progress(1, 1)
    return Inspection(volume, tuple(findings), tuple(method.name for method in methods), false_alarms_per_scan)


def _same(volume: CTVolume, trace: Trace, finding: Finding) -> bool:
    """Whether a trace is another one's view of what was found already: at its place, or copied from there."""
    ends = [end for end in (trace.at, trace.source) if end is not None]
    away_mm = np.linalg.norm((np.array(ends) - finding.at) * np.asarray(volume.spacing), axis=1)
    return bool(away_mm.min() < _SAME_MM)
