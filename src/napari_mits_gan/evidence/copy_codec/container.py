"""The bytes of a recovery copy: header, region map, side information, slabs, checksum."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence.copy_codec import region_grid, tokens
from napari_mits_gan.evidence.copy_codec.contexts import CONTEXTS, FEATURES
from napari_mits_gan.evidence.copy_codec.frequencies import CODES
from napari_mits_gan.evidence.copy_codec.plan import Plan
from napari_mits_gan.evidence.copy_codec.quantisation import CENTRES, STEP_CODES
from napari_mits_gan.evidence.copy_codec.side_information import pack_bytes, unpack_bytes

VERSION = 1
VOXELS_PER_BYTE = 1 << 16
"""A copy is at least as long as to hold no more voxels for each of its bytes: what a reader may have to allocate."""
LARGEST_SIDE = 65535
_HEADER = struct.Struct("<B3H6HhBBII")
_SLAB = struct.Struct("<HIHII")
_CHECKSUM = 4

Box = tuple[slice, slice, slice]


@dataclass(frozen=True)
class SlabBytes:
    """One slab as it is stored."""

    step: int
    coarsest: bytes
    centres: NDArray[np.int8]
    states: int
    coded: bytes
    """States and words of the entropy coder."""
    rest: bytes

    def size(self) -> int:
        """Bytes, the centres left out: they go with the side information."""
        return _SLAB.size + len(self.coarsest) + len(self.coded) + len(self.rest)


@dataclass(frozen=True)
class Contents:
    """Everything a recovery copy holds."""

    shape: tuple[int, int, int]
    box: Box
    """What is coded; the rest is `fill`."""
    fill: int
    fineness: int
    grid: region_grid.Grid
    weights: NDArray[np.int16] = field(default_factory=lambda: np.zeros((0, 4, FEATURES), np.int16))
    codes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((CONTEXTS, 1), np.uint8))
    slabs: list[SlabBytes] = field(default_factory=list)

    @property
    def plan(self) -> Plan:
        """How the box is cut."""
        return plan_of(self.box)


def plan_of(box: Box) -> Plan:
    """How this box is cut."""
    z, y, x = (side.stop - side.start for side in box)
    return Plan((z, y, x))


def write(contents: Contents) -> bytes:
    """The bytes of a recovery copy."""
    grid = pack_bytes(region_grid.pack(contents.grid))
    side = pack_bytes(
        _planes(contents.weights) + contents.codes.tobytes() + b"".join(s.centres.tobytes() for s in contents.slabs)
    )
    sides = [edge for side_ in contents.box for edge in (side_.start, side_.stop)]
    count = contents.codes.shape[1]
    header = _HEADER.pack(
        VERSION, *contents.shape, *sides, contents.fill, contents.fineness, count, len(grid), len(side)
    )
    parts = [header, grid, side]
    for s in contents.slabs:
        parts += [_SLAB.pack(s.step, len(s.coarsest), s.states, len(s.coded), len(s.rest)), s.coarsest, s.coded, s.rest]
    body = b"".join(parts)
    body = body.ljust(-(-int(np.prod(contents.shape, dtype=np.int64)) // VOXELS_PER_BYTE) - _CHECKSUM, b"\0")
    return body + zlib.crc32(body).to_bytes(_CHECKSUM, "little")


def read(data: bytes) -> Contents:
    """What `write` wrote; raises EvidenceError on anything else."""
    if len(data) < _HEADER.size + _CHECKSUM:
        raise EvidenceError("the recovery copy is damaged: it is too short")
    if data[0] != VERSION:
        raise EvidenceError(f"the recovery copy has the unknown version {data[0]}; a newer release may read it")
    body = bytes(data[:-_CHECKSUM])
    if zlib.crc32(body) != int.from_bytes(data[-_CHECKSUM:], "little"):
        raise EvidenceError("the recovery copy is damaged: its checksum is wrong")
    _, nz, ny, nx, z0, z1, y0, y1, x0, x1, fill, fineness, count, grid_size, side_size = _HEADER.unpack_from(body)
    shape, box = (nz, ny, nx), (slice(z0, z1), slice(y0, y1), slice(x0, x1))
    empty = all(side.start == side.stop == 0 for side in box)
    if (
        0 in shape
        or nz * ny * nx > VOXELS_PER_BYTE * len(data)
        or not (empty or all(0 <= s.start < s.stop <= n for s, n in zip(box, shape, strict=True)))
        or fineness >= region_grid.GRIDS
        or not 0 < count <= tokens.TOKENS
    ):
        raise EvidenceError("the recovery copy is damaged: its header makes no sense")
    reader = _Reader(body, _HEADER.size)
    plan = plan_of(box)
    cells = region_grid.grid_shape(plan.shape, fineness)
    slabs = [] if empty else plan.slabs
    bands = len(plan.bands(slabs[0])) if slabs else 0
    sizes = [bands * 4 * FEATURES * 2, CONTEXTS * count, *[bands * 2 * CENTRES] * len(slabs)]
    grid = region_grid.unpack(unpack_bytes(reader.take(grid_size), region_grid.packed_size(cells)), cells)
    side = _Reader(unpack_bytes(reader.take(side_size), sum(sizes)), 0)
    weights = _from_planes(side.take(sizes[0])).reshape(bands, 4, FEATURES)
    codes = np.frombuffer(side.take(sizes[1]), np.uint8).reshape(CONTEXTS, count)
    if codes.max() >= CODES:
        raise EvidenceError("the recovery copy is damaged: its frequencies make no sense")
    found = []
    for _ in slabs:
        step, coarsest, states, coded, rest = _SLAB.unpack(reader.take(_SLAB.size))
        if step >= STEP_CODES:
            raise EvidenceError("the recovery copy is damaged: its steps make no sense")
        centres = np.frombuffer(side.take(bands * 2 * CENTRES), np.int8).reshape(bands, 2, CENTRES)
        found.append(SlabBytes(step, reader.take(coarsest), centres, states, reader.take(coded), reader.take(rest)))
    return Contents(shape, box, fill, fineness, grid, weights, codes, found)


class _Reader:
    """Takes bytes off the front; raises EvidenceError where there are too few."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data, self._at = data, at

    def take(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise EvidenceError("the recovery copy is damaged: it ends too early")
        self._at += size
        return part


def _planes(weights: NDArray[np.int16]) -> bytes:
    """Low bytes, then high bytes: they compress better apart."""
    return weights.astype("<i2").view(np.uint8).reshape(-1, 2).T.tobytes()


def _from_planes(data: bytes) -> NDArray[np.int16]:
    planes = np.frombuffer(data, np.uint8).reshape(2, -1)
    return np.ascontiguousarray(planes.T).view("<i2").ravel().astype(np.int16)
