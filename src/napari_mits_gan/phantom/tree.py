"""Branching trees that fill a region, as vessels and airways fill a lung."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.phantom.canvas import Field, Grid, along_segment

Places = NDArray[np.float64]

REACH = 0.42
"""How far a branch goes towards the middle of what it supplies before it parts."""
MURRAY = 3.0
"""Murray's law: the cube of a branch's radius is the sum of its children's cubes."""


@dataclass(frozen=True)
class Branch:
    """A straight piece of a tree between two places (z, y, x) in mm."""

    start: Places
    end: Places
    start_radius_mm: float
    end_radius_mm: float
    generation: int
    leaves: int


def grow(start: Places, targets: Places, leaf_radius_mm: float, random: np.random.Generator) -> list[Branch]:
    """Grow a tree from one place until it reaches every target.

    A branch goes part of the way to the middle of its targets; there the targets are parted by the plane across
    their widest extent, and each half gets a branch of its own.

    Parameters
    ----------
    start : ndarray, shape (3,)
        The root, (z, y, x) in mm.
    targets : ndarray, shape (n, 3)
        Where the tree has to end, (z, y, x) in mm.
    leaf_radius_mm : float
        Radius of the last branches; the others follow from Murray's law.
    random : numpy.random.Generator
        Bends the branches a little.

    Returns
    -------
    list of Branch
        From the root outwards.

    References
    ----------
    The principle of H. Kitaoka, R. Takaki and B. Suki, A three-dimensional model of the human airway tree, J. Appl.
    Physiol. 87, 1999: each branch halves the region that it supplies.
    """
    branches: list[Branch] = []
    open_ends = [(np.asarray(start, dtype=float), np.asarray(targets, dtype=float), 0)]
    while open_ends:
        begin, goals, generation = open_ends.pop()
        radius = leaf_radius_mm * len(goals) ** (1 / MURRAY)
        if len(goals) == 1:
            branches.append(Branch(begin, goals[0], radius, 0.7 * radius, generation, 1))
            continue
        way = goals.mean(axis=0) - begin
        length = float(np.linalg.norm(way))
        end = begin + REACH * way + random.normal(0, 0.05 * REACH * length, 3)
        # One bend on the way; straight vessels look like wires.
        bend = (begin + end) / 2 + random.normal(0, 0.06 * REACH * length, 3)
        branches.append(Branch(begin, bend, radius, radius, generation, len(goals)))
        branches.append(Branch(bend, end, radius, 0.95 * radius, generation, len(goals)))
        spread = goals - goals.mean(axis=0)
        spread = spread - np.outer(spread @ way, way) / max(length * length, 1e-6)
        widest = np.linalg.svd(spread, full_matrices=False)[2][0]
        order = np.argsort(spread @ widest)
        # Not always in equal halves: a large vessel also gives off small ones.
        cut = int(np.clip(round(len(goals) * random.uniform(0.3, 0.7)), 1, len(goals) - 1))
        open_ends.append((end, goals[order[:cut]], generation + 1))
        open_ends.append((end, goals[order[cut:]], generation + 1))
    return branches


def beside(branches: list[Branch], share: float, gap: float = 1.0) -> list[Branch]:
    """The same tree moved aside by the sum of both radii: an airway with `share` of the radius next to its artery."""

    def moved(place: Places, radius: float, along: Places) -> Places:
        aside = np.cross(along, (0.3, 1.0, 0.2))
        return place + aside / max(float(np.linalg.norm(aside)), 1e-6) * radius * (1 + share) * gap

    shifted: dict[bytes, Places] = {}
    result = []
    for branch in branches:
        along = branch.end - branch.start
        # Children start where their parent ended, so that the moved tree stays connected.
        start = shifted.get(branch.start.tobytes())
        if start is None:
            start = moved(branch.start, branch.start_radius_mm, along)
        end = moved(branch.end, branch.end_radius_mm, along)
        shifted[branch.end.tobytes()] = end
        radii = share * branch.start_radius_mm, share * branch.end_radius_mm
        result.append(Branch(start, end, *radii, branch.generation, branch.leaves))
    return result


def coverage(grid: Grid, branches: list[Branch], grow_mm: float = 0.0) -> Field:
    """Share of each voxel inside the tree, 0 to 1, with all radii enlarged by `grow_mm`."""
    covered = np.zeros(grid.shape, dtype=np.float32)
    edge = grid.edge_mm
    for branch in branches:
        first, last = branch.start_radius_mm + grow_mm, branch.end_radius_mm + grow_mm
        if max(first, last) <= 0:
            continue
        reach = max(first, last) + edge
        corners = np.stack([branch.start, branch.end])
        box = grid.box(corners.min(axis=0) - reach, corners.max(axis=0) + reach)
        if any(s.start >= s.stop for s in box):
            continue
        away, share = along_segment(grid, box, branch.start, branch.end)
        radius = first + (last - first) * share
        # A vessel thinner than a voxel is not narrower in the picture but fainter.
        faint = np.clip(2 * radius / edge, 0, 1) ** 1.2
        piece = np.clip(0.5 + (np.maximum(radius, edge / 2) - away) / edge, 0, 1) * faint
        np.maximum(covered[box], piece, out=covered[box])
    return covered
