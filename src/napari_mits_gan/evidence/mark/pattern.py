"""The keyed pattern: a stream cipher's bits, one for each cell of the lattice, seen on the voxels of a scan."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.mark.patient_lattice import Pitch, axis_cells

PERIOD = 1024
"""Cells along rows and columns after which a layer repeats: more than a metre."""

Layer = Callable[[int], NDArray[np.number]]
"""From the number of a layer to its cells, shape (PERIOD, PERIOD)."""
Part = tuple[slice, slice, slice]


def keyed_layer(key: bytes) -> Layer:
    """Layers whose cells are 1 or -1, as the keystream of ChaCha20 under a 32-byte key has it."""

    def layer(number: int) -> NDArray[np.int8]:
        nonce = bytes(8) + number.to_bytes(8, "little", signed=True)
        stream = Cipher(ChaCha20(key, nonce), mode=None).encryptor().update(bytes(PERIOD * PERIOD // 8))
        bits = np.unpackbits(np.frombuffer(stream, np.uint8)).reshape(PERIOD, PERIOD).view(np.int8)
        return 2 * bits - np.int8(1)

    return layer


class VoxelPattern:
    """Layers of cells on the voxels of a part of a scan; RMS about 1 where the cells' is 1.

    Parameters
    ----------
    volume : CTVolume
        Only its geometry counts.
    pitch : Pitch
        Size of the cells.
    layer : callable
        Gives the cells.
    part : tuple of three slices
        Voxels (z, y, x) that are wanted.
    """

    def __init__(self, volume: CTVolume, pitch: Pitch, layer: Layer, part: Part) -> None:
        self._layer = layer
        self._z, self._y, self._x = (
            axis_cells(volume, axis, mm, voxels) for axis, (mm, voxels) in enumerate(zip(pitch.zyx, part, strict=True))
        )
        self._seen: dict[int, NDArray[np.float32]] = {}

    def __len__(self) -> int:
        return int(self._z.weights.shape[0])

    @property
    def rms(self) -> float:
        """RMS over the voxels: not quite 1 where voxels and cells keep step, for instance at a pixel of 1 mm."""
        return self._z.rms * self._y.rms * self._x.rms

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Slice by slice of the part, shape (y, x)."""
        for z in range(len(self)):
            yield self._slice(z)

    def _slice(self, z: int) -> NDArray[np.float32]:
        row = slice(self._z.weights.indptr[z], self._z.weights.indptr[z + 1])
        numbers = self._z.weights.indices[row].tolist()
        self._seen = {n: self._seen[n] if n in self._seen else self._on_voxels(n) for n in numbers}
        weights = self._z.weights.data[row]
        out = np.zeros((self._y.weights.shape[0], self._x.weights.shape[0]), np.float32)
        for weight, number in zip(weights, numbers, strict=True):
            out += weight * self._seen[number]
        return out

    def _on_voxels(self, number: int) -> NDArray[np.float32]:
        cells = self._layer(self._z.first + number)
        rows, columns = (np.arange(a.first, a.first + a.count) % PERIOD for a in (self._y, self._x))
        wanted = np.asarray(cells[np.ix_(rows, columns)], np.float32)
        along_y: NDArray[np.float32] = self._y.weights @ wanted
        return np.ascontiguousarray((self._x.weights @ along_y.T).T)
