"""What a check finds of attacks at all suggested sites of a sealed scan: the vulnerability map's sibling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_mits_gan.errors import AttackError, EvidenceError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.session.analysis import suggested_sites
from napari_mits_gan.session.replay import changed_region

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.evidence.key import SealKey
    from napari_mits_gan.session.model import Session


@dataclass(frozen=True)
class SealedSites:
    """Which attacks at suggested sites the check found.

    Parameters
    ----------
    action : {"inject", "remove"}
        What was done at each.
    sites : tuple of tuple of int
        Voxels (z, y, x).
    found : tuple of bool
        Whether something was changed there, and every voxel that was lies in a block that the check names.
    """

    action: Action
    sites: tuple[Voxel, ...]
    found: tuple[bool, ...]

    @property
    def summary(self) -> str:
        """In one sentence, without a full stop."""
        verb = "injections" if self.action == "inject" else "removals"
        return f"{sum(self.found)} of {len(self.found)} {verb} at suggested sites are found, all that they changed"


def sealed_sites(
    session: Session, key: SealKey, action: Action, n: int = 20, progress: Progress = silent
) -> SealedSites:
    """Attack the version that is shown at all suggested sites at once, and check that.

    Parameters
    ----------
    session : Session
        With a scan, sealed or received; the attacks in its list are left out.
    key : SealKey
        The key of the seal.
    action : {"inject", "remove"}
        Which attack, made with the attacker that the next one would be made with.
    n : int
        How many sites at most.

    Raises
    ------
    EvidenceError
        If the scan carries no seal of this key.
    AttackError
        If there is no site to attack.
    """
    from napari_mits_gan.evidence.check import verify
    from napari_mits_gan.evidence.find_seal import find_seal
    from napari_mits_gan.evidence.verdict import State

    base = session.required(session.shown)
    no_seal = EvidenceError("This scan carries no seal of this key; seal it first.")
    if find_seal(base, key) is None:
        raise no_seal
    sites = tuple(site.at for site in suggested_sites(session, action, n))
    if not sites:
        raise AttackError("No site was found where a nodule could be put in or taken out; there is nothing to check.")
    attacker = session.networks.attacker(action)
    attacked, regions = base, []
    for done, at in enumerate(sites):
        progress(done, len(sites) + 1)
        after = attacker.tamper(attacked, at=at)
        touched = attacker.touched(at, base.spacing).inside(base.shape).slices()
        regions.append(changed_region(attacked.hu, after.hu, touched))
        attacked = after
    verdict = verify(attacked, key)
    progress(len(sites) + 1, len(sites) + 1)
    if verdict.state is State.NO_SEAL:
        raise no_seal
    named = verdict.changed_voxels()
    found = []
    for region in regions:
        changed = base.hu[region] != attacked.hu[region]
        found.append(bool(changed.any() and named[region][changed].all()))
    return SealedSites(action, sites, tuple(found))
