"""What a protection costs and what it does: fidelity, and attack(protected) against attack(original)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.clicks import random_lung_clicks
from napari_mits_gan.evaluation.controls import check_controls, control
from napari_mits_gan.evaluation.disruption import Disruption
from napari_mits_gan.evaluation.fidelity import compare
from napari_mits_gan.evaluation.local_mean import local_mean_change, usual_local_mean_change
from napari_mits_gan.evaluation.result import Change, Evaluation
from napari_mits_gan.progress import Progress, silent

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Attacker
    from napari_mits_gan.detection.detector import NoduleDetector
    from napari_mits_gan.protection.contract import Method

_TICKS = 1000
_PROTECTING, _CHANGES = 500, 100
"""Share of the progress bar, of 1000, that protecting and measuring the changes take; the attacks take the rest."""


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
    progress: Progress = silent,
) -> Evaluation:
    """Protect a scan and measure what that costs and what it does to attacks at places the protection does not know.

    Parameters
    ----------
    volume : CTVolume
        A chest CT.
    method : str or Method
        Name of a protection, or a method of your own.
    max_change_hu : int
        Largest change of a voxel in HU that the protection may make.
    clicks : int
        Number of random places in the lungs.
    seed : int
        Fixes protection, places and controls.
    key : str or None
        A text that the protection is drawn from, instead of the seed; see `protection.protect.protect`.
    actions : sequence of {"inject", "remove"}
        Which of the attackers that come with the package attack.
    device : str
        Where to compute: "auto", "cpu", "cuda" or "mps".
    controls : sequence of str
        What to hold the protection against: names of `controls.CONTROLS`, as strong everywhere as the protection is
        where the attacks look (RMS in the cuboids around the places), which is where it is strongest.
    attackers : mapping or None
        Other attackers, by the name they have in the report; None takes those of `actions`.
    detector : NoduleDetector or None
        Who judges whether a nodule is there after each attack; None asks nobody.
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
        If the scan cannot be protected, or there is no such control.
    WeightsError
        If weights are missing.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> from napari_mits_gan.evaluation.evaluate import evaluate
    >>> print(evaluate(mg.read_ct("chest/")).to_markdown())  # doctest: +SKIP
    """
    from napari_mits_gan.protection.protect import protect

    # What can fail at once is done before the long work.
    check_controls(controls)
    places = random_lung_clicks(volume, clicks, seed)
    attackers = load_attackers(actions, device) if attackers is None else attackers
    protected = protect(
        volume,
        method=method,
        max_change_hu=max_change_hu,
        seed=seed,
        key=key,
        device=device,
        progress=_part(progress, 0, _PROTECTING),
    )
    return evaluate_protected(
        volume,
        protected,
        places=places,
        attackers=attackers,
        detector=detector,
        controls=controls,
        seed=seed,
        progress=_part(progress, _PROTECTING, _TICKS),
    )


def load_attackers(names: Sequence[str] = ("inject", "remove"), device: str = "auto") -> dict[str, Attacker]:
    """Attackers by their names (`attack.attackers.ATTACKERS`), or files of weights."""
    from napari_mits_gan.attack.attackers import load_attacker

    return {name: load_attacker(name, device) for name in names}


def evaluate_protected(
    original: CTVolume,
    protected: CTVolume,
    *,
    places: Sequence[tuple[int, int, int]],
    attackers: Mapping[str, Attacker],
    detector: NoduleDetector | None = None,
    controls: Sequence[str] = ("gaussian-noise",),
    seed: int = 0,
    progress: Progress = silent,
) -> Evaluation:
    """Measure a scan that is protected already; parameters and result as for `evaluate`.

    Raises
    ------
    ProtectionError
        If the two are not versions of one scan, or the second is not protected.
    """
    if protected.shape != original.shape or protected.spacing != original.spacing:
        raise ProtectionError("the protected scan has another grid than the original; give two versions of one scan.")
    if len(protected.history) <= len(original.history) or protected.history[-1].kind != "protection":
        raise ProtectionError("the second scan is no protected version of the first; protect it first.")
    step = protected.history[-1].parameters
    method = str(step.get("method", "protection"))
    body = body_mask(original)
    if not body.any():
        raise ProtectionError(f"no body was found in '{original.name}'; choose a chest CT.")
    change = measure_change(original, protected, body)
    versions, changes = {method: protected}, {method: change}
    rms_hu = rms_where_attacked(original, protected, places, body)
    for done, name in enumerate(controls, start=1):
        progress(done * _CHANGES // (len(controls) + 1), _TICKS)
        # A name of its own where the protection is itself a simple pattern.
        label = name if name != method else f"{name} of equal RMS"
        versions[label] = control(original, name, rms_hu, seed=seed, body=body)
        changes[label] = measure_change(original, versions[label], body)
    disruptions = disruptions_at(
        original,
        versions,
        places=places,
        attackers=attackers,
        detector=detector,
        progress=_part(progress, _CHANGES, _TICKS),
    )
    return Evaluation(
        scan=original.name,
        method=method,
        protection=dict(step),
        attackers={label: attacker.name for label, attacker in attackers.items()},
        seed=seed,
        places=tuple((int(z), int(y), int(x)) for z, y, x in places),
        changes=changes,
        disruptions=disruptions,
        detector=detector.name if detector else "",
    )


def measure_change(original: CTVolume, changed: CTVolume, body: NDArray[np.bool_]) -> Change:
    """How a version of a scan differs from the original inside the body."""
    means = local_mean_change(original.hu, changed.hu, original.spacing, body=body)
    return Change(compare(original.hu, changed.hu, mask=body), usual_local_mean_change(means), int(body.sum()))


def rms_where_attacked(
    original: CTVolume,
    changed: CTVolume,
    places: Sequence[tuple[int, int, int]],
    body: NDArray[np.bool_],
) -> float:
    """RMS of the change in HU, inside the body, in the 32 mm cuboids around the places together."""
    from napari_mits_gan.attack.cuboid import cuboid_shape
    from napari_mits_gan.ct.grid import Box

    shape = cuboid_shape(original.spacing)
    squares, voxels = 0.0, 0
    for place in places:
        cuboid = Box.around(place, shape).inside(original.shape).slices()
        inside = body[cuboid]
        difference = changed.hu[cuboid][inside].astype(np.float64) - original.hu[cuboid][inside]
        squares += float(np.square(difference).sum())
        voxels += difference.size
    return float(np.sqrt(squares / voxels)) if voxels else 0.0


def disruptions_at(
    original: CTVolume,
    versions: Mapping[str, CTVolume],
    *,
    places: Sequence[tuple[int, int, int]],
    attackers: Mapping[str, Attacker],
    detector: NoduleDetector | None = None,
    progress: Progress = silent,
) -> dict[str, dict[str, Disruption]]:
    """Attack every version of a scan with every attacker at every place, and compare with attack(original).

    Returns
    -------
    dict
        From the attacker to a dict from the version to its `Disruption`.
    """
    from napari_mits_gan.evaluation.tampered_cores import tampered_cores

    found: dict[str, dict[str, Disruption]] = {}
    runs = len(attackers) * (1 + len(versions))
    for i, (label, attacker) in enumerate(attackers.items()):
        first = i * (1 + len(versions))
        unprotected = tampered_cores(
            attacker, original, places, detector=detector, progress=_part(progress, first, first + 1, runs)
        )
        found[label] = {}
        for k, (name, version) in enumerate(versions.items(), start=first + 1):
            changed = tampered_cores(
                attacker, version, places, detector=detector, progress=_part(progress, k, k + 1, runs)
            )
            seen_from = detector.threshold if detector else math.nan
            found[label][name] = Disruption.between(changed, unprotected, seen_from)
    return found


def _part(progress: Progress, start: int, stop: int, of: int = _TICKS) -> Progress:
    """Progress of a part of the work, told as progress of all of it."""

    def told(done: int, total: int, /) -> None:
        share = done / total if total else 1.0
        progress(round(_TICKS * (start + (stop - start) * share) / of), _TICKS)

    return told
