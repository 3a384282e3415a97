"""The manifest of an export: a signed JSON document of what was exported, slice by slice, and from what.

It catches what pixels alone cannot: a whole series replaced by another sealed one, an edited geometry, slices left out
at the ends. It is signed with Ed25519 (RFC 8032), so whoever has the public key can check it. It holds no patient data.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import EvidenceError, ManifestError
from napari_mits_gan.evidence.key import SealKey

MANIFEST_NAME = "manifest.json"
"""What the manifest of a DICOM export is called, inside the export's folder."""

FORMAT, VERSION = "napari-mits-gan manifest", 1
_LONGEST_BYTES = 16 << 20
_TOLD = {
    "protection": ("method", "max_change_hu", "weights", "sigma", "steps"),
    "seal": ("bits", "copy_bytes", "version"),
    "mark": ("lungs_rms_hu",),
    "recovery": ("healed_voxels",),
}
"""Of each kind of step, the parameters that are told; history read from a file may hold anything, a name among it."""
_PLAIN = re.compile(r"[A-Za-z0-9_.,+ -]{1,100}")
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


def manifest_bytes(path: Path) -> bytes:
    """What stands in a manifest's file, for `read_manifest`.

    Raises
    ------
    EvidenceError
        If the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return stream.read(_LONGEST_BYTES + 1)
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise EvidenceError(f"The manifest {path.name} cannot be read: {cause}.") from None


def _text(value: float) -> str:
    # A decimal text reads the same everywhere; JSON numbers do not. Adding 0 turns -0.000000 into 0.000000.
    text = f"{value:.6f}"
    return "0.000000" if text == "-0.000000" else text


def _told(step: Step) -> dict[str, Any]:
    plain: dict[str, Any] = {"kind": step.kind if step.kind in _TOLD else "other"}
    for name in _TOLD.get(step.kind, ()):
        value = step.parameters.get(name)
        if isinstance(value, float):
            plain[name] = _text(value)
        elif isinstance(value, (int, bool)) or (isinstance(value, str) and _PLAIN.fullmatch(value)):
            plain[name] = value
    return plain


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
