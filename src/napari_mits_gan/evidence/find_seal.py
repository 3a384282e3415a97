"""Finding a seal: whatever way the scan lies, is its header there under this key?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.header import PHASES, Header, HeaderPlaces, header_of_votes, in_phase
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.keyed_order import keyed_order
from napari_mits_gan.evidence.lattice import Lattice, likely_lattices
from napari_mits_gan.evidence.layout import SIDE, Grid, cell_order
from napari_mits_gan.evidence.orientation import Orientation, across_planes, in_plane

SLICE_AGREES = 0.65
"""Share of a slice's header bits that say what the header says, above which the slice is one of this sealed scan."""

_ALIKE = 0.25
"""Correlation of the votes of two slices of one sealed scan, at least; slices without a seal have 0 +- 0.05."""
_SPIKE = 10
"""So many times as frequent as the values above it is padding, at least."""
_FEW_SLICES = 24
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
        For each slice, the share of its header bits that agree with the header.
    foreign : mapping of int to Header
        Slices with the header of another sealed scan.
    """

    header: Header
    orientation: Orientation
    values: NDArray[np.int16]
    lattice: Lattice
    agreement: NDArray[np.float64]
    foreign: dict[int, Header]


class HeaderReader:
    """Reads the header of slices of one size.

    Parameters
    ----------
    grid : Grid
        Blocks of the scan.
    key : SealKey
        The key.
    filler : int
        Value of padding, or one that no voxel has; blocks that have it where the header would be have no say.
    """

    def __init__(self, grid: Grid, key: SealKey, filler: int) -> None:
        self._filler = filler
        self._grid = grid
        self.places = HeaderPlaces(grid, key)
        order = cell_order(key)[: self.places.per_block]
        self._rows, self._columns = order // SIDE, order % SIDE
        # The last blocks may reach over the edge; they have no say.
        self._whole = (grid.shape[1] // SIDE, grid.shape[2] // SIDE)

    def bits(self, values: NDArray[np.int16]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """What stands where a slice has the header if all voxels are carriers, and which blocks are to be counted."""
        ny, nx = self._whole
        whole = values[: ny * SIDE, : nx * SIDE].reshape(ny, SIDE, nx, SIDE)
        found = np.zeros((self._grid.rows, self._grid.columns, len(self._rows)), np.uint8)
        read = whole[:, self._rows, :, self._columns]  # (bits, ny, nx)
        found[:ny, :nx] = np.moveaxis(read & 1, 0, 2)
        counted = np.zeros((self._grid.rows, self._grid.columns), bool)
        counted[:ny, :nx] = (read != self._filler).all(axis=0)
        return found.reshape(-1, len(self._rows)), counted.ravel()

    def votes(self, values: NDArray[np.int16]) -> NDArray[np.int64]:
        """The votes of one slice."""
        return self.places.votes(*self.bits(values))


def find_seal(volume: CTVolume, key: SealKey) -> FoundSeal | None:
    """The seal that a scan carries under a key; None where there is none.

    Looked for as the scan lies, then turned and mirrored within its slices, then with other planes for slices; each on
    the lattices that the values may be of.
    """
    for lattice in likely_lattices(volume):
        values = lattice.steps(volume.hu)
        for orientation in (*in_plane(), *across_planes()):
            turned = orientation.turn(values)
            if not (orientation.is_same and lattice.is_hu):
                # Most scans lie as they did, and most of these tries find nothing: a few slices tell.
                # Which ones only the key tells, so that nobody can spoil just these.
                few = turned[np.sort(keyed_order(key.derive("sample of slices"), len(turned))[:_FEW_SLICES])]
                if read_header(few, key) is None:
                    continue
            found = read_header(turned, key)
            # Values that only look like steps lead to a header that speaks of HU, at the wrong place.
            if found is not None and found[0].lattice.is_hu == lattice.is_hu:
                header, agreement, foreign = found
                if header.lattice != lattice:
                    values = header.lattice.steps(volume.hu)
                return FoundSeal(header, orientation, orientation.turn(values), header.lattice, agreement, foreign)  # type: ignore[arg-type]
    return None


def read_header(
    values: NDArray[np.generic], key: SealKey
) -> tuple[Header, NDArray[np.float64], dict[int, Header]] | None:
    """The header of slices as they lie, how far each slice agrees with it, and slices that have another."""
    grid = Grid(values.shape)  # type: ignore[arg-type]
    if grid.shape[1] < SIDE or grid.shape[2] < SIDE:
        return None
    reader = HeaderReader(grid, key, likely_filler(values))
    votes = np.array([reader.votes(values[z]) for z in range(len(values))])  # type: ignore[arg-type]
    read: list[tuple[Header, list[int]]] = []
    for members, total in _alike(votes):
        phases = (header_of_votes(in_phase(total, phase), key) for phase in range(PHASES))
        header = next((h for h in phases if h is not None), None)
        if header is not None:
            read.append((header, members))
    if not read:
        return None
    most = max({h.nonce for h, _ in read}, key=lambda nonce: sum(len(m) for h, m in read if h.nonce == nonce))
    header = next(h for h, _ in read if h.nonce == most)
    agreement = np.array([agreement_of(vote, header, key) for vote in votes])
    foreign = {z: h for h, members in read if h.nonce != most for z in members}
    return header, agreement, foreign


def likely_filler(values: NDArray[np.generic]) -> int:
    """The lowest frequent value, if it is far more frequent than those above it: padding's, where there is padding."""
    sample = values[:: max(1, len(values) // 32)].astype(np.int32).ravel() + 32768
    counts = np.bincount(sample, minlength=1 << 16)
    frequent = np.flatnonzero(counts >= 0.01 * sample.size)
    if not frequent.size or counts[frequent[0]] < _SPIKE * counts[frequent[0] + 1 : frequent[0] + 9].mean():
        return _NO_VALUE
    return int(frequent[0]) - 32768


def agreement_of(votes: NDArray[np.int64], header: Header, key: SealKey) -> float:
    """How far the votes of a slice are for a header: 1 wholly, 0.5 by chance."""
    expected = np.unpackbits(np.frombuffer(header.pack(key), np.uint8)).astype(np.int64) * 2 - 1
    best = max(int((in_phase(votes, phase) * expected).sum()) for phase in range(PHASES))
    return 0.5 + 0.5 * best / max(1, int(np.abs(votes).sum()))


def _alike(votes: NDArray[np.int64]) -> list[tuple[list[int], NDArray[np.int64]]]:
    """Slices whose votes, rotated against each other, are alike, and the sum of their votes.

    Slices of one sealed scan are, in whatever order they lie and whatever else lies between them. Those that decide
    most clearly come first, since slices without a seal are alike with none.
    """
    groups: list[tuple[list[int], NDArray[np.int64]]] = []
    strength = (votes**2).sum(axis=1)
    for z in np.argsort(-strength, kind="stable"):
        if strength[z] == 0:
            continue
        turned = np.stack([in_phase(votes[z], phase) for phase in range(PHASES)])
        for members, total in groups:
            scores = turned @ total / np.sqrt(float(strength[z]) * float((total**2).sum()) + 1)
            if scores.max() >= _ALIKE:
                members.append(int(z))
                total += turned[int(scores.argmax())]
                break
        else:
            if (
                len(groups) == _MOST_GROUPS
            ):  # the oldest of the smallest makes room, or foreign slices could take it all
                del groups[min(range(len(groups)), key=lambda n: len(groups[n][0]))]
            groups.append(([int(z)], votes[z].copy()))
    return groups
