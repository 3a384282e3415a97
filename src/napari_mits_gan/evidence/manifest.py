"""The manifest of an export: a signed JSON document of what was exported, slice by slice, and from what.

It catches what pixels alone cannot: a whole series replaced by another sealed one, an edited geometry, slices left out
at the ends. It is signed with Ed25519 (RFC 8032), so whoever has the public key can check it. It holds no patient data.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import ManifestError
from napari_mits_gan.evidence.key import SealKey

MANIFEST_NAME = "manifest.json"
"""What the manifest of a DICOM export is called, inside the export's folder."""

FORMAT, VERSION = "napari-mits-gan manifest", 1
_LONGEST_BYTES = 16 << 20
_TOLERANCE_MM = 0.01
_DIRECTION_TOLERANCE = 1e-4
_SECRET = ("seed", "key", "secret", "token", "path", "file", "folder", "nonce")
_HEX = re.compile(r"[0-9a-f]+")
_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,9})?")


@dataclass(frozen=True)
class Grid:
    """Geometry as a manifest states it; lengths in mm, axes (z, y, x), world coordinates (x, y, z) LPS."""

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, ...]
    origin_mm: tuple[float, ...]
    direction: tuple[float, ...]

    @classmethod
    def of(cls, volume: CTVolume) -> Grid:
        """The geometry of a scan."""
        return cls(volume.shape, volume.spacing, volume.origin, tuple(float(d) for d in volume.direction.ravel()))


@dataclass(frozen=True)
class Manifest:
    """What a manifest says.

    Parameters
    ----------
    slices : tuple of str
        SHA-256 of each slice's decoded HU, by ascending z, in hexadecimal.
    grid : Grid
        Where the slices lie.
    source_slices : tuple of str
        The same of the scan before it was changed; empty where it was not at hand.
    steps : tuple of mapping
        What was done: method, budget in HU, weights; neither seeds nor keys.
    software : mapping
        Names and versions.
    public_key : str
        Of the key that signed, in hexadecimal.
    """

    slices: tuple[str, ...]
    grid: Grid
    source_slices: tuple[str, ...]
    steps: tuple[Mapping[str, Any], ...]
    software: Mapping[str, str]
    public_key: str


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


def slice_digests(volume: CTVolume) -> tuple[str, ...]:
    """SHA-256 of each slice's size and HU (int16, little endian, row by row), in hexadecimal.

    The HU are those of the decoded pixels, so that a digest does not depend on transfer syntax, header or container.
    """
    rows, columns = volume.shape[1:]
    start = f"HU {rows} {columns}\n".encode("ascii")
    return tuple(
        hashlib.sha256(start + np.ascontiguousarray(hu, dtype="<i2").tobytes()).hexdigest() for hu in volume.hu
    )


def signer_of(key: SealKey) -> Ed25519PrivateKey:
    """The key that signs manifests, derived from a seal's key; only its public half has to be handed out."""
    return Ed25519PrivateKey.from_private_bytes(key.derive("manifest signature"))


def signed_manifest(volume: CTVolume, signer: Ed25519PrivateKey, source: CTVolume | None = None) -> bytes:
    """The manifest of a scan, signed.

    Parameters
    ----------
    volume : CTVolume
        The scan as it is exported.
    signer : Ed25519PrivateKey
        Whoever checks needs its public key.
    source : CTVolume or None
        The scan before it was changed.

    Returns
    -------
    bytes
        JSON in canonical form (ASCII, keys sorted, no spaces, lengths as decimal texts) with its signature.
    """
    from importlib.metadata import version

    grid = Grid.of(volume)
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "slices": list(slice_digests(volume)),
        "shape": list(grid.shape),
        "spacing_mm": [_text(v) for v in grid.spacing_mm],
        "origin_mm": [_text(v) for v in grid.origin_mm],
        "direction": [_text(v) for v in grid.direction],
        "source_slices": [] if source is None else list(slice_digests(source)),
        "steps": [_told(step) for step in volume.history],
        "software": {name: version(name) for name in ("napari-mits-gan", "numpy")},
        "public_key": signer.public_key().public_bytes_raw().hex(),
    }
    document["signature"] = signer.sign(_canonical(document)).hex()
    return _canonical(document) + b"\n"


def read_manifest(data: bytes, public_key: Ed25519PublicKey | None = None) -> Manifest:
    """Read a manifest and check its signature.

    Parameters
    ----------
    data : bytes
        What `signed_manifest` made; spaces and the order of its keys do not matter.
    public_key : Ed25519PublicKey or None
        The key that has to have signed it; None takes the one that the manifest names.

    Raises
    ------
    ManifestError
        If it is no manifest, was edited, or was signed by another key.
    """
    document = _parsed(data)
    named = Ed25519PublicKey.from_public_bytes(bytes.fromhex(document["public_key"]))
    if public_key is not None and public_key.public_bytes_raw() != named.public_bytes_raw():
        raise ManifestError("The manifest was signed by another key than yours; ask the sender for the manifest.")
    signature = bytes.fromhex(document.pop("signature"))
    try:
        (public_key or named).verify(signature, _canonical(document))
    except InvalidSignature:
        raise ManifestError("The manifest was edited after it was signed; ask the sender for the original.") from None
    numbers = {name: tuple(float(v) for v in document[name]) for name in ("spacing_mm", "origin_mm", "direction")}
    shape = document["shape"]
    return Manifest(
        slices=tuple(document["slices"]),
        grid=Grid((shape[0], shape[1], shape[2]), **numbers),
        source_slices=tuple(document["source_slices"]),
        steps=tuple(document["steps"]),
        software=document["software"],
        public_key=document["public_key"],
    )


def load_manifest(path: Path, public_key: Ed25519PublicKey | None = None) -> Manifest:
    """Read the manifest in a file.

    Raises
    ------
    ManifestError
        If the file cannot be read, or as `read_manifest` says.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(_LONGEST_BYTES + 1)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise ManifestError(f"The manifest {path.name} cannot be read: {cause}.") from None
    return read_manifest(data, public_key)


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


def _text(value: float) -> str:
    # A decimal text reads the same everywhere; JSON numbers do not. Adding 0 turns -0.000000 into 0.000000.
    text = f"{value:.6f}"
    return "0.000000" if text == "-0.000000" else text


def _told(step: Step) -> dict[str, Any]:
    plain = {
        name: _text(value) if isinstance(value, float) else value
        for name, value in step.parameters.items()
        if isinstance(value, (str, int, float, bool)) and not any(s in name.lower() for s in _SECRET)
    }
    return {"kind": step.kind, **plain}


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def _no_number(text: str) -> Any:
    raise ValueError(text)


def _parsed(data: bytes) -> dict[str, Any]:
    """The document, each part of the kind and length that it has to have."""
    refusal = ManifestError("This is no manifest of version 1, or it is damaged; ask the sender for the original.")
    if len(data) > _LONGEST_BYTES:
        raise refusal
    try:
        document = json.loads(data.decode("ascii"), parse_float=_no_number, parse_constant=_no_number)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise refusal from None
    wanted = {
        "format", "version", "slices", "shape", "spacing_mm", "origin_mm", "direction", "source_slices", "steps",
        "software", "public_key", "signature",
    }  # fmt: skip
    if not isinstance(document, dict) or set(document) != wanted:
        raise refusal
    shape = document["shape"]
    right = (
        document["format"] == FORMAT
        and document["version"] == VERSION
        and _is_list(shape, lambda v: type(v) is int and 0 < v < 2**31, 3)
        and _is_list(document["slices"], _is_digest, shape[0])
        and _is_list(document["source_slices"], _is_digest)
        and _is_list(document["spacing_mm"], _is_length, 3)
        and _is_list(document["origin_mm"], _is_length, 3)
        and _is_list(document["direction"], _is_length, 9)
        and _is_list(document["steps"], _is_flat)
        and _is_flat(document["software"])
        and _is_hex(document["public_key"], 32)
        and _is_hex(document["signature"], 64)
    )
    if not right:
        raise refusal
    return document


def _is_list(value: Any, holds: Any, length: int | None = None) -> bool:
    return isinstance(value, list) and (length is None or len(value) == length) and all(holds(v) for v in value)


def _is_hex(value: Any, n_bytes: int) -> bool:
    return isinstance(value, str) and len(value) == 2 * n_bytes and _HEX.fullmatch(value) is not None


def _is_digest(value: Any) -> bool:
    return _is_hex(value, 32)


def _is_length(value: Any) -> bool:
    return isinstance(value, str) and _NUMBER.fullmatch(value) is not None


def _is_flat(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, (str, int, bool)) for v in value.values())
