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
from napari_mits_gan.inspection.noise_texture import NoiseTexture
from napari_mits_gan.inspection.pasted_box import PastedBox
from napari_mits_gan.inspection.result import CANNOT_SEE, RAREST, Inspection
from napari_mits_gan.progress import Progress, part_of, silent

METHODS: tuple[Method, ...] = (FixedSpot(), CopiedNoise(), NoiseLevel(), NoiseTexture(), PastedBox())
"""All methods; a new one is one line here."""

_SAME_MM, _SAME_WAY_MM = 15.0, 4.0
"""Traces this near to each other, or copied over distances this alike, are one."""

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
    all_shares = sum(method.share for method in methods)
    found: list[tuple[float, str, Trace]] = []
    for number, method in enumerate(methods):
        start, stop = (0.3 + 0.7 * n / len(methods) for n in (number, number + 1))
        for trace in method.traces(scan, progress=part_of(progress, start, stop)):
            # Each method may raise its share of the false alarms, whatever the others do.
            rate = method.false_alarms_per_scan(trace.score) * all_shares / method.share
            if rate <= false_alarms_per_scan:
                found.append((rate, method.name, trace))
    # The rarest are not told apart by their rates; a copy tells the very voxel, so it comes first.
    found.sort(key=lambda item: (max(item[0], RAREST), item[2].source is None, item[0]))
    kept: list[tuple[float, str, Trace]] = []
    for item in found:
        if not any(_same(volume, item[2], other) for _, _, other in kept):
            kept.append(item)
    findings = []
    for rate, name, trace in kept:
        world, told = volume.world_from_voxel(trace.at), max(rate, RAREST)
        kind, score, sentence, radius_mm = trace.kind, trace.score, trace.sentence, trace.radius_mm
        source, outline = trace.source, trace.outline
        findings.append(Finding(trace.at, world, kind, score, told, sentence, radius_mm, name, source, outline))
    progress(1, 1)
    here = tuple(said for said in (method.not_seen(scan) for method in methods) if said is not None)
    names = tuple(method.name for method in methods)
    return Inspection(volume, tuple(findings), names, false_alarms_per_scan, CANNOT_SEE + here)


def _same(volume: CTVolume, trace: Trace, other: Trace) -> bool:
    """Whether a trace is another view of one that was found already: at its place, copied from there, or as far."""
    spacing = np.asarray(volume.spacing)
    reach_mm = max(_SAME_MM, trace.radius_mm + other.radius_mm)
    ends = [end for end in (trace.at, trace.source) if end is not None]
    if np.linalg.norm((np.array(ends) - other.at) * spacing, axis=1).min() < reach_mm:
        return True
    if trace.source is None or other.source is None:
        return False
    way, other_way = np.subtract(trace.at, trace.source), np.subtract(other.at, other.source)
    away_mm = min(np.linalg.norm((way - sign * other_way) * spacing) for sign in (1, -1))
    return bool(away_mm < _SAME_WAY_MM)
