"""What `benchmarks.inspection` measured, as the tables of docs/inspect.md; the same records give the same text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_mits_gan.evaluation.measures.intervals import Proportion
from napari_mits_gan.evaluation.reports.table import Table
from napari_mits_gan.inspection.false_alarms import Tail
from napari_mits_gan.inspection.fixed_spot import FixedSpot
from napari_mits_gan.inspection.inspect import FALSE_ALARMS_PER_SCAN, METHODS

Record = dict[str, Any]

NEAR_MM, REGION_MM = 3.0, 10.0
_BEGIN = "<!-- {}: written by python -m benchmarks.inspection report, do not edit -->"
_END = "<!-- end of {} -->"
_TREATED = {
    "as it is": "as they are",
    "protected": "protected",
    "sealed": "sealed, two bits",
    "denoiser": "denoised",
    "thick slices": "two slices averaged",
    "noise-10": "noise of 10 HU",
    "resample-1mm": "resampled to 1 mm",
    "jpeg2000-5": "JPEG 2000, 5:1",
    "blur-0.5": "a blur of 0.5",
    "half a scan": "half of the slices",
    "other spots": "other spots",
}
_SCANS = {"aorta_ct_cropped": "TotalSegmentator, aorta", "pulmonary_ct_cropped": "TotalSegmentator, pulmonary"}
_FAMILIES = (
    "CT-GAN",
    "CT-GAN, noise from elsewhere",
    "other CT-GANs",
    "smooth in-painting",
    "copy and paste",
    "pasted box",
    "autoregression",
    "drawn nodule",
)


def tables(records: Sequence[Record]) -> dict[str, str]:
    """The tables by the name of their place in the document."""
    attacked = sorted((r for r in records if "sites" in r), key=_order)
    calm = [r for r in records if "scores" in r]
    by_kind = untouched(calm, "class", "untouched scans", _TREATED)
    by_scan = untouched(calm, "scan", "scan", {s: _SCANS.get(s, s) for s in dict.fromkeys(r["scan"] for r in calm)})
    return {"what is found": found(attacked), "coverage": coverage(attacked), "false alarms": f"{by_kind}\n\n{by_scan}"}


def write_into(path: Path, records: Sequence[Record]) -> None:
    """Put the tables between their markers in a document."""
    text = path.read_text(encoding="utf-8")
    for name, table in tables(records).items():
        begin, end = _BEGIN.format(name), _END.format(name)
        before, marker, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not (marker and closed):
            raise SystemExit(f"{path.name} has no place for '{name}': put {begin} and {end} there.")
        text = f"{before}{begin}\n\n{table}\n\n{end}{after}"
    path.write_text(text, encoding="utf-8")


def rate(method: str, score: float) -> float:
    """False alarms per scan of all methods together at this score of one, by the tails as they are now."""
    by_name = {m.name: m for m in METHODS}
    share = by_name[method].share / sum(m.share for m in METHODS)
    return by_name[method].false_alarms_per_scan(score) / share


def is_found(site: Sequence[Sequence[Any]], limit: float, within_mm: float) -> bool:
    """Whether one of the findings near a site is rare enough, and near enough."""
    return any(rate(method, score) <= limit and away_mm <= within_mm for method, score, _, away_mm in site)


def found(attacked: Sequence[Record]) -> str:
    """How many of the sites attacked are found, by attacker."""
    rows = []
    for family, name in dict.fromkeys((r["family"], r["name"]) for r in attacked):
        sites = [site for r in attacked if (r["family"], r["name"]) == (family, name) for site in r["sites"]]
        limits = ((0.01, NEAR_MM), (0.01, REGION_MM), (0.001, NEAR_MM))
        cells = (str(Proportion.among(is_found(site, *limit) for site in sites)) for limit in limits)
        rows.append((_words(family), name, *cells))
    header = ("family", "attack", "found, 1 %, within 3 mm", "found, 1 %, within 10 mm", "found, 0.1 %, within 3 mm")
    return Table(header, tuple(rows)).markdown()


def coverage(attacked: Sequence[Record]) -> str:
    """How well findings at the usual limit cover what was changed, of each attack in each scan."""
    key = "{}: right, covered, changed"
    rows = []
    for r in attacked:
        if key.format("outlines") not in r:
            continue
        right, covered, changed = r[key.format("outlines")]
        both = (r[key.format(name)] for name in ("outlines", "balls"))
        f1, balls = (2 * counts[0] / max(1, counts[1] + counts[2]) for counts in both)
        cells = (f"{f1:.2f}", f"{right / max(1, covered):.2f}", f"{right / max(1, changed):.2f}", f"{balls:.2f}")
        rows.append((_words(r["family"]), r["name"], r["scan"], *cells))
    header = ("family", "attack", "scan", "voxel F1", "precision", "recall", "voxel F1 of balls")
    return Table(header, tuple(rows)).markdown()


def untouched(calm: Sequence[Record], key: str, title: str, words: dict[str, str]) -> str:
    """How many inspections of untouched scans end with a finding, and how near each method comes.

    Inspections are those in which at most one method was not measured, with the fixed spot where CT-GAN has it.
    The mirrored spots, which are the fixed spots of the flipped scan, are counted beside.
    """
    names = [method.name for method in METHODS]
    rows = []
    for kind in (*words, None):
        some = [r for r in calm if kind is None or r[key] == kind]
        if not some:
            continue
        cells = [str(Proportion.among(_loud(r) for r in some if len(set(names) - set(r["scores"])) <= 1))]
        spots = [s for r in some for s in r["scores"].get(FixedSpot.name, ())]
        cells.append(str(Proportion.among(rate(FixedSpot.name, s) <= FALSE_ALARMS_PER_SCAN for s in spots)))
        for name in names:
            scores = [s for r in some for s in r["scores"].get(name, ())]
            cells.append(f"{max(scores):.1f} of {len(scores)}" if scores else "–")
        rows.append(("all" if kind is None else words[kind], *cells))
    header = (title, "with a finding", "of the fixed spot, mirrored too", *(f"{name}, highest" for name in names))
    return Table(header, tuple(rows)).markdown()


def tails(records: Sequence[Record]) -> str:
    """Fits of the false alarms, for the constants of the methods."""
    lines = []
    for method in dict.fromkeys(name for record in records for name in record.get("scores", ())):
        scores = [s for r in records if r["kind"] != "treated" for s in r.get("scores", {}).get(method, ())]
        hard = [s for r in records if r["kind"] == "treated" for s in r.get("scores", {}).get(method, ())]
        tail = Tail.fit(np.array(scores + hard), share=0.25)
        lines.append(
            f"{method}: {len(scores)} untouched, highest {np.sort(scores)[::-1][:6].round(1).tolist()}; "
            f"{len(hard)} treated, highest {np.sort(hard)[::-1][:6].round(1).tolist()}; {tail}; "
            f"1 in 125: {tail.score_at(1 / 125):.2f}, 1 in 1000: {tail.score_at(1 / 1000):.2f}"
        )
    return "\n".join(lines)


def _loud(record: Record) -> bool:
    return any(
        rate(name, score) <= FALSE_ALARMS_PER_SCAN for name, scores in record["scores"].items() for score in scores[:1]
    )


def _order(record: Record) -> tuple[int, bool, str, str]:
    family = record["family"].split(", then ")
    later = record["family"] not in _FAMILIES
    place = list(_TREATED).index(family[1]) + len(_FAMILIES) if later else _FAMILIES.index(family[0])
    name = record["name"]
    return (place, later and "inject" in name, name, record["scan"])


def _words(family: str) -> str:
    attacker, then, treatment = family.partition(", then ")
    return f"{attacker}{then}{_TREATED.get(treatment, treatment)}"
