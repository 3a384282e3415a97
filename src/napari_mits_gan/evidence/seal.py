"""Sealing a scan: tags for its blocks and a copy of itself, in the lowest bits of its own values."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.evidence import fountain, tags
from napari_mits_gan.evidence.carriers import CarrierRule, carrier_rule, nearest_changes, padding_of
from napari_mits_gan.evidence.copy_object import pack_copy
from napari_mits_gan.evidence.encrypted import OVERHEAD_BYTES, encrypt
from napari_mits_gan.evidence.error_diffusion import (
    NOTHING,
    changes_of,
    coded,
    decided,
    moved_upwards,
    raised_or_lowered,
)
from napari_mits_gan.evidence.find_seal import read_header
from napari_mits_gan.evidence.header import HEADER_BITS, NONCE_BYTES, VERSION, Header
from napari_mits_gan.evidence.header_places import HeaderPlaces, code_word
from napari_mits_gan.evidence.index import APART, FLAT, TAGGED, Geometry, Index
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.lattice import Lattice, SealError, lattice_of
from napari_mits_gan.evidence.layout import (
    CELLS,
    SIDE,
    CarrierBlocks,
    Cells,
    Grid,
    Layout,
    cell_order,
    header_bits,
    wanted_bits,
)
from napari_mits_gan.evidence.mark.embed import embed_mark
from napari_mits_gan.evidence.mark.settings import MarkSettings
from napari_mits_gan.evidence.regions import regions_of
from napari_mits_gan.evidence.scan_keys import ScanKeys, Slots
from napari_mits_gan.evidence.side_by_side import side_by_side
from napari_mits_gan.progress import Progress, part_of, silent

HEALED_SHARE = 0.28
"""Share of what carries the copy that may be lost before the scan can no longer be healed."""
COUNTED_FROM_HU = (-950, -910, -856, 130)
"""Values that readers count voxels below or from, which the seal therefore moves none across: emphysema (-950, -910),
trapped air on expiration (-856), calcium in the coronary arteries (130; Agatston et al., 1990)."""
_INDEX_LOST = (0.7, 0.5, 0.3)
"""Share of what carries the index that may be lost: the first that leaves the copy most of the room."""
_MOST_INDEX = 0.1
_FEWEST_COPY_BITS = 0.1
"""Bits of the copy for each voxel that carries something, below which there is none: it would show nothing."""
_FEWEST_BLOCKS = 4
_MOST_VOXELS_ALONG = 65535
_SLICES_AT_ONCE = 8
"""Embedded by one thread in one go."""
_SLICES_READ = 24
"""The header is read from so many at the end, to see that it can be; from all where these do not tell."""
_TOO_SMALL = "This scan is too small, or too much of it is padding, to carry a seal."


@dataclass(frozen=True, eq=False)
class _Plan:
    """What is fixed before the first bit is embedded."""

    grid: Grid
    cells: Cells
    layout: Layout
    rule: CarrierRule
    lattice: Lattice
    nonce: bytes
    keys: ScanKeys
    slots: Slots
    held: NDArray[np.intp]
    """Symbols that each block holds, shape (z, blocks)."""
    index: Index
    changes: NDArray[np.uint8]
    """By how much a value changes to carry certain bits, by value and bits; codes of `error_diffusion`."""
    index_blocks: int = 0


def seal(
    volume: CTVolume,
    key: SealKey,
    *,
    bits: int = 1,
    healed_share: float = HEALED_SHARE,
    with_copy: bool = True,
    nonce: bytes | None = None,
    mark: MarkSettings | bool = False,
    progress: Progress = silent,
) -> CTVolume:
    """Seal a scan.

    Parameters
    ----------
    volume : CTVolume
        The scan. Padding stays as it is; other values change by at most 1 (one bit) or 3 (two bits; few by more than 2)
        steps of what its file can hold. None is moved across one of `COUNTED_FROM_HU`.
    key : SealKey
        Needed again to check and to heal.
    bits : {1, 2}
        Lowest bits that carry the seal. Two make the copy about twice as fine.
    healed_share : float
        Share, 0.05 to 0.6, of what carries the copy that may be lost and the scan still be healed; more of it leaves
        fewer bytes for the copy.
    with_copy : bool
        False seals for detection only.
    nonce : bytes, optional
        12 bytes never used with this key before; drawn at random unless given, which only tests should do.
    mark : MarkSettings or bool
        Whether, and how strongly, to mark the lungs first, so that tampering is found even where the seal is lost; see
        `evidence.mark.embed.embed_mark`.
    progress : Progress
        Called with the steps done and their number; may raise `Cancelled`.

    Returns
    -------
    CTVolume
        The sealed scan. The last step of its history says how many bytes its copy has: 0 where it is sealed for
        detection only, because that was asked for or the scan has no room.

    Raises
    ------
    SealError
        If the scan has too few voxels whose lowest bits are free, or carries a simulated attack.

    Notes
    -----
    The format is described byte by byte in docs/evidence.md.

    Examples
    --------
    >>> sealed = seal(read_ct("scans/chest"), read_key("hospital.key"))  # doctest: +SKIP
    """
    if bits not in (1, 2):
        raise SealError(f"A seal takes the lowest one or two bits, not {bits}.")
    if not 0.05 <= healed_share <= 0.6:
        raise SealError(f"The share that can be healed lies between 0.05 and 0.6; it is {healed_share}.")
    if volume.is_tampered:
        raise SealError("This scan carries a simulated attack, and a tampered scan is never sealed as if it were real.")
    nonce = secrets.token_bytes(NONCE_BYTES) if nonce is None else nonce
    if len(nonce) != NONCE_BYTES:
        raise SealError(f"A nonce has {NONCE_BYTES} bytes.")
    if mark:
        volume = embed_mark(volume, key, None if mark is True else mark, progress=part_of(progress, 0, 0.3))
        progress = part_of(progress, 0.3, 1)
    lattice, lowest, highest = lattice_of(volume)
    values = lattice.steps(volume.hu)

    def regions() -> NDArray[np.uint8] | None:
        return regions_of(volume) if with_copy else None

    def plan() -> _Plan:
        return _plan(volume, values, key, (bits, lowest, highest), lattice, nonce)

    where, planned = cast(
        "tuple[NDArray[np.uint8] | None, _Plan]",
        side_by_side(lambda work: work(), (regions, plan), part_of(progress, 0, 0.2)),
    )
    copy = b"" if where is None else _copy(volume, where, values, planned, healed_share, part_of(progress, 0.2, 0.8))
    del where
    out = _embed(values, planned, copy, key, part_of(progress, 0.8, 0.98))
    some = out[:: max(1, len(out) // _SLICES_READ)]
    if read_header(some, key, progress=part_of(progress, 0.98, 1)) is None and read_header(out, key) is None:
        raise SealError(_TOO_SMALL)
    progress(1000, 1000)
    parameters = {
        "version": VERSION,
        "bits": bits,
        "copy_bytes": len(copy),
        "healed_share": healed_share if copy else 0.0,
    }
    return volume.with_hu(lattice.hu(out), Step("seal", parameters))


def _plan(
    volume: CTVolume,
    values: NDArray[np.int16],
    key: SealKey,
    stored: tuple[int, int, int],
    lattice: Lattice,
    nonce: bytes,
) -> _Plan:
    if max(volume.shape) > _MOST_VOXELS_ALONG:
        raise SealError(f"A scan of {volume.shape} voxels (z, y, x) is too large to be sealed.")
    grid = Grid(volume.shape)
    if grid.per_slice < _FEWEST_BLOCKS:
        raise SealError(
            f"Slices of {grid.shape[1]} x {grid.shape[2]} voxels are too small to be sealed: they need at least four "
            "blocks of 16 x 16."
        )
    bits = stored[0]
    rule = carrier_rule(values, padding_of(volume), *stored)
    layout = Layout(bits, header_bits(grid, HEADER_BITS))
    cells = Cells(grid, cell_order(grid, key))
    keys = ScanKeys.of(key, nonce)
    slots = Slots(grid, layout, keys.order)
    states = np.zeros((grid.shape[0], grid.per_slice), np.uint8)
    held = np.zeros(states.shape, np.intp)
    fillers = np.zeros(1 << 16, np.int64)
    poor: list[tuple[int, NDArray[np.intp], NDArray[np.int16], NDArray[np.bool_]]] = []
    for z in range(grid.shape[0]):
        blocks = cells.apart(values[z])
        carriers = np.count_nonzero(rule.mask(blocks) & cells.inside, axis=1)
        held[z] = layout.slots_of(carriers)
        rest = np.flatnonzero(carriers < layout.fixed_bits)
        flat = is_flat(blocks[rest], cells.inside[rest])
        np.add.at(fillers, blocks[rest[flat], first_inside(cells, rest[flat])].astype(np.int64) + 32768, 1)
        poor.append((z, rest, blocks[rest], flat))
    if not held.any():
        raise SealError("This scan has too few voxels whose lowest bits are free (all else is padding) to be sealed.")
    blank = [z for z, rest, _, _ in poor if len(rest) == grid.per_slice]
    if blank:
        raise SealError(
            f"Slice {blank[0]}, counted from 0, has too few voxels whose lowest bits are free (all else is padding); "
            "leave it out to seal the others."
        )
    filler = int(fillers.argmax()) - 32768
    listed = []
    for z, rest, blocks, flat in poor:
        flat &= blocks[np.arange(len(rest)), first_inside(cells, rest)] == filler
        states[z, rest[flat]], states[z, rest[~flat]] = FLAT, APART
        listed.append(tags.place_tags(keys.tags, z, rest[~flat], blocks[~flat], tags.APART))
    index = Index(Geometry.of(volume), 0, filler, states, np.concatenate(listed))
    kept = [number for hu in COUNTED_FROM_HU if (number := lattice.first_from(hu)) is not None]
    changes = coded(*nearest_changes(rule, kept), 1 << bits)
    plan = _Plan(grid, cells, layout, rule, lattice, nonce, keys, slots, held, index, changes)
    return replace(plan, index_blocks=_index_blocks(plan))


def is_flat(blocks: NDArray[np.int16], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether all voxels of a block that lie within the slice have one value, shape (blocks,)."""
    high = np.where(inside, blocks, np.int16(-32768)).max(axis=1)
    low = np.where(inside, blocks, np.int16(32767)).min(axis=1)
    return np.asarray(high == low)


def first_inside(cells: Cells, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Where, in the key's order, the first voxel of a block stands that lies within the slice."""
    return cells.inside[rows].argmax(axis=1)


def _index_blocks(plan: _Plan) -> int:
    """How many blocks carry the index."""
    length = len(plan.index.pack()) + OVERHEAD_BYTES
    needed = fountain.symbols_needed(length, plan.layout.symbol_bytes)
    there = np.cumsum(plan.held.ravel()[plan.slots.order])
    for lost in _INDEX_LOST:
        symbols = int(np.ceil(needed / (1 - lost)))
        if symbols <= _MOST_INDEX * there[-1]:
            break
    blocks = int(np.searchsorted(there, symbols)) + 1
    if blocks > len(there) // 2:
        blocks = int(np.searchsorted(there, max(needed, there[-1] // 2))) + 1
    if blocks > len(there) or there[blocks - 1] < needed:
        raise SealError(_TOO_SMALL)
    return blocks


def _copy(
    volume: CTVolume,
    regions: NDArray[np.uint8],
    values: NDArray[np.int16],
    plan: _Plan,
    healed_share: float,
    progress: Progress,
) -> bytes:
    """The encrypted copy; empty where there is no room for one."""
    held = plan.held.ravel()[plan.slots.order][plan.index_blocks :]
    room = fountain.most_bytes(int(held.sum() * (1 - healed_share)), plan.layout.symbol_bytes) - OVERHEAD_BYTES
    carrying = int(np.count_nonzero(plan.held)) * CELLS
    if room * 8 < _FEWEST_COPY_BITS * carrying:
        return b""
    try:
        data = pack_copy(volume.hu, regions, values == plan.index.filler, room, progress)
    except EvidenceError:  # not even the coarsest copy fits
        return b""
    return encrypt(data, plan.keys.copy)


def _embed(values: NDArray[np.int16], plan: _Plan, copy: bytes, key: SealKey, progress: Progress) -> NDArray[np.int16]:
    layout, slots = plan.layout, plan.slots
    index = encrypt(replace(plan.index, copy_bytes=len(copy)).pack(), plan.keys.index)
    header = Header(plan.nonce, plan.grid.shape, plan.rule, plan.lattice, len(index), plan.index_blocks)
    places = HeaderPlaces(plan.grid, key)
    word = code_word(header, key)
    symbols = np.zeros((plan.grid.count * layout.slots, layout.symbol_bytes), np.uint8)
    of_index = slots.index_symbols(header)
    symbols[:of_index] = fountain.encode(index, layout.symbol_bytes, of_index)
    if copy:
        symbols[of_index:] = fountain.encode(
            copy, layout.symbol_bytes, slots.copy_symbols(header), part_of(progress, 0, 0.5)
        )
    by_block = symbols.reshape(plan.grid.count, layout.slots, layout.symbol_bytes)
    out = np.empty_like(values)

    def some(first: int) -> None:
        part = range(first, min(first + _SLICES_AT_ONCE, len(out)))
        drafts = [_draft(values[z], z, plan, by_block[slots.numbers[z]], bool(copy)) for z in part]
        upwards = _upwards(drafts, plan, first)
        for z, draft, up in zip(part, drafts, upwards, strict=True):
            out[z] = _sealed_slice(draft, up, z, plan, places, word)

    side_by_side(some, range(0, len(out), _SLICES_AT_ONCE), part_of(progress, 0.5, 1))
    return out


@dataclass(frozen=True, eq=False)
class _Draft:
    """What is to be done with the blocks of a slice.

    Parameters
    ----------
    carried : CarrierBlocks
        The slice.
    rows : ndarray of int, shape (n,)
        Blocks that carry a tag.
    old : ndarray of int16, shape (n, 256)
        Their values by rank.
    codes : ndarray of uint8, same shape
        By how much each changes; codes of `error_diffusion`.
    """

    carried: CarrierBlocks
    rows: NDArray[np.intp]
    old: NDArray[np.int16]
    codes: NDArray[np.uint8]


def _draft(values: NDArray[np.int16], z: int, plan: _Plan, symbols: NDArray[np.uint8], has_copy: bool) -> _Draft:
    layout = plan.layout
    carried = CarrierBlocks(plan.cells.apart(values), plan.cells.inside, plan.rule)
    rows = np.flatnonzero(plan.index.states[z] == TAGGED)
    old, carriers = carried.values[rows], carried.carriers[rows]
    room = carriers if has_copy else np.where(plan.slots.numbers[z, rows] < plan.index_blocks, carriers, 0)
    wanted = wanted_bits(old, room, symbols[rows], layout)
    codes = plan.changes.take((old.view(np.uint16).astype(np.int32) << layout.bits) | wanted)
    np.putmask(codes, np.arange(CELLS) >= carriers[:, None], NOTHING)
    codes[:, : layout.fixed_bits] = decided(codes[:, : layout.fixed_bits])
    return _Draft(carried, rows, old, codes)


def _upwards(drafts: list[_Draft], plan: _Plan, first: int) -> NDArray[np.bool_]:
    """Which voxels go up that may go either way, shape (slices, y, x) with all of the last blocks.

    The bits of header and tag follow from the rest and are only set, which raises even values by a half on average and
    lowers odd ones; the other voxels make up for it.
    """
    fixed, grid = plan.layout.fixed_bits, plan.grid
    wide = (grid.rows, SIDE, grid.columns, SIDE)
    codes = np.empty((len(drafts), *wide), np.uint8)
    for out, draft in zip(codes, drafts, strict=True):
        blocks = np.full(draft.carried.values.shape, NOTHING, np.uint8)
        blocks[draft.rows, fixed:] = draft.codes[:, fixed:]
        blocks[draft.rows, :fixed] = raised_or_lowered(draft.codes[:, :fixed], draft.old[:, :fixed])
        out[...] = plan.cells.filled(draft.carried.in_place(blocks)).reshape(wide)
    seed = int.from_bytes(hashlib.sha256(plan.nonce + first.to_bytes(4, "little")).digest()[:8], "little")
    up = moved_upwards(codes, 1 << plan.layout.bits, seed)
    return up.reshape(len(drafts), grid.rows * SIDE, grid.columns * SIDE)


def _sealed_slice(
    draft: _Draft, upwards: NDArray[np.bool_], z: int, plan: _Plan, places: HeaderPlaces, word: NDArray[np.uint8]
) -> NDArray[np.int16]:
    layout, h, carried, rows = plan.layout, plan.layout.header_bits, draft.carried, draft.rows
    up = carried.by_rank(plan.cells.apart(upwards))[rows]
    new = draft.old + changes_of(draft.codes, up, 1 << layout.bits)
    # The tag leaves out its own bits and the header's, which follow from it.
    new[:, : layout.fixed_bits] &= ~np.int16(1)
    carried.values[rows] = new
    blank = carried.in_place(carried.values)[rows]
    codes = tags.place_tags(plan.keys.tags, z, rows, blank, tags.CARRIED)
    which, masks = places.of(rows, new, codes)
    new[:, :h] |= word[which] ^ masks
    new[:, h : layout.fixed_bits] |= tags.tag_bits(codes)
    carried.values[rows] = new
    return plan.cells.together(carried.in_place(carried.values))
