"""Looking at every block of a sealed scan: which slice each slice is, and which blocks are what was sealed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence import fountain, tags
from napari_mits_gan.evidence.encrypted import DamagedSealError, decrypt
from napari_mits_gan.evidence.find_seal import SLICE_AGREES, FoundSeal
from napari_mits_gan.evidence.header import HEADER_BITS, Header
from napari_mits_gan.evidence.header_places import HeaderPlaces, code_word
from napari_mits_gan.evidence.index import APART, TAGGED, Index, unpack_index
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.layout import CarrierBlocks, Cells, Grid, Layout, cell_order, header_bits, payload_of
from napari_mits_gan.evidence.orientation import Orientation, in_plane
from napari_mits_gan.evidence.scan_keys import ScanKeys, Slots
from napari_mits_gan.evidence.tags import place_tags, tags_of_bits
from napari_mits_gan.progress import Progress, silent

UNPLACED = -1
_SAMPLE = 32
"""Blocks of a slice that are tried at every z, to find where it belongs."""
_ENOUGH = 2
"""Blocks whose tags fit that prove where a slice belongs; one may fit by chance in 4 billion."""
_MOST_TRIES = 2_000_000
"""Tags computed in vain to find where slices belong, which takes seconds; then the others are not looked for."""
_NO_VALUE = 1 << 20


class SealReader:
    """Reads blocks of a scan with a known header.

    Parameters
    ----------
    header : Header
        The seal's header.
    key : SealKey
        The key.
    """

    def __init__(self, header: Header, key: SealKey) -> None:
        self.header = header
        self.grid = Grid(header.shape)
        self.layout = Layout(header.rule.bits, header_bits(self.grid, HEADER_BITS))
        self.keys = ScanKeys.of(key, header.nonce)
        self.slots = Slots(self.grid, self.layout, self.keys.order)
        self.cells = Cells(self.grid, cell_order(self.grid, key))
        self.places = HeaderPlaces(self.grid, key)
        self.code_word = code_word(header, key)

    def read(self, values: NDArray[np.int16]) -> SliceBlocks:
        """Take a slice apart; cut or filled up to the size of the sealed slices."""
        return SliceBlocks(self, self.fitted(values))

    def fitted(self, values: NDArray[np.int16]) -> NDArray[np.int16]:
        """A slice cut or filled up with 0 to the size of the sealed slices."""
        wanted = self.grid.shape[1:]
        if values.shape == wanted:
            return values
        fitted = np.zeros(wanted, np.int16)
        ny, nx = (min(a, b) for a, b in zip(values.shape, wanted, strict=True))
        fitted[:ny, :nx] = values[:ny, :nx]
        return fitted


class SliceBlocks:
    """Blocks of one slice, ready to be held against tags.

    Parameters
    ----------
    reader : SealReader
        What is known of the seal.
    values : ndarray of int16, shape (y, x)
        The slice.
    """

    def __init__(self, reader: SealReader, values: NDArray[np.int16]) -> None:
        self._reader = reader
        layout, cells = reader.layout, reader.cells
        blocks = cells.apart(values)
        carried = CarrierBlocks(blocks, cells.inside, reader.header.rule)
        self._carried = carried.values
        self.carriers = carried.carriers
        self.tagged: NDArray[np.intp] = np.flatnonzero(self.carriers >= layout.fixed_bits)
        """Blocks with enough carriers for a tag."""
        self.rest: NDArray[np.intp] = np.flatnonzero(self.carriers < layout.fixed_bits)
        h, fixed = layout.header_bits, layout.fixed_bits
        low = (self._carried[self.tagged, :fixed] & 1).astype(np.uint8)
        self.stated: NDArray[np.uint32] = tags_of_bits(low[:, h:])
        which, masks = reader.places.of(self.tagged, self._carried[self.tagged], self.stated)
        # The header's bits follow from the tag, which does not cover them.
        self._header_fits = ~(low[:, :h] ^ masks ^ reader.code_word[which]).any(axis=1)
        blank = self._carried.copy()
        blank[self.tagged, :fixed] &= ~np.int16(1)
        self._blank = carried.in_place(blank)

    def fits(self, z: int, rows: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
        """For the tagged blocks (or the `rows` of them): whether tag and header's bits are right for slice `z`."""
        rows = np.arange(len(self.tagged)) if rows is None else rows
        numbers = self.tagged[rows]
        expected = place_tags(self._reader.keys.tags, z, numbers, self._blank[numbers], tags.CARRIED)
        return tags.fits(expected, self.stated[rows]) & self._header_fits[rows]

    def place(self, candidates: range, blocks: int) -> int:
        """Which of the candidates this slice is, as so many of its blocks say; `UNPLACED` if none of them fits any."""
        rows = np.arange(len(self.tagged))[:: max(1, len(self.tagged) // blocks)]
        enough = min(_ENOUGH, len(self.tagged))
        likely = (z for z in candidates if len(rows) and self.fits(z, rows).any())
        return next((z for z in likely if np.count_nonzero(self.fits(z)) >= enough), UNPLACED)

    def apart_tags(self, z: int) -> NDArray[np.uint32]:
        """Tags of the blocks without room for one, at slice `z`."""
        return place_tags(self._reader.keys.tags, z, self.rest, self._blank[self.rest], tags.APART)

    def flat_values(self) -> NDArray[np.int32]:
        """For blocks without room for a tag: the one value that all their voxels have, else one that none can have."""
        inside = self._reader.cells.inside[self.rest]
        blocks = self._blank[self.rest]
        high = np.where(inside, blocks, np.int16(-32768)).max(axis=1, initial=-32768)
        low = np.where(inside, blocks, np.int16(32767)).min(axis=1, initial=32767)
        return np.where(high == low, high.astype(np.int32), _NO_VALUE)

    def symbols(self, rows: NDArray[np.intp], z: int) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
        """Numbers (over index and copy) and bytes of the symbols in the blocks `rows`."""
        layout = self._reader.layout
        held = layout.slots_of(self.carriers[rows])
        there = np.arange(layout.slots) < held[:, None]
        numbers = self._reader.slots.numbers[z, rows][:, None] * layout.slots + np.arange(layout.slots)
        return numbers[there], payload_of(self._carried[rows], layout)[there]


@dataclass(frozen=True, eq=False)
class Examination:
    """What was found of every slice and block.

    Parameters
    ----------
    found : FoundSeal
        The seal.
    reader : SealReader
        What is known of it.
    place : ndarray of int, shape (z,)
        Which slice of the sealed scan each slice is; `UNPLACED` where no block tells.
    turned : mapping of int to Orientation
        Slices that have to be turned on their own.
    good : ndarray of bool, shape (z, blocks)
        Blocks that are what was sealed.
    judged : ndarray of bool, shape (z, blocks)
        False for blocks without a tag of their own, if the index that has their tags is lost.
    stated : ndarray of int64, shape (z, blocks)
        The tag that stands in each block; -1 where there is no room for one.
    held : ndarray of int, shape (z, blocks)
        Symbols that each block holds.
    index : Index or None
        None where too much is lost to read it.
    """

    found: FoundSeal
    reader: SealReader
    place: NDArray[np.intp]
    turned: dict[int, Orientation]
    good: NDArray[np.bool_]
    judged: NDArray[np.bool_]
    stated: NDArray[np.int64] = field(repr=False)
    held: NDArray[np.intp] = field(repr=False)
    index: Index | None = None

    def slice_values(self, number: int) -> NDArray[np.int16]:
        """Values of a slice, lying as its sealed slice did."""
        values = self.found.values[number]
        turn = self.turned.get(number)
        return values if turn is None else turn.turn(values[None])[0]  # type: ignore[return-value]

    def chosen(self) -> dict[int, int]:
        """For each slice of the sealed scan that is there: which slice it is, the best one where there are several."""
        best: dict[int, int] = {}
        for number, z in enumerate(self.place):
            if z == UNPLACED:
                continue
            now = best.get(int(z))
            if now is None or self._worth(number, int(z)) > self._worth(now, int(z)):
                best[int(z)] = number
        return best

    def _worth(self, number: int, z: int) -> tuple[int, bool, bool, int]:
        before = number > 0 and self.place[number - 1] == z - 1
        after = number + 1 < len(self.place) and self.place[number + 1] == z + 1
        return int(self.good[number].sum()), before and after, before or after, -number


def examine(volume: CTVolume, found: FoundSeal, key: SealKey, progress: Progress = silent) -> Examination:
    """Hold every block of a scan against its tag.

    Parameters
    ----------
    volume : CTVolume
        The scan.
    found : FoundSeal
        The seal that `find_seal` found in it.
    key : SealKey
        The key.
    progress : Progress
        Called with slices done and their number.

    Returns
    -------
    Examination
    """
    reader = SealReader(found.header, key)
    count, blocks = len(found.values), reader.grid.per_slice
    place = np.full(count, UNPLACED, np.intp)
    turned: dict[int, Orientation] = {}
    fits = np.zeros((count, blocks), bool)
    stated = np.full((count, blocks), -1, np.int64)
    held = np.zeros((count, blocks), np.intp)
    apart = np.zeros((count, blocks), np.uint32)
    flat = np.full((count, blocks), _NO_VALUE, np.int32)
    between = np.zeros((count, blocks), bool)  # whether a block holds HU between the steps that were sealed
    numbers, symbols = [np.empty(0, np.intp)], [np.empty((0, reader.layout.symbol_bytes), np.uint8)]
    hu = found.orientation.turn(volume.hu)
    ahead, search = 0, _Search(reader.grid.shape[0])
    for number in range(count):
        progress(number, count)
        if number in found.foreign:
            continue
        here = reader.read(found.values[number])
        z = _near(here, number, ahead, reader.grid.shape[0])
        if z == UNPLACED:
            z = search.place(here, found.agreement[number] >= SLICE_AGREES)
        if z == UNPLACED:
            turn, z, other = _turned(found, reader, number, search)
            if turn is not None and other is not None:
                turned[number], here = turn, other
        stated[number, here.tagged] = here.stated
        held[number] = reader.layout.slots_of(here.carriers)
        if z == UNPLACED:
            continue
        place[number], ahead = z, z - number
        fits[number, here.tagged] = here.fits(z)
        off = found.lattice.off(hu[number], found.values[number])  # type: ignore[arg-type]
        if off is not None and off.any():
            between[number] = _blocks_with(turned[number].turn(off[None])[0] if number in turned else off, reader)
        apart[number, here.rest], flat[number, here.rest] = here.apart_tags(z), here.flat_values()
        rows = np.flatnonzero(fits[number] & (reader.slots.numbers[z] < found.header.index_blocks))
        which, what = here.symbols(rows, z)
        numbers.append(which)
        symbols.append(what)
    index = _index(reader, found.header, np.concatenate(numbers), np.concatenate(symbols))
    good, judged = _judge(place, fits, apart, flat, stated, index)
    good &= ~between
    progress(count, count)
    return Examination(found, reader, place, turned, good, judged, stated, held, index)


class _Search:
    """Looks for the place of slices among all, as long as not too much was tried in vain."""

    def __init__(self, slices: int) -> None:
        self._candidates = range(slices)
        self._left = _MOST_TRIES

    def place(self, here: SliceBlocks, is_sealed: bool) -> int:
        """Which slice this is; every block is tried if it is a sealed one, else a sample."""
        for blocks in (4, _SAMPLE, len(here.tagged)) if is_sealed else (_SAMPLE,):
            tries = min(blocks, len(here.tagged)) * len(self._candidates)
            if not 0 < tries <= self._left:
                continue
            z = here.place(self._candidates, blocks)
            if z != UNPLACED:
                return z
            self._left -= tries
        return UNPLACED


def _near(here: SliceBlocks, number: int, ahead: int, slices: int) -> int:
    """Where a slice belongs if nothing, or only what was found so far, is shifted."""
    enough = min(_ENOUGH, len(here.tagged))
    for z in dict.fromkeys((number + ahead, number)):
        if 0 <= z < slices and enough:
            sample = np.arange(len(here.tagged))[:: max(1, len(here.tagged) // _SAMPLE)]
            if np.count_nonzero(here.fits(z, sample)) >= enough or np.count_nonzero(here.fits(z)) >= enough:
                return z
    return UNPLACED


def _turned(
    found: FoundSeal, reader: SealReader, number: int, search: _Search
) -> tuple[Orientation | None, int, SliceBlocks | None]:
    """How a single slice was turned, which it is, and its blocks."""
    for turn in in_plane():
        values = turn.turn(found.values[number][None])[0]
        if turn.is_same or values.shape != reader.grid.shape[1:]:
            continue
        if found.reader.agreement(values, found.filler, found.header) < SLICE_AGREES:  # type: ignore[arg-type]
            continue
        here = reader.read(np.ascontiguousarray(values))  # type: ignore[arg-type]
        z = _near(here, number, 0, reader.grid.shape[0])
        z = search.place(here, True) if z == UNPLACED else z
        if z != UNPLACED:
            return turn, z, here
    return None, UNPLACED, None


def _blocks_with(mask: NDArray[np.bool_], reader: SealReader) -> NDArray[np.bool_]:
    """Blocks with any voxel of a slice's mask."""
    return np.asarray(reader.cells.apart(reader.fitted(mask.astype(np.int16))).any(axis=1))


def _index(reader: SealReader, header: Header, numbers: NDArray[np.intp], symbols: NDArray[np.uint8]) -> Index | None:
    numbers, first = np.unique(numbers, return_index=True)
    try:
        data = fountain.decode(header.index_bytes, reader.layout.symbol_bytes, numbers, symbols[first])
        return unpack_index(decrypt(data, reader.keys.index), reader.grid.shape[0], reader.grid.per_slice)
    except (fountain.NotEnoughSymbolsError, DamagedSealError):
        return None


def _judge(
    place: NDArray[np.intp],
    fits: NDArray[np.bool_],
    apart: NDArray[np.uint32],
    flat: NDArray[np.int32],
    stated: NDArray[np.int64],
    index: Index | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which blocks are what was sealed, and of which that can be said."""
    if index is None:
        has_tag = stated >= 0
        return fits, has_tag | (place == UNPLACED)[:, None]
    good = np.zeros(fits.shape, bool)
    listed = np.zeros(index.states.shape, np.uint32)
    listed[index.states == APART] = index.tags
    for number, z in enumerate(place):
        if z == UNPLACED:
            continue
        state, tagged_now = index.states[z], stated[number] >= 0
        good[number] = np.where(state == TAGGED, fits[number], flat[number] == index.filler)
        rows = np.flatnonzero(state == APART)
        good[number, rows] = tags.fits(apart[number, rows], listed[z, rows])
        good[number] &= tagged_now == (state == TAGGED)
    return good, np.ones(fits.shape, bool)
