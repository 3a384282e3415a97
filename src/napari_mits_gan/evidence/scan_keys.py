"""The keys that serve one sealed scan only, and the order of its blocks."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.evidence.header import Header
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keyed_order
from napari_mits_gan.evidence.layout import Grid, Layout


@dataclass(frozen=True)
class ScanKeys:
    """Derived keys of one sealed scan.

    Parameters
    ----------
    tags, order, index, copy : bytes
        One for each purpose.
    """

    tags: bytes = field(repr=False)
    order: bytes = field(repr=False)
    index: bytes = field(repr=False)
    copy: bytes = field(repr=False)

    @staticmethod
    def of(key: SealKey, nonce: bytes) -> ScanKeys:
        """The keys for the scan with this nonce."""
        return ScanKeys(
            key.derive("tags of blocks", nonce),
            key.derive("order of blocks", nonce),
            key.derive("index", nonce),
            key.derive("recovery copy", nonce),
        )


@dataclass(frozen=True)
class Slots:
    """Which symbol of the index or of the copy each place of the grid holds.

    Every block has its number in an order that the key gives. Blocks with the first numbers carry the index, the others
    the copy; symbol `number * slots + s` stands in slot s of a block, whether or not the block has that slot.

    Parameters
    ----------
    grid : Grid
        Blocks of the scan.
    layout : Layout
        Bits of a block.
    key : bytes
        The key for the order.
    """

    grid: Grid
    layout: Layout
    key: bytes = field(repr=False)

    @cached_property
    def order(self) -> NDArray[np.intp]:
        """Blocks, counted slice by slice, in the key's order."""
        return keyed_order(self.key, self.grid.count)

    @cached_property
    def numbers(self) -> NDArray[np.intp]:
        """Place of each block in that order, shape (z, blocks of a slice)."""
        numbers = np.empty(self.grid.count, np.intp)
        numbers[self.order] = np.arange(self.grid.count)
        return numbers.reshape(self.grid.shape[0], self.grid.per_slice)

    def index_symbols(self, header: Header) -> int:
        """How many symbols of the index there are, with those that have no place."""
        return header.index_blocks * self.layout.slots

    def copy_symbols(self, header: Header) -> int:
        """How many symbols of the copy there are, with those that have no place."""
        return (self.grid.count - header.index_blocks) * self.layout.slots
