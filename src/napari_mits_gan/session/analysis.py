"""What is computed of a session without changing it: detections, differences, figures, sites, vulnerability map."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError, WeightsError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.comparison import Difference, Figures, cuboid, subtract
from napari_mits_gan.session.detection import Detection

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.detection.detector import NoduleDetector
    from napari_mits_gan.detection.sites import Site
    from napari_mits_gan.evaluation.vulnerability import VulnerabilityMap
    from napari_mits_gan.session.model import Session, Version


def detections(session: Session, version: Version, progress: Progress = silent) -> tuple[Detection, ...]:
    """What the detector finds at each injection on one version of the scan; what is known is not computed again.

    Parameters
    ----------
    session : Session
        With a scan.
    version : {"original", "protected"}
        Where the attacks are looked at.
    progress : callable
        Told how many injections are done, of how many.

    Returns
    -------
    tuple of Detection
        One per injection, each on the scan with all injections up to that one.

    Raises
    ------
    WeightsError
        If the detector cannot be loaded.
    ReplayError
        If an injection cannot be made.
    """
    replay, injections = session.replay(version), session.injections
    unknown = [row for row in range(len(injections)) if injections[: row + 1] not in replay.detections]
    if unknown:
        detector = session.networks.detector()

        def look(volume: CTVolume, at: Voxel) -> float:
            return float(detector.scores(volume, [at])[0])

        for row, (before, after) in replay.before_and_after(injections, unknown, look, progress).items():
            replay.detections[injections[: row + 1]] = Detection(before, after, detector.threshold)
    return tuple(replay.detections[injections[: row + 1]] for row in range(len(injections)))


def difference_hu(
    session: Session, kind: Difference, version: Version, progress: Progress = silent
) -> NDArray[np.int16]:
    """One difference of two volumes, in HU, shape (z, y, x).

    Parameters
    ----------
    session : Session
        With a scan; a protected one for `Difference.PROTECTION` and `EFFECT`, a recovery for `HEALED`.
    kind : Difference
        Which volumes to subtract.
    version : {"original", "protected"}
        For `Difference.ATTACK`: which version's attack to look at. The others do not ask.
    """
    if kind is Difference.HEALED:
        recovery = None if session.examined is None else session.examined.recovery
        if recovery is None:
            raise EvidenceError("nothing was healed yet; press Recover first")
        return subtract(recovery.tampered_hu, recovery.volume.hu)
    if kind is Difference.ATTACK:
        return session.replay(version).difference_hu(session.injections, progress)
    if kind is Difference.PROTECTION:
        return subtract(session.required("protected").hu, session.required("original").hu)
    return subtract(session.attacked("protected", progress).hu, session.attacked("original", progress).hu)


def figures(session: Session, z: int, at: Voxel | None, progress: Progress = silent) -> Figures:
    """How far the versions lie apart in slice z, and in the cuboid around `at` (None: no cuboid)."""
    if session.original is None or session.protected is None:
        return Figures()
    from napari_mits_gan.evaluation.measures.fidelity import compare

    whole_slice = (slice(z, z + 1), slice(None), slice(None))
    region = None if at is None else cuboid(session.original, at)
    before, after = session.original.hu, session.protected.hu
    found = Figures(
        protection_slice=compare(before, after, region=whole_slice),
        protection_cuboid=None if region is None else compare(before, after, region=region),
    )
    if not session.injections:
        return found
    before, after = session.attacked("original", progress).hu, session.attacked("protected", progress).hu
    return replace(
        found,
        attack_slice=compare(before, after, region=whole_slice),
        attack_cuboid=None if region is None else compare(before, after, region=region),
    )


def suggested_sites(session: Session, action: Action, n: int = 10, progress: Progress = silent) -> list[Site]:
    """Sites where an attack on the version that is shown is plausible, best first.

    Parameters
    ----------
    session : Session
        With a scan.
    action : {"inject", "remove"}
        Where to put nodules in, or where the scan seems to hold some.
    n : int
        How many at most.

    Raises
    ------
    AttackError
        If no scan is open, or it has no lungs, or is too thin.
    WeightsError
        If the detector is needed (to find what to remove) and cannot be loaded.
    """
    from napari_mits_gan.detection.sites import injection_sites, removal_sites

    volume = session.required(session.shown)
    if action == "remove":
        return removal_sites(volume, n, detector=session.networks.detector(), progress=progress)
    try:
        detector = session.networks.detector()
    except WeightsError:
        detector = None  # healthy lung can be told without it
    return injection_sites(volume, n, detector=detector, progress=progress)


def vulnerability_map(session: Session, action: Action, n: int = 60, progress: Progress = silent) -> VulnerabilityMap:
    """How far the attack deviates on the protected scan all over the lungs, and what the detector reports there.

    Parameters
    ----------
    session : Session
        With a scan and its protected version.
    action : {"inject", "remove"}
        Which attack; it is made with the attacker that the next one would be made with. The detector is asked about
        injections only, since there are no nodules at these sites to be removed.
    n : int
        How many sites at most.

    Raises
    ------
    ProtectionError
        If there is no protected version.
    AttackError
        If no scan is open, or it has no lungs, or is too thin.
    WeightsError
        If the attacker cannot be loaded.
    """
    from napari_mits_gan.evaluation.vulnerability import vulnerability

    original, protected = session.required("original"), session.required("protected")
    attacker = session.networks.attacker(action)
    detector = None
    if action == "inject":
        with suppress(WeightsError):  # how far attacks deviate can be told without it
            detector = cast("NoduleDetector", session.networks.detector())
    return vulnerability(original, protected, attacker, n=n, detector=detector, progress=progress)
