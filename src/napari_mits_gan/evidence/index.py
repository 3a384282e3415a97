"""The index of a seal: geometry, what became of blocks without a tag of their own, and how long the copy is."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.encrypted import DamagedSealError

TAGGED, FLAT, APART = 0, 1, 2
"""A block carries its tag; consists of the filler value alone; or has its tag here."""
_FIELDS = struct.Struct("<BIhII15d")
_VERSION = 1
_BAD = "The index of the seal is damaged."


@dataclass(frozen=True, eq=False)
class Geometry:
    """Spacing, origin and direction as `CTVolume` has them."""

    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: NDArray[np.float64]

    @staticmethod
    def of(volume: CTVolume) -> Geometry:
        """The geometry of a volume."""
        return Geometry(volume.spacing, volume.origin, np.asarray(volume.direction))

    def place(self, z: float) -> NDArray[np.float64]:
        """World coordinates (x, y, z) of the first voxel of slice `z`."""
        return np.asarray(self.origin) + self.direction[:, 0] * (z * self.spacing[0])


@dataclass(frozen=True, eq=False)
class Index:
    """What the index holds.

    Parameters
    ----------
    geometry : Geometry
        Of the sealed scan.
    copy_bytes : int
        Length of the encrypted copy; 0 where there is none.
    filler : int
        Value that blocks without content have everywhere.
    states : ndarray of uint8, shape (z, blocks)
        `TAGGED`, `FLAT` or `APART`.
    tags : ndarray of uint32, shape (number of APART,)
        Tags of blocks that cannot carry them, in the order of z and block.
    """

    geometry: Geometry
    copy_bytes: int
    filler: int
    states: NDArray[np.uint8]
    tags: NDArray[np.uint32]

    def pack(self) -> bytes:
        """The index as bytes; their number does not depend on `copy_bytes`."""
        changes = self.states.copy()
        changes[1:] ^= self.states[:-1]  # neighbouring slices have nearly the same rim
        packed = zlib.compress(np.ascontiguousarray(changes).tobytes(), 9)
        g = self.geometry
        fields = _FIELDS.pack(
            _VERSION,
            self.copy_bytes,
            self.filler,
            len(packed),
            len(self.tags),
            *g.spacing,
            *g.origin,
            *np.asarray(g.direction).ravel(),
        )
        return fields + packed + self.tags.astype("<u4").tobytes()


def unpack_index(data: bytes, slices: int, blocks: int) -> Index:
    """The index in bytes.

    Parameters
    ----------
    data : bytes
        What `Index.pack` gave.
    slices, blocks : int
        Slices of the sealed scan, and blocks of a slice.

    Raises
    ------
    DamagedSealError
        If it is anything else.
    """
    if len(data) < _FIELDS.size:
        raise DamagedSealError(_BAD)
    version, copy_bytes, filler, packed, tags, *numbers = _FIELDS.unpack_from(data)
    if version != _VERSION or len(data) != _FIELDS.size + packed + 4 * tags:
        raise DamagedSealError(_BAD)
    size = slices * blocks
    try:
        engine = zlib.decompressobj()
        states = engine.decompress(data[_FIELDS.size : _FIELDS.size + packed], size + 1)
    except zlib.error:
        raise DamagedSealError(_BAD) from None
    if len(states) != size:
        raise DamagedSealError(_BAD)
    found = np.bitwise_xor.accumulate(np.frombuffer(states, np.uint8).reshape(slices, blocks), axis=0)
    if found.max(initial=0) > APART or np.count_nonzero(found == APART) != tags or not np.isfinite(numbers).all():
        raise DamagedSealError(_BAD)
    geometry = Geometry(tuple(numbers[:3]), tuple(numbers[3:6]), np.array(numbers[6:]).reshape(3, 3))  # type: ignore[arg-type]
    listed = np.frombuffer(data, "<u4", tags, _FIELDS.size + packed).astype(np.uint32)
    return Index(geometry, copy_bytes, filler, found, listed)
