"""The quality of an attacker as tables; the same figures always give the same text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.measures.attack_quality import Attacked, AttackQuality
from benchmarks.measures.context_dependence import pairwise_rms
from napari_mits_gan.evaluation.measures.intervals import Proportion, bootstrap_interval
from napari_mits_gan.evaluation.outcomes.artefacts import METAL_HU
from napari_mits_gan.evaluation.reports.table import Table

_REMOVABLE_MM = 20
_FIGURES = {"core_hu": ("core, HU", 0), "diameter_mm": ("diameter, mm", 1), "edge_mm": ("edge, mm", 1)}


def detector_table(qualities: Sequence[AttackQuality]) -> Table:
    """Where the detector says nodule, before and after the attacks."""
    rows = []
    for q in qualities:
        small = tuple(a for a in q.removed_drawn if a.nodule is not None and a.nodule.diameter_mm <= _REMOVABLE_MM)
        for what, attacks in (
            ("injection", q.injected),
            ("removal, drawn nodules", q.removed_drawn),
            (f"of these up to {_REMOVABLE_MM} mm", small),
            ("removal, real nodules", q.removed_real),
        ):
            if attacks:
                before = Proportion.among(a.found_before for a in attacks)
                after = Proportion.among(a.found_after for a in attacks)
                scores = (np.median([a.score_before for a in attacks]), np.median([a.score_after for a in attacks]))
                cells = (str(before), str(after), f"{scores[0]:.2f} → {scores[1]:.2f}")
                rows.append((f"{q.scan}: {what}", *cells))
    return Table(("attack", "nodule found before", "nodule found after", "median score"), tuple(rows))


def nodule_table(qualities: Sequence[AttackQuality]) -> Table:
    """Injected nodules beside drawn and real ones, measured in the same way."""
    header = ("figure", "drawn and real, 5 – 95 %", "median", "injected, 5 – 95 %", "median", "injected within")
    rows = []
    for q in qualities:
        for figure, (name, digits) in _FIGURES.items():
            known, made = q.references(figure), q.injections(figure)
            if known.size and made.size:
                low, high = np.percentile(known, [5, 95])
                within = Proportion(int(((made >= low) & (made <= high)).sum()), len(q.injected))
                rows.append((f"{q.scan}: {name}", *_spread(known, digits), *_spread(made, digits), str(within)))
    return Table(header, tuple(rows))


def trace_table(qualities: Sequence[AttackQuality]) -> Table:
    """What could make an attack conspicuous."""
    header = (
        "attack",
        "core, HU",
        "healthy",
        "brightest made, HU",
        f"{METAL_HU} HU and more",
        "step at the touched box, HU",
        "largest ratio",
        "step at the cuboid, HU",
        "largest ratio",
    )
    rows = []
    for q in qualities:
        named = {"injection": q.injected, "removal, drawn": q.removed_drawn, "removal, real": q.removed_real}
        for what, attacks in named.items():
            if not attacks:
                continue
            brightest = np.array([a.brightest_hu for a in attacks])
            core = [_mean([getattr(a, name) for a in attacks]) for name in ("core_before_hu", "core_after_hu")]
            healthy = _mean([a.healthy_core_hu for a in attacks])
            rows.append(
                (
                    f"{q.scan}: {what}",
                    f"{core[0]:.0f} → {core[1]:.0f}",
                    "" if np.isnan(healthy) else f"{healthy:.0f}",
                    f"{brightest.max():.0f}",
                    f"{int((brightest >= METAL_HU).sum())} of {len(attacks)}",
                    *_steps(attacks, "touched_step"),
                    *_steps(attacks, "cuboid_step"),
                )
            )
    return Table(header, tuple(rows))


def context_table(qualities: Sequence[AttackQuality]) -> Table:
    """What the injector's output depends on."""
    header = (
        "scan",
        "drawn, other site",
        "painted, other site",
        "surroundings mirrored",
        "and mirrored back",
        "only the blanked core changed",
        "alignment with the brighter side",
    )
    rows = []
    for q in qualities:
        c = q.injector_context
        low, high = bootstrap_interval(c.alignment, lambda samples: samples.mean(axis=1))
        figures = (pairwise_rms(q.drawn_cores), c.between_sites, c.when_mirrored, c.mirrored_back, c.when_core_changes)
        alignment = f"{c.alignment.mean():.2f} ({low:.2f} – {high:.2f})"
        rows.append((q.scan, *(f"{figure:.3f}" for figure in figures), alignment))
    return Table(header, tuple(rows))


LEGEND = """\
*Injection*: at random sites in the lungs whose cuboid holds no annotated nodule; *removal*: of nodules drawn at the
same sites, and of those that readers marked. In brackets 95 % intervals (Wilson for proportions, percentile bootstrap
for means). Nodules larger than the core that the network paints (20 mm, or 16 mm where it has the paper's core)
cannot be removed whole. *Core*: mean within 3 mm of the nodule's centre; *diameter*: of the ball of the same volume;
*edge*: distance over which the mean radial profile falls from 90 % to 10 % of what it rises above the lung; *injected
within*: how many injections lie within the 5th to 95th percentile of the drawn and real nodules (nine in ten of these
do), those where nothing can be measured counting as outside. Nodules attached to the chest wall have no diameter and
no edge here. *Brightest made*: of the voxels that the attack changed, more than 3 mm from bone. *Step*: mean absolute
difference across the faces of the box, before → after; a ratio of 1 is the scan's own texture. Context: RMS
differences of the painted core in the network's units (-0.5 to 0.5) between two sites, or at one site when its
surroundings are changed; *alignment*: mean cosine between the direction in which the surroundings get brighter and
that in which the core does, 0 for an attacker that ignores them."""


def markdown(qualities: Sequence[AttackQuality]) -> str:
    """The whole report as Markdown, without a date or a path; several scans are also taken together."""
    every = [*qualities, AttackQuality.pooled(qualities)] if len(qualities) > 1 else list(qualities)
    sources = "; ".join(f"{role}: {name}" for role, name in every[0].sources.items())
    parts = [
        "### What the detector says",
        detector_table(every).markdown(),
        "### What the nodules are like",
        nodule_table(every).markdown(),
        "### What could make an attack conspicuous",
        trace_table(every).markdown(),
        "### What the injector depends on",
        context_table(every).markdown(),
        LEGEND,
        f"Weights: {sources}. Seed {every[0].seed}.",
    ]
    return "\n\n".join(parts) + "\n"


def _spread(values: NDArray[np.float64], digits: int) -> tuple[str, str]:
    low, middle, high = np.percentile(values, [5, 50, 95])
    return f"{low:.{digits}f} – {high:.{digits}f}", f"{middle:.{digits}f}"


def _steps(attacks: Sequence[Attacked], name: str) -> tuple[str, str]:
    steps = [getattr(a, name) for a in attacks]
    before, after = _mean([s.before_hu for s in steps]), _mean([s.after_hu for s in steps])
    return f"{before:.1f} → {after:.1f}", f"{max(s.ratio for s in steps):.2f}"


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
