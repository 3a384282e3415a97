"""docs/seal_results.md from the figures of `benchmarks.seal_stages`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.seal_stages import diagnostic_of
from napari_mits_gan.evaluation.measures.diagnostic_value import DiagnosticValue
from napari_mits_gan.evaluation.measures.intervals import Proportion
from napari_mits_gan.evaluation.reports.diagnostic_value import DIAGNOSTIC_LEGEND, diagnostic_table
from napari_mits_gan.evaluation.reports.table import Table

Scans = Mapping[str, Mapping[str, Any]]
"""Figures by scan and stage."""

HEAD = """\
# What the seal finds, names, heals and costs

Written by `python -m benchmarks.seal`; do not edit. In brackets after a figure what was wanted. Shares with 95 %
intervals (Wilson): attacks are counted, not patients, of whom there are two only.
"""
HELD_OUT_SCANS = """\
The scans were not used in training attackers or detector: LIDC-IDRI (Armato et al., 2011) and RIDER Pilot, The Cancer
Imaging Archive, CC BY 3.0.
"""
LEGEND = """\
*Found*: every voxel that an attack changed is named. *Blocks*: 16 x 16 voxels of a slice, over all those attacks.
*Healed*: a tenth of all voxels, in 32 mm boxes anywhere, overwritten with noise; RMS of what was healed against the
sealed scan. *Share that may be tampered with*: the largest, in steps of 2 %, of two series of draws, at which the scan
can still be healed. *Nodule gone, back*: by the detector, among the attacks that worked by its judgement before.
*Regions*: discs of 10 mm in single slices. *Lossless transcodings*: NIfTI, MetaImage, NRRD and five DICOM transfer
syntaxes, each written from what was read of the last; de-identified with new UIDs and file names; and as a new
patient's series."""
SPEED_LEGEND = """\
Scans repeated to {slices} slices of 512 x 512, on two cores; *silence* is the longest time between two questions
whether to stop. MiB are the most that the process held beyond the volume."""
_ATTACKS = (
    "injections by the shipped attackers",
    "removals by the shipped attackers",
    "drawn nodules",
    "copy and paste",
    "1 voxel + 1",
    "a tenth of the scan in 32 mm boxes",
)


@dataclass(frozen=True)
class Aim:
    """What is wanted of a figure.

    Parameters
    ----------
    wanted : tuple of float
        At one and at two bits.
    more_is_better : bool
        Whether figures above it meet it.
    form : str
        How it is written.
    """

    wanted: tuple[float, float]
    more_is_better: bool = False
    form: str = "g"

    def beside(self, text: str, value: float, bits: int) -> str:
        """A cell: the figure, what was wanted, and whether it was met."""
        wanted = self.wanted[bits - 1]
        if math.isnan(value):
            return text
        met = value >= wanted if self.more_is_better else value <= wanted
        sign = "≥" if self.more_is_better else "≤"
        return f"{text} ({sign} {wanted:{self.form}}: {'met' if met else 'missed'})"


def document(found: Mapping[int, Scans], *, held_out: bool) -> str:
    """The whole of docs/seal_results.md; a row for each figure that was measured."""
    text = [HEAD] + ([HELD_OUT_SCANS] if held_out else [])
    text.append(f"## What must hold\n\n{main_table(found).markdown()}\n\n{LEGEND}\n")
    speeds = speed_table(found)
    if speeds is not None:
        slices = {f["speed"]["slices"] for scans in found.values() for f in scans.values() if "speed" in f}
        legend = SPEED_LEGEND.format(slices=" or ".join(map(str, sorted(slices))))
        text.append(f"## Time and memory\n\n{speeds.markdown()}\n\n{legend}\n")
    values = [(f"{bits} bit(s)", value) for bits, scans in found.items() if (value := diagnostic(scans)) is not None]
    if values:
        table = diagnostic_table(values).markdown().replace("protected", "sealed")
        text.append(f"## Diagnostic value\n\n{table}\n\n{DIAGNOSTIC_LEGEND.replace('protected', 'sealed')}\n")
    return "\n".join(text)


def main_table(found: Mapping[int, Scans]) -> Table:
    """One row for each figure, one column for each strength."""
    rows: list[tuple[str, ...]] = []

    def row(name: str, cell: Callable[[Scans, int], str]) -> None:
        cells = tuple(cell(scans, bits) for bits, scans in found.items())
        if any(cell != "–" for cell in cells):
            rows.append((name, *cells))

    def largest(stage: str, figure: str, aim: Aim, form: str) -> Callable[[Scans, int], str]:
        def cell(scans: Scans, bits: int) -> str:
            values = [f[stage][figure] for f in scans.values() if stage in f]
            return aim.beside(f"{max(values):{form}}", max(values), bits) if values else "–"

        return cell

    row("largest change of a value", largest("change", "largest", Aim((1, 3)), "d"))
    row("RMS change, padding left out", largest("change", "rms", Aim((0.75, 1.7)), ".3f"))
    for kind in _ATTACKS:
        row(
            f"found: {kind}",
            lambda scans, bits, kind=kind: _proportion(_all_found(scans, kind), Aim((100, 100), True), bits),
        )
    row("changed blocks named", lambda scans, bits: _counted(scans, "named", every=True))
    row("untouched blocks named", lambda scans, bits: _counted(scans, "wrongly", every=False))
    names = list(dict.fromkeys(name for scans in found.values() for name in scans))
    for region, aim in (("lungs + 10 mm", Aim((10, 4.5))), ("body elsewhere", Aim((25, 13)))):
        for name in names:
            row(f"healed, {region}, RMS in HU: {_with_padding(name, found)}", _healed(name, region, aim))
    for kind in dict.fromkeys(
        k for scans in found.values() for f in scans.values() for k in f.get("shares", {}).get("share", {})
    ):
        for name in names:
            row(f"share that may be tampered with, {kind}, %: {name}", _share(name, kind))
    for stage, name in (("injections", "injected nodules gone"), ("removals", "removed nodules back")):
        row(
            name,
            lambda scans, bits, stage=stage, name=name: _proportion(
                [a for f in scans.values() if stage in f for a in f[stage]["back"][name]], Aim((99, 99), True), bits
            ),
        )
    row("false alarms after lossless transcodings", _alarms)
    row("LAA-950, largest change, percentage points", _laa)
    row("regions' means, change: mean; 95 %; largest, HU", _means)
    row("recovery copy, bit a voxel of the scan", _copies)
    return Table(("figure", *(f"{bits} bit(s)" for bits in found)), tuple(rows))


def speed_table(found: Mapping[int, Scans]) -> Table | None:
    """Seconds and MiB; None where they were not measured."""
    aims = {"seal": Aim((12, 12)), "verify": Aim((6, 6)), "recover": Aim((12, 12))}
    memory, silence = Aim((1024, 1024)), Aim((1, 1))
    rows = []
    for bits, scans in found.items():
        for name, figures in scans.items():
            measured = figures.get("speed", {"rows": {}})
            for work, one in measured["rows"].items():
                rows.append(
                    (
                        f"{work}, {bits} bit(s), {name}",
                        aims[work].beside(f"{one['seconds']:.1f}", one["seconds"], bits),
                        f"{one['processor']:.1f}",
                        memory.beside(f"{one['mib']:.0f}", one["mib"], bits),
                        silence.beside(f"{one['silence']:.1f}", one["silence"], bits),
                        f"{measured['load']:.1f}",
                    )
                )
    header = ("", "seconds", "processor's seconds", "MiB", "silence, s", "load of the machine")
    return Table(header, tuple(rows)) if rows else None


def diagnostic(scans: Scans) -> DiagnosticValue | None:
    """All scans together; None where it was not measured."""
    values = [diagnostic_of(f["diagnostic"]) for f in scans.values() if "diagnostic" in f]
    return DiagnosticValue.pooled(values) if values else None


def _proportion(answers: Iterable[bool], aim: Aim, bits: int) -> str:
    found = Proportion.among(answers)
    return aim.beside(str(found), 100 * found.value, bits)


def _all_found(scans: Scans, kind: str) -> list[bool]:
    return [a for f in scans.values() for stage in f.values() for a in stage.get("found", {}).get(kind, [])]


def _counted(scans: Scans, figure: str, *, every: bool) -> str:
    counts = [stage[figure] for f in scans.values() for stage in f.values() if figure in stage]
    if not counts:
        return "–"
    count, total = np.sum(counts, axis=0)
    wanted = total if every else 0
    return f"{count:,} of {total:,} ({'all' if every else 'none'}: {'met' if count == wanted else 'missed'})"


def _with_padding(name: str, found: Mapping[int, Scans]) -> str:
    shares = [s[name]["change"]["padding"] for s in found.values() if "change" in s.get(name, {})]
    return f"{name} ({100 * shares[0]:.0f} % padding)" if shares else name


def _healed(name: str, region: str, aim: Aim) -> Callable[[Scans, int], str]:
    def cell(scans: Scans, bits: int) -> str:
        value = scans.get(name, {}).get("healing", {"healed": {}})["healed"].get(region, math.nan)
        text = "not healed" if math.isinf(value) else f"{value:.1f}"
        return "–" if math.isnan(value) else aim.beside(text, value, bits)

    return cell


def _share(name: str, kind: str) -> Callable[[Scans, int], str]:
    def cell(scans: Scans, bits: int) -> str:
        values = [100 * v for v in scans.get(name, {}).get("shares", {"share": {}})["share"].get(kind, [])]
        if not values:
            return "–"
        return Aim((10, 10), True).beside(f"{min(values):.1f} to {max(values):.1f}", min(values), bits)

    return cell


def _alarms(scans: Scans, bits: int) -> str:
    alarms = {
        f"{name}, {way}": a
        for name, f in scans.items()
        for way, a in f.get("transcodings", {"alarms": {}})["alarms"].items()
    }
    if not alarms:
        return "–"
    wrong = "; ".join(way for way, alarm in alarms.items() if alarm)
    return Aim((0, 0)).beside(f"{sum(alarms.values())} of {len(alarms)}", sum(alarms.values()), bits) + (
        f": {wrong}" if wrong else ""
    )


def _laa(scans: Scans, bits: int) -> str:
    value = diagnostic(scans)
    if value is None:
        return "–"
    pairs = zip(value.lungs_original, value.lungs_protected, strict=True)
    change = max(100 * abs(after.laa_950 - before.laa_950) for before, after in pairs)
    return Aim((0.1, 0.1)).beside(f"{change:.3f}", change, bits)


def _means(scans: Scans, bits: int) -> str:
    value = diagnostic(scans)
    if value is None:
        return "–"
    changes: Sequence[float] = np.abs(value.region_mean_change_hu).tolist()
    high = float(np.percentile(changes, 95))
    return Aim((0.1, 0.1)).beside(f"{np.mean(changes):.3f}; {high:.3f}; {max(changes):.3f}", high, bits)


def _copies(scans: Scans, bits: int) -> str:
    copies = [f"{f['change']['bits_a_voxel']:.2f}" for f in scans.values() if "change" in f]
    return "; ".join(copies) or "–"
