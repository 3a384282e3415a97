"""Finding a seal: whatever way the scan lies, is its header there under this key?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.header import Header, HeaderPlaces, header_of_votes
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.lattice import Lattice, likely_lattices
from napari_mits_gan.evidence.layout import SIDE, Grid, cell_order
from napari_mits_gan.evidence.orientation import Orientation, across_planes, in_plane

SLICE_AGREES = 0.65
"""Share of a slice's header bits that say what the header says, above which the slice is one of this sealed scan."""


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
    """

    def __init__(self, grid: Grid, key: SealKey) -> None:
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
        counted[:ny, :nx] = (read != read[0]).any(axis=0)  # blocks of one value are filler
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
            found = _read(orientation.turn(values), key)
            if found is not None:
                header, agreement, foreign = found
                if header.lattice != lattice:
                    values = header.lattice.steps(volume.hu)
                turned = orientation.turn(values)
                return FoundSeal(header, orientation, turned, header.lattice, agreement, foreign)  # type: ignore[arg-type]
    return None


def _read(
    values: NDArray[np.generic], key: SealKey
) -> tuple[Header, NDArray[np.float64], dict[int, Header]] | None:
    grid = Grid(values.shape)  # type: ignore[arg-type]
    if grid.shape[1] < SIDE or grid.shape[2] < SIDE:
        return None
    reader = HeaderReader(grid, key)
    votes = np.array([reader.votes(values[z]) for z in range(len(values))])  # type: ignore[arg-type]
    header = header_of_votes(votes.sum(axis=0), key)
    own: dict[int, Header] = {}
    if header is None:
        # Slices of several sealed scans outvote each other; most slices can be read on their own.
        own = {z: found for z, vote in enumerate(votes) if (found := header_of_votes(vote, key)) is not None}
        if not own:
            return None
        nonces = [h.nonce for h in own.values()]
        header = next(h for h in own.values() if h.nonce == max(set(nonces), key=nonces.count))
    agreement = np.array([agreement_of(vote, header, key) for vote in votes])
    for z in np.flatnonzero(agreement < SLICE_AGREES):
        found = own.get(int(z)) or header_of_votes(votes[z], key)
        if found is not None and found.nonce != header.nonce:
            own[int(z)] = found
    foreign = {z: h for z, h in own.items() if h.nonce != header.nonce}
    return header, agreement, foreign


def agreement_of(votes: NDArray[np.int64], header: Header, key: SealKey) -> float:
    """How far the votes of a slice are for a header: 1 wholly, 0.5 by chance."""
    expected = np.unpackbits(np.frombuffer(header.pack(key), np.uint8)).astype(np.int64) * 2 - 1
    return 0.5 + 0.5 * float((votes * expected).sum() / max(1, np.abs(votes).sum()))
