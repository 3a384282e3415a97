"""What a protection costs and what it does: fidelity, and attack(protected) against attack(original)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
from napari_mits_gan.evaluation.disruption.controls import check_controls, control
from napari_mits_gan.evaluation.disruption.deviation import Disruption
from napari_mits_gan.evaluation.measures.change import measure_change
from napari_mits_gan.evaluation.measures.diagnostic_value import diagnostic_value
from napari_mits_gan.evaluation.outcomes.outcome import Outcomes, attack_and_classify
from napari_mits_gan.evaluation.result import Evaluation
from napari_mits_gan.evaluation.robustness.robustness import check_local, purify_at, robustness
from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
from napari_mits_gan.evaluation.sites.synthetic_nodules import synthetic_nodules
from napari_mits_gan.evaluation.versions import check_versions
from napari_mits_gan.progress import Progress, part_of, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.detection.detector import NoduleDetector
    from napari_mits_gan.protection.contract import Method

TABLES = ("robustness", "outcomes", "diagnostic")
"""What can be measured besides the change and the disruption; each takes about as long as these or longer."""

ORIGINAL_SCAN = "original scan"
"""What attacks on the scan without protection are called among the outcomes."""

_CHANGES = 0.2
"""Part of the progress of `evaluate_protected` that measuring the changes takes; the attacks take the rest."""


def evaluate(
    volume: CTVolume,
    *,
    method: str | Method = "mits-gan",
    max_change_hu: int = 20,
    clicks: int = 40,
    seed: int = 0,
    key: str | None = None,
    actions: Sequence[str] = ("inject", "remove"),
    device: str = "auto",
    controls: Sequence[str] = ("gaussian-noise",),
    attackers: Mapping[str, Attacker] | None = None,
    detector: NoduleDetector | None = None,
    tables: Sequence[str] = (),
    nodules: int = 12,
    progress: Progress = silent,
) -> Evaluation:
    """Protect a scan and measure what that costs and what it does to attacks at sites the protection does not know.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    method : str or Method
        Name of a protection, or a method of your own.
    max_change_hu : int
        Largest change of a voxel in HU that the protection may make.
    clicks : int
        Number of random sites in the lungs.
    seed : int
        Fixes protection, sites, controls and nodules.
    key : str or None
        A text that the protection is drawn from, instead of the seed; see `protection.protect.protect`.
    actions : sequence of {"inject", "remove"}
        Which of the attackers that come with the package attack.
    device : str
        Where to compute: "auto", "cpu", "cuda" or "mps".
    controls : sequence of str
        What to hold the protection against: names of `controls.CONTROLS`, as strong everywhere as the protection is
        where the attacks look (RMS in the cuboids around the sites), which is where it is strongest.
    attackers : mapping or None
        Other attackers, by the name they have in the report; None takes those of `actions`.
    detector : NoduleDetector or None
        Says whether a nodule is there after each attack; None asks nobody, unless a table needs an answer: then the
        shipped one is asked.
    tables : sequence of {"robustness", "outcomes", "diagnostic"}
        What else to measure: what purification leaves of the protection; whether attacks end null, failed,
        conspicuous or convincing; what the protection leaves of the scan's diagnostic value. For removals and for the
        diagnostic value synthetic nodules are drawn into the scan, and it is protected once more with them.
    nodules : int
        How many are drawn; fewer where the lungs have no room for as many.
    progress : callable
        Told (done, total); may raise `Cancelled`.

    Returns
    -------
    Evaluation

    Raises
    ------
    AttackError
        If the scan has no lung, or is too thin for an attack.
    ProtectionError
        If the scan cannot be protected, or there is no such control or table.
    WeightsError
        If weights are missing.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> print(mg.evaluate(mg.read_ct("chest/"), tables=["robustness"]).to_markdown())  # doctest: +SKIP
    """
    from napari_mits_gan.protection.protect import protect

    # What can fail at once is done before the long work.
    check_controls(controls)
    check_tables(tables)
    sites = random_lung_clicks(volume, clicks, seed)
    attackers = load_attackers(actions, device) if attackers is None else attackers
    if "robustness" in tables:
        check_local(attackers.values())
    if detector is None and {"outcomes", "diagnostic"} & set(tables):
        from napari_mits_gan.detection.detector import NoduleDetector

        detector = NoduleDetector.load(device=device)

    def protected_version(scan: CTVolume, told: Progress) -> CTVolume:
        return protect(
            scan, method=method, max_change_hu=max_change_hu, seed=seed, key=key, device=device, progress=told
        )

    parts = 2 + len(tables)
    protected = protected_version(volume, part_of(progress, 0, 1 / parts))
    found = evaluate_protected(
        volume,
        protected,
        sites=sites,
        attackers=attackers,
        detector=detector,
        controls=controls,
        seed=seed,
        progress=part_of(progress, 1 / parts, 2 / parts),
    )
    done = 2
    if "robustness" in tables:
        purified = purify_at(
            volume, protected, sites, seed=seed, progress=part_of(progress, done / parts, (done + 0.8) / parts)
        )
        found = replace(found, robustness={name: robustness(who, purified) for name, who in attackers.items()})
        done += 1
        progress(done, parts)
    if detector is not None and {"outcomes", "diagnostic"} & set(tables):
        told = part_of(progress, done / parts, 1.0)
        found = _with_nodules(found, volume, protected, attackers, detector, tables, nodules, protected_version, told)
    progress(parts, parts)
    return found


def _with_nodules(
    found: Evaluation,
    volume: CTVolume,
    protected: CTVolume,
    attackers: Mapping[str, Attacker],
    detector: NoduleDetector,
    tables: Sequence[str],
    nodules: int,
    protected_version: Callable[[CTVolume, Progress], CTVolume],
    progress: Progress,
) -> Evaluation:
    """Add what needs nodules whose healthy surroundings are known."""
    drawn = synthetic_nodules(volume, nodules, found.seed)
    drawn_protected = protected_version(drawn.volume, part_of(progress, 0, 0.4))
    if "outcomes" in tables:
        outcomes: dict[str, dict[str, Outcomes]] = {}
        for done, (label, attacker) in enumerate(attackers.items()):
            removes = attacker.action == "remove"
            at = drawn.sites if removes else found.sites
            both = (drawn.volume, drawn_protected) if removes else (volume, protected)
            outcomes[label] = {
                name: attack_and_classify(attacker, scan, at, detector, healthy=volume if removes else None)[1]
                for name, scan in zip((ORIGINAL_SCAN, found.method), both, strict=True)
            }
            progress(round(1000 * (0.4 + 0.4 * (done + 1) / len(attackers))), 1000)
        found = replace(found, outcomes=outcomes)
    if "diagnostic" in tables:
        value = diagnostic_value(
            drawn.volume,
            drawn_protected,
            nodules=drawn.sites,
            detector=detector,
            healthy_sites=found.sites,
            healthy=volume,
            seed=found.seed,
        )
        found = replace(found, diagnostic=value)
    return found


def check_tables(names: Iterable[str]) -> None:
    """Refuse what is no table, before long work begins.

    Raises
    ------
    ProtectionError
        If there is no table of one of these names.
    """
    for name in names:
        if name not in TABLES:
            raise ProtectionError(f"there is no table called '{name}'; choose from {', '.join(TABLES)}.")


def load_attackers(names: Sequence[str] = ("inject", "remove"), device: str = "auto") -> dict[str, Attacker]:
    """Attackers by their names (`attack.attackers.ATTACKERS`), or files of weights."""
    from napari_mits_gan.attack.attackers import load_attacker

    return {name: load_attacker(name, device) for name in names}


def evaluate_protected(
    original: CTVolume,
    protected: CTVolume,
    *,
    sites: Sequence[Voxel],
    attackers: Mapping[str, Attacker],
    detector: NoduleDetector | None = None,
    controls: Sequence[str] = ("gaussian-noise",),
    seed: int = 0,
    progress: Progress = silent,
) -> Evaluation:
    """Measure a scan that is protected already; parameters and result as for `evaluate`, without its further tables.

    Raises
    ------
    ProtectionError
        If the two are not versions of one scan, or the second is not protected.
    """
    check_versions(original, protected)
    if len(protected.history) <= len(original.history) or protected.history[-1].kind != "protection":
        raise ProtectionError("the second scan is no protected version of the first; protect it first.")
    step = protected.history[-1].parameters
    method = str(step.get("method", "protection"))
    body = body_mask(original)
    if not body.any():
        raise ProtectionError(f"no body was found in '{original.name}'; choose a chest CT.")
    versions, changes = {method: protected}, {method: measure_change(original, protected, body)}
    rms_hu = rms_where_attacked(original, protected, sites, body)
    told = part_of(progress, 0, _CHANGES)
    for done, name in enumerate(controls, start=1):
        told(done, len(controls) + 1)
        # A name of its own where the protection is itself a simple pattern.
        label = name if name != method else f"{name} of equal RMS"
        versions[label] = control(original, name, rms_hu, seed=seed, body=body)
        changes[label] = measure_change(original, versions[label], body)
    disruptions = disruptions_at(
        original,
        versions,
        sites=sites,
        attackers=attackers,
        detector=detector,
        progress=part_of(progress, _CHANGES, 1),
    )
    return Evaluation(
        scan=original.name,
        method=method,
        protection=dict(step),
        attackers={label: attacker.name for label, attacker in attackers.items()},
        seed=seed,
        sites=tuple((int(z), int(y), int(x)) for z, y, x in sites),
        changes=changes,
        disruptions=disruptions,
        detector=detector.name if detector else "",
    )


def rms_where_attacked(
    original: CTVolume,
    changed: CTVolume,
    sites: Sequence[Voxel],
    body: NDArray[np.bool_],
) -> float:
    """RMS of the change in HU, inside the body, in the 32 mm cuboids around the sites together."""
    from napari_mits_gan.attack.cuboid import cuboid_shape
    from napari_mits_gan.ct.grid import Box

    shape = cuboid_shape(original.spacing)
    squares, voxels = 0.0, 0
    for site in sites:
        cuboid = Box.around(site, shape).inside(original.shape).slices()
        inside = body[cuboid]
        difference = changed.hu[cuboid][inside].astype(np.float64) - original.hu[cuboid][inside]
        squares += float(np.square(difference).sum())
        voxels += difference.size
    return float(np.sqrt(squares / voxels)) if voxels else 0.0


def disruptions_at(
    original: CTVolume,
    versions: Mapping[str, CTVolume],
    *,
    sites: Sequence[Voxel],
    attackers: Mapping[str, Attacker],
    detector: NoduleDetector | None = None,
    progress: Progress = silent,
) -> dict[str, dict[str, Disruption]]:
    """Attack every version of a scan with every attacker at every site, and compare with attack(original).

    Returns
    -------
    dict
        From the attacker to a dict from the version to its `Disruption`.

    Raises
    ------
    ProtectionError
        If the scans are not versions of one.
    """
    check_versions(original, *versions.values())
    found: dict[str, dict[str, Disruption]] = {}
    runs = len(attackers) * (1 + len(versions))
    for i, (label, attacker) in enumerate(attackers.items()):
        first = i * (1 + len(versions))
        unprotected = inpainted_cores(
            attacker, original, sites, detector=detector, progress=part_of(progress, first / runs, (first + 1) / runs)
        )
        found[label] = {}
        for k, (name, version) in enumerate(versions.items(), start=first + 1):
            changed = inpainted_cores(
                attacker, version, sites, detector=detector, progress=part_of(progress, k / runs, (k + 1) / runs)
            )
            seen_from = detector.threshold if detector else math.nan
            found[label][name] = Disruption.between(changed, unprotected, seen_from)
    return found
