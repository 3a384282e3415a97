"""Comparing a scan with its manifest: what was changed, left out, added, moved, or said otherwise of its geometry."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.manifest import Grid, Manifest, slice_digests

_TOLERANCE_MM = 0.01
_DIRECTION_TOLERANCE = 1e-4


@dataclass(frozen=True)
class ManifestCheck:
    """What comparing a scan with a manifest gave.

    Parameters
    ----------
    findings : tuple of str
        One sentence for each thing that is wrong; empty where all is as it was exported.
    signer_known : bool
        Whether the signature was checked against a public key that the caller brought. A manifest that is only checked
        against the key inside it may have been made anew by whoever changed the scan.
    """

    findings: tuple[str, ...]
    signer_known: bool

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong."""
        return not self.findings


def check_manifest(volume: CTVolume, manifest: Manifest, *, signer_known: bool) -> ManifestCheck:
    """Compare a scan with what a manifest says of it.

    Parameters
    ----------
    volume : CTVolume
        The scan.
    manifest : Manifest
        Read by `read_manifest`, so its signature is right.
    signer_known : bool
        Whether it was checked against a public key of the caller's.

    Returns
    -------
    ManifestCheck
    """
    found = slice_digests(volume)
    findings = [*_slice_findings(found, manifest.slices), *_geometry_findings(Grid.of(volume), manifest.grid)]
    return ManifestCheck(tuple(findings), signer_known)


def _slice_findings(found: Sequence[str], stated: Sequence[str]) -> list[str]:
    places: dict[str, deque[int]] = {}
    for z, digest in enumerate(stated):
        places.setdefault(digest, deque()).append(z)
    if not any(digest in places for digest in found):
        return ["This is another series: none of its slices is one of those that the manifest lists."]
    # Where each slice was, counting from 0; None for one that the manifest does not list, or lists less often.
    was = [places[digest].popleft() if places.get(digest) else None for digest in found]
    missing = {z for waiting in places.values() for z in waiting}
    doubled = [z for z, digest in enumerate(found) if was[z] is None and digest in places]
    unlisted = [z for z, digest in enumerate(found) if digest not in places]
    changed = [z for z in unlisted if (origin := _replaced(z, was)) is not None and origin in missing]
    missing -= {origin for z in changed if (origin := _replaced(z, was)) is not None}
    known = [z for z in was if z is not None]
    told = []
    if changed:
        told.append(f"The pixels of {named_slices(changed)} were changed.")
    if missing:
        told.append(f"Missing, as the manifest counts: {named_slices(sorted(missing))} of {len(stated)}.")
    if added := [z for z in unlisted if z not in changed]:
        told.append(f"Not listed in the manifest: {named_slices(added)}.")
    if doubled:
        told.append(f"There once more than exported: {named_slices(doubled)}.")
    if len(known) > 1 and known == sorted(known, reverse=True):
        told.append("The slices are in reverse order.")
    elif known != sorted(known):
        kept = _longest_ascending(known)
        moved = [z for z, origin in enumerate(was) if origin is not None and origin not in kept]
        told.append(f"Moved from another position: {named_slices(moved)}.")
    return told


def _replaced(z: int, was: Sequence[int | None]) -> int | None:
    """Which slice an unlisted one stands in for: the one that its nearest listed neighbours leave room for."""
    below = next((y for y in range(z - 1, -1, -1) if was[y] is not None), None)
    above = next((y for y in range(z + 1, len(was)) if was[y] is not None), None)
    if below is None and above is None:
        return None
    from_below = None if below is None else was[below] + (z - below)  # type: ignore[operator]
    from_above = None if above is None else was[above] - (above - z)  # type: ignore[operator]
    if from_below is not None and from_above is not None and from_below != from_above:
        return None
    return from_below if from_below is not None else from_above


def _longest_ascending(values: Sequence[int]) -> set[int]:
    """A longest ascending subsequence of different numbers: what kept its order."""
    tails: list[int] = []
    at: list[int] = []
    for value in values:
        k = bisect_left(tails, value)
        tails[k : k + 1] = [value]
        at.append(k)
    kept: set[int] = set()
    wanted = len(tails) - 1
    for value, k in zip(reversed(values), reversed(at), strict=True):
        if k == wanted and (not kept or value < min(kept)):
            kept.add(value)
            wanted -= 1
    return kept


def _geometry_findings(found: Grid, stated: Grid) -> list[str]:
    told = []
    if found.shape[1:] != stated.shape[1:]:
        told.append(
            f"The slices have {found.shape[1]} x {found.shape[2]} pixels and had {stated.shape[1]} x {stated.shape[2]}."
        )
    for name, a, b, tolerance in (
        ("spacing between voxels, mm (z, y, x)", found.spacing_mm, stated.spacing_mm, _TOLERANCE_MM / 10),
        ("position of the first voxel, mm (x, y, z)", found.origin_mm, stated.origin_mm, _TOLERANCE_MM),
        ("orientation", found.direction, stated.direction, _DIRECTION_TOLERANCE),
    ):
        if not np.allclose(a, b, rtol=0, atol=tolerance):
            told.append(f"The geometry was edited: {name} was {_listed(b)} and is {_listed(a)}.")
    return told


def named_slices(zs: Sequence[int]) -> str:
    """Slices, given by z and told counting from 1, runs joined: "slices 3, 7-9"."""
    runs: list[list[int]] = []
    for z in zs:
        if runs and z == runs[-1][1] + 1:
            runs[-1][1] = z
        else:
            runs.append([z, z])
    told = ", ".join(str(a + 1) if a == b else f"{a + 1}-{b + 1}" for a, b in runs[:12])
    return f"slice{'s' if len(zs) > 1 else ''} {told}{', and more' if len(runs) > 12 else ''}"


def _listed(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{v:.6g}" for v in values) + ")"
