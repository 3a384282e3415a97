"""Finding a seal: whatever way the scan lies, is its header there under this key?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.header import Header
from napari_mits_gan.evidence.header_places import (
    CODED_BITS,
    TAG_BITS_READ,
    HeaderPlaces,
    code_word,
    header_of_votes,
)
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keyed_order
from napari_mits_gan.evidence.lattice import Lattice, likely_lattices
from napari_mits_gan.evidence.layout import SIDE, Grid, cell_order
from napari_mits_gan.evidence.orientation import Orientation, across_planes, in_plane
from napari_mits_gan.progress import Progress, part_of, silent

SLICE_AGREES = 0.65
"""Share of a slice's votes that are for the header, above which the slice is one of this sealed scan."""

_ALIKE = 0.15
"""Correlation of the votes of two slices of one sealed scan, at least; slices without a seal have 0 +- 0.025."""
_SIGNAL = 1.25
"""Square sum of votes by their number: 1 +- 0.035 if they are random, and no header can be read from so few more."""
_NOT_RANDOM = 1.1
"""The same for a single slice, which may be one of several of the same scan."""
_SPIKE = 10
"""So many times as frequent as the values above it is padding, at least."""
_FEW_SLICES, _MORE_SLICES = 24, 96
_NO_VALUE = 1 << 20
_MOST_GROUPS = 8
"""Sealed scans, or slices without a seal, that are told apart."""


@dataclass(frozen=True, eq=False)
class FoundSeal:
    """A seal that a scan carries.

    Parameters
    ----------
    header : Header
        Its header.
    orientation : Orientation
        How the scan has to be turned to lie as it did when it was sealed.
    values : ndarray of int16, shape (z, y, x)
        The scan's values, turned so.
    lattice : Lattice
        The lattice of the values.
    agreement : ndarray of float, shape (z,)
        For each slice, the share of its votes that are for the header.
    foreign : mapping of int to Header
        Slices with the header of another sealed scan.
    reader : HeaderReader
        Reads the header of slices that lie so.
    filler : int
        The value of padding, or one that no voxel has.
    """

    header: Header
    orientation: Orientation
    values: NDArray[np.int16]
    lattice: Lattice
    agreement: NDArray[np.float64]
    foreign: dict[int, Header]
    reader: HeaderReader
    filler: int


class HeaderReader:
    """Reads the header of slices of one size.

    Parameters
    ----------
    grid : Grid
        Blocks of the scan; only those of one slice matter.
    key : SealKey
        The key.
    """

    def __init__(self, grid: Grid, key: SealKey) -> None:
        self._places = HeaderPlaces(grid, key)
        # The last blocks may reach over the edge; they have no say.
        rows, columns = grid.shape[1] // SIDE, grid.shape[2] // SIDE
        row, column = (part.ravel() for part in np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"))
        self._numbers = row * grid.columns + column
        order = cell_order(grid, key)[self._numbers, : self._places.per_block + TAG_BITS_READ]
        self._y, self._x = row[:, None] * SIDE + order // SIDE, column[:, None] * SIDE + order % SIDE

    def votes(self, values: NDArray[np.int16], filler: int) -> tuple[NDArray[np.int64], int]:
        """The votes of one slice for each bit of the code word, 1 less 0, and how many they are.

        Each block is read as if all its voxels were carriers; one that has the filler's value where the header would
        be, or was wiped, has no say.
        """
        read = values[self._y, self._x]
        bits, h = (read & 1).astype(np.uint8), self._places.per_block
        counted = (read != filler).all(axis=1) & (bits != bits[:, :1]).any(axis=1)
        bits = bits[counted]
        first = np.packbits(bits[:, h:], axis=1).view("<u2").ravel()
        which, masks = self._places.of(self._numbers[counted], read[counted], first)
        said = (bits[:, :h] ^ masks) * 2.0 - 1
        votes = np.bincount(which.ravel(), weights=said.ravel(), minlength=CODED_BITS)
        return votes.astype(np.int64), which.size

    def agreement(self, values: NDArray[np.int16], filler: int, word: NDArray[np.uint8]) -> float:
        """How far the votes of a slice are for a header's code word: 1 wholly, 0.5 by chance."""
        votes, cast = self.votes(values, filler)
        return float(_agreement(votes[None], np.array([cast]), word)[0])


@dataclass(frozen=True, eq=False)
class FoundHeader:
    """A header read from slices as they lie.

    Parameters
    ----------
    header : Header
        The one that most slices have.
    agreement : ndarray of float, shape (z,)
        For each slice, the share of its votes that are for it.
    foreign : mapping of int to Header
        Slices with the header of another sealed scan.
    reader : HeaderReader
        What read them.
    """

    header: Header
    agreement: NDArray[np.float64]
    foreign: dict[int, Header]
    reader: HeaderReader


def find_seal(
    volume: CTVolume, key: SealKey, *, thorough: bool = True, progress: Progress = silent
) -> FoundSeal | None:
    """The seal that a scan carries under a key; None where there is none.

    Looked for as the scan lies, then turned and mirrored within its slices, then with other planes for slices; each on
    the lattices that the values may be of. A few slices tell for most scans; where they do not, all are read, unless
    `thorough` is False: then a turned scan of which next to nothing is left is missed, in a third of the time.
    `progress` is told how much of the first way is read; during the others it is only asked whether to go on.
    """
    filler = likely_filler(volume.hu)
    readers: dict[tuple[int, ...], HeaderReader] = {}
    told = progress
    for orientation, lattice, number in _tries(volume, thorough):
        turned = orientation.turn(volume.hu)
        if number:
            turned = turned[sampled_slices(key, len(turned), number)]
        values = lattice.steps(turned)  # type: ignore[arg-type]
        found = read_header(values, key, filler=_step_of(filler, lattice), readers=readers, progress=told)
        told = part_of(progress, 1, 1)
        # Values that only look like steps lead to a header that speaks of HU, at the wrong place.
        if found is None or found.header.lattice.is_hu != lattice.is_hu:
            continue
        lattice = found.header.lattice
        if number or values is not turned:
            values = lattice.steps(orientation.turn(volume.hu))  # type: ignore[arg-type]
            found = read_header(values, key, filler=_step_of(filler, lattice), readers=readers, progress=told)
        if found is not None:
            return FoundSeal(
                found.header,
                orientation,
                values,
                lattice,
                found.agreement,
                found.foreign,
                found.reader,
                _step_of(filler, lattice),
            )
    return None


def sampled_slices(key: SealKey, slices: int, number: int = _FEW_SLICES) -> NDArray[np.intp]:
    """Slices to look at first, ascending; which ones only the key tells, so that nobody can spoil just these."""
    return np.sort(keyed_order(key.derive("sample of slices"), slices)[:number])


def _tries(volume: CTVolume, thorough: bool) -> Iterator[tuple[Orientation, Lattice, int]]:
    """Ways to read a scan, likeliest first, and how many slices to look at; 0 for all."""
    ways = (*in_plane(), *across_planes())
    yield ways[0], Lattice(), 0
    lattices = list(likely_lattices(volume))
    for orientation, lattice in product(ways, lattices):
        if not (orientation.is_same and lattice.is_hu):
            yield orientation, lattice, _FEW_SLICES
    for lattice, orientation in product(lattices if thorough else [], ways):
        if not (orientation.is_same and lattice.is_hu):
            yield orientation, lattice, 0 if orientation.axes[0] == 0 and lattice.is_hu else _MORE_SLICES


def _step_of(filler: int, lattice: Lattice) -> int:
    return filler if filler == _NO_VALUE else int(lattice.steps(np.array([filler], np.int16))[0])


def read_header(
    values: NDArray[np.generic],
    key: SealKey,
    *,
    filler: int | None = None,
    readers: dict[tuple[int, ...], HeaderReader] | None = None,
    progress: Progress = silent,
) -> FoundHeader | None:
    """The header of slices as they lie.

    Parameters
    ----------
    values : ndarray of int, shape (z, y, x)
        The slices.
    key : SealKey
        The key.
    filler : int, optional
        Padding's value, or one that no voxel has; looked for if not given.
    readers : dict, optional
        Readers made so far, for slices of each size.
    progress : Progress
        Called with slices read and their number.

    Returns
    -------
    FoundHeader or None
    """
    grid = Grid(values.shape)  # type: ignore[arg-type]
    if grid.shape[1] < SIDE or grid.shape[2] < SIDE:
        return None
    readers = {} if readers is None else readers
    reader = readers.get(grid.shape[1:]) or readers.setdefault(grid.shape[1:], HeaderReader(grid, key))
    filler = likely_filler(values) if filler is None else filler
    read = []
    for z, plane in enumerate(values):
        progress(z, len(values))
        read.append(reader.votes(plane, filler))  # type: ignore[arg-type]
    votes, cast = np.array([v for v, _ in read]), np.array([n for _, n in read])
    # All slices together: noise in all of them hides a header from each. Then each kind: there may be several scans.
    agreements: dict[Header, NDArray[np.float64]] = {}

    def add(members: list[int]) -> None:
        header = _header(votes[members].sum(axis=0), int(cast[members].sum()), key)
        if header is not None and header not in agreements:
            agreements[header] = _agreement(votes, cast, code_word(header, key))

    add(list(range(len(votes))))
    known = np.zeros(len(votes), bool)
    for agreement in agreements.values():
        known |= agreement >= SLICE_AGREES
    rest = np.flatnonzero(~known)
    for members in _alike(votes[rest], cast[rest]):
        add(rest[members].tolist())
    if not agreements:
        return None
    header = max(agreements, key=lambda h: np.count_nonzero(agreements[h] >= SLICE_AGREES))
    agreement = agreements[header]
    foreign = {
        int(z): other
        for other, theirs in agreements.items()
        for z in np.flatnonzero((theirs >= SLICE_AGREES) & (theirs > agreement))
        if other is not header
    }
    return FoundHeader(header, agreement, foreign, reader)


def likely_filler(values: NDArray[np.generic]) -> int:
    """The lowest frequent value, if it is far more frequent than those above it: padding's, where there is padding."""
    sample = values[:: max(1, len(values) // 32)].astype(np.int32).ravel() + 32768
    counts = np.bincount(sample, minlength=1 << 16)
    frequent = np.flatnonzero(counts >= 0.01 * sample.size)
    if not frequent.size:
        return _NO_VALUE
    # Noise makes values beside padding's frequent too.
    most = int(frequent[0]) + int(counts[frequent[0] : frequent[0] + 3].argmax())
    return most - 32768 if counts[most] >= _SPIKE * counts[most + 1 : most + 9].mean() else _NO_VALUE


def _header(votes: NDArray[np.int64], cast: int, key: SealKey) -> Header | None:
    """The header that votes give; None where they look random."""
    return header_of_votes(votes, key) if (votes**2).sum() >= _SIGNAL * max(1, cast) else None


def _agreement(votes: NDArray[np.int64], cast: NDArray[np.int64], word: NDArray[np.uint8]) -> NDArray[np.float64]:
    """For the votes of each slice, shape (z, bits), the share that is for a code word: 1 wholly, 0.5 by chance."""
    return np.asarray(0.5 + 0.5 * (votes @ (word.astype(np.int64) * 2 - 1)) / np.maximum(1, cast))


def _alike(votes: NDArray[np.int64], cast: NDArray[np.int64]) -> list[list[int]]:
    """Slices whose votes are alike; those whose votes look random are left out.

    Slices of one sealed scan are, in whatever order they lie and whatever else lies between them. Those that decide
    most clearly come first, since slices without a seal are alike with none.
    """
    groups: list[tuple[list[int], NDArray[np.int64]]] = []
    strength = (votes**2).sum(axis=1)
    for z in np.argsort(-strength, kind="stable"):
        if strength[z] < _NOT_RANDOM * max(1, cast[z]):
            continue
        for members, total in groups:
            if votes[z] @ total >= _ALIKE * np.sqrt(float(strength[z]) * float((total**2).sum())):
                members.append(int(z))
                total += votes[z]
                break
        else:
            if len(groups) == _MOST_GROUPS:
                # The oldest of the smallest makes room, or foreign slices could take it all.
                del groups[min(range(len(groups)), key=lambda n: len(groups[n][0]))]
            groups.append(([int(z)], votes[z].copy()))
    return [members for members, _ in groups]
