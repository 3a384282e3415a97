"""Where the header's bits stand: all over every slice, and nowhere twice alike.

The header's code word (`convolutional_code`) is scattered over all blocks. Which of its bits a block holds, and under
which mask, follows from the key, the block's place in its slice and a seed that the block itself has: bits of its own
tag, which looks random and is another in each block, and of its values. So two slices have nothing in common that
comparing them could show. Yet the key alone reads the header from any slice, wherever in the scan that lies.

Half of the bits depend on a seed that small changes often spare: 6 bits of the tag and 10 of the values' upper bits,
random where there is noise. The other half depends on 16 bits of the tag, random everywhere.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.convolutional_code import coded_length, decode, encode
from napari_mits_gan.evidence.header import HEADER_BITS, Header, unpack
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keystream
from napari_mits_gan.evidence.layout import Grid, header_bits

CODED_BITS = coded_length(HEADER_BITS)
TAG_BITS_READ = 16
"""First bits of a block's tag that the seeds of its header bits depend on."""
_SEEDS = 1 << 16
_EVEN_TAG_BITS = 6
VALUES_READ = 10
"""Voxels, those of the first ranks, whose bit 2 the seed of the even places depends on."""
_UPPER_WEIGHTS = (1 << np.arange(_EVEN_TAG_BITS, _EVEN_TAG_BITS + VALUES_READ)).astype(np.uint16)
_WORDS = 8
"""Words of each seed; they serve for the places in turn."""


class HeaderPlaces:
    """Which bit of the header's code word stands where in a block, and under which mask.

    Parameters
    ----------
    grid : Grid
        Blocks of the scan; only those of one slice matter.
    key : SealKey
        The key.
    """

    def __init__(self, grid: Grid, key: SealKey) -> None:
        self.per_block = header_bits(grid, HEADER_BITS)
        plane = struct.pack("<HH", grid.rows, grid.columns)

        def words(purpose: str, nonce: bytes, *shape: int) -> NDArray[np.uint16]:
            length = 2 * int(np.prod(shape))
            return np.frombuffer(keystream(key.derive(purpose, nonce), length), "<u2").reshape(shape)

        self._of_block = words("header: blocks", plane, grid.per_slice, 1 + self.per_block)
        self._even = words("header: even places", b"", _SEEDS, _WORDS)
        self._odd = words("header: odd places", b"", _SEEDS, _WORDS)
        self._word = np.arange(self.per_block) // 2 % _WORDS

    def of(
        self, numbers: NDArray[np.integer], values: NDArray[np.int16], tags: NDArray[np.integer]
    ) -> tuple[NDArray[np.integer], NDArray[np.uint8]]:
        """What the header's places of blocks hold.

        Parameters
        ----------
        numbers : ndarray of int, shape (n,)
            Blocks of a slice.
        values : ndarray of int16, shape (n, 10 or more)
            Their values by rank; the lowest two bits do not matter.
        tags : ndarray of int, shape (n,)
            Their tags; only the lowest 16 bits, the first two bytes, matter.

        Returns
        -------
        which : ndarray of int, shape (n, header bits in a block)
            Bits of the code word.
        masks : ndarray of uint8, same shape
            What they are XORed with.
        """
        own = self._of_block[numbers]
        low = (np.asarray(tags) & 0xFFFF).astype(np.uint16)
        upper = ((values[:, :VALUES_READ] >> 2) & 1).astype(np.uint16) @ _UPPER_WEIGHTS
        even = (low & ((1 << _EVEN_TAG_BITS) - 1)) | upper
        words = np.empty((len(low), self.per_block), np.uint16)
        words[:, 0::2] = self._even[even ^ own[:, 0]][:, self._word[0::2]]
        words[:, 1::2] = self._odd[low ^ own[:, 0]][:, self._word[1::2]]
        # Without the block's own shifts, one wrong bit of a seed would mislead all blocks alike.
        which = ((words >> 1).astype(np.int32) + own[:, 1:]) % CODED_BITS
        return which, (words & 1).astype(np.uint8)


def code_word(header: Header, key: SealKey) -> NDArray[np.uint8]:
    """The header's bits as the blocks carry them, shape (`CODED_BITS`,)."""
    return encode(np.unpackbits(np.frombuffer(header.pack(key), np.uint8)))


def header_of_votes(votes: NDArray[np.integer], key: SealKey) -> Header | None:
    """The header that votes for each bit of the code word give, if its authentication code fits."""
    return unpack(np.packbits(decode(votes)).tobytes(), key)
