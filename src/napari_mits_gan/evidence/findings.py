"""From what was found of each slice and block to sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.carriers import padding_of
from napari_mits_gan.evidence.copied_blocks import copied_from
from napari_mits_gan.evidence.examine import UNPLACED, Examination
from napari_mits_gan.evidence.index import Geometry
from napari_mits_gan.evidence.lattice import stored_lattice
from napari_mits_gan.evidence.layout import SIDE
from napari_mits_gan.evidence.orientation import Orientation
from napari_mits_gan.evidence.slice_order import SliceOrder
from napari_mits_gan.evidence.verdict import Box, Finding, Kind

_MOST_PLACES = 200
"""Places with changed blocks that get a sentence of their own, the largest first."""
_WIPED = 0.98
"""Share of equal lowest bits from which they are said to be wiped."""
_EVERYWHERE = 0.9
"""Share of slices without a block that is right from which the whole scan is said to be changed."""
_FEW_VALUES = 16
_SPACING_TOLERANCE, _ORIGIN_TOLERANCE_MM, _DIRECTION_TOLERANCE = 1e-3, 0.05, 1e-3
"""Image formats keep geometry in single precision or as decimals."""


def bad_blocks(seen: Examination) -> NDArray[np.bool_]:
    """Blocks that are not what was sealed, shape (z, rows, columns)."""
    bad = seen.judged & ~seen.good
    return bad.reshape(-1, seen.reader.grid.rows, seen.reader.grid.columns)


def slice_findings(seen: Examination, order: SliceOrder) -> Iterator[Finding]:
    """What became of whole slices."""
    place, count = seen.place, len(seen.place)
    unplaced = [n for n in _unplaced(order) if n not in seen.found.foreign]
    everywhere = len(unplaced) >= max(2, _EVERYWHERE * count)
    if everywhere:
        which = "None of the slices" if len(unplaced) == count else f"Only {count - len(unplaced)} of {count} slices"
        sentence = (
            f"{which} holds a block that is what was sealed, though the seal is still to be seen: values all over the "
            "scan were changed (noise was added, or a part of the lowest bits wiped)."
        )
        yield Finding(Kind.EVERYWHERE, sentence, None, len(unplaced) * seen.reader.grid.per_slice)
    for number in [n for n in _unplaced(order) if n in seen.found.foreign or not everywhere]:
        where = f"in the place of slice {order.replaced[number]}" if number in order.replaced else "between the others"
        if number in seen.found.foreign:
            kind = Kind.FOREIGN
            said = f"Slice {number}, {where}, comes from another scan that was sealed with this key."
        elif _is_wiped(seen, [seen.slice_values(number)]):
            said = f"Slice {number}, {where}, was stripped of the seal, the lowest bits being all alike there."
            kind = Kind.WIPED
        elif number in order.replaced:
            said = f"Slice {number} holds no block that was sealed there: the whole slice was replaced or changed."
            kind = Kind.REPLACED
        else:
            kind, said = Kind.ADDED, f"Slice {number} is no slice of the sealed scan: it was added."
        yield Finding(kind, said, _slice_box(seen, number), seen.reader.grid.per_slice)
    for first, last in _runs(order.missing):
        neighbours = [n for n in (_number_of(seen, first - 1), _number_of(seen, last + 1)) if n is not None]
        beside = f" (beside slice {' and slice '.join(map(str, neighbours))} of this scan)" if neighbours else ""
        yield Finding(Kind.MISSING, f"{_slices(first, last)} of the sealed scan {_is(first, last)} missing{beside}.")
    for number in order.doubled:
        sentence = f"Slice {number} is there twice: it is slice {place[number]} of the sealed scan once more."
        yield Finding(Kind.DOUBLED, sentence, _slice_box(seen, number))
    for one, other in order.swapped:
        yield Finding(Kind.SWAPPED, f"Slices {one} and {other} have been swapped.", _slice_box(seen, one))
    for number in order.moved:
        sentence = f"Slice {number} was moved here: it is slice {place[number]} of the sealed scan."
        yield Finding(Kind.MOVED, sentence, _slice_box(seen, number))
    for number, turn in seen.turned.items():
        sentence = f"Slice {number} was turned on its own: {turn.describe()}."
        yield Finding(Kind.TURNED_SLICE, sentence, _slice_box(seen, number))


def block_findings(seen: Examination, bad: NDArray[np.bool_]) -> Iterator[Finding]:
    """Places with changed blocks, the largest first."""
    bad = bad.copy()
    bad[seen.place == UNPLACED] = False
    source = copied_from(seen, bad)
    places = [*_connected(bad, [n for n in range(len(bad)) if n not in seen.turned])]
    # A slice that was turned on its own lies otherwise than its neighbours: its blocks are not beside theirs.
    for number in seen.turned:
        places += _connected(bad, [number])
    places.sort(key=len, reverse=True)
    for members in places[:_MOST_PLACES]:
        yield _place(seen, members, source)
    if rest := places[_MOST_PLACES:]:
        total = sum(map(len, rest))
        yield Finding(Kind.CHANGED, f"{total} blocks in {len(rest)} smaller places were changed too.", None, total)


def _connected(bad: NDArray[np.bool_], numbers: list[int]) -> Iterator[NDArray[np.intp]]:
    """Places of connected blocks of some slices, each as (slice, row, column) of its blocks, shape (n, 3)."""
    only = np.zeros_like(bad)
    only[numbers] = bad[numbers]
    labels, _ = ndimage.label(only, np.ones((3, 3, 3)))
    for label, place in enumerate(ndimage.find_objects(labels), start=1):
        yield np.argwhere(labels[place] == label) + [part.start for part in place]


def _place(
    seen: Examination,
    members: NDArray[np.intp],
    source: dict[tuple[int, int], tuple[int, int]],
) -> Finding:
    grid = seen.reader.grid
    box = _own_box(seen, _voxels(members, grid.shape[1:]))
    n, where = len(members), _where(box)
    blocks = "1 block was" if n == 1 else f"{n} blocks were"
    numbers = [(int(z), int(y) * grid.columns + int(x)) for z, y, x in members]
    copied = [source[at] for at in numbers if at in source]
    if copied:
        z, block = copied[0]
        row, column = divmod(block, grid.columns)
        origin = f"slice {z}, row {row * SIDE}, column {column * SIDE} of the sealed scan"
        several = "at least one of them being" if n > 1 else "being"
        sentence = f"{where}: {blocks} changed, {several} copied from elsewhere in this scan ({origin})."
        return Finding(Kind.COPIED, sentence, box, n)
    blocks_of = (
        seen.slice_values(int(z))[y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE] for z, y, x in members[:64]
    )
    if _is_wiped(seen, blocks_of):
        sentence = f"{where}: {blocks} stripped of the seal, the lowest bits being all alike there."
        return Finding(Kind.WIPED, sentence, box, n)
    return Finding(Kind.CHANGED, f"{where}: {blocks} changed.", box, n)


def _is_wiped(seen: Examination, parts: Iterable[NDArray[np.int16]]) -> bool:
    """Whether the lowest bits of parts of slices are alike, those of parts with one value only apart."""
    bits = []
    for part in parts:
        carriers = part[seen.found.header.rule.mask(part)]
        if carriers.size and (carriers != carriers[0]).any():
            bits.append(carriers & 1)
    if not bits:
        return False
    mean = float(np.concatenate(bits).mean())
    return max(mean, 1 - mean) >= _WIPED


def geometry_findings(volume: CTVolume, seen: Examination, order: SliceOrder) -> tuple[list[Finding], list[str]]:
    """Whether the scan lies in the world as it did when it was sealed; findings and notes."""
    if seen.index is None or not (seen.place != UNPLACED).any():
        return [], []
    orientation, sealed = seen.found.orientation, seen.index.geometry
    turned = orientation.turn_geometry(Geometry.of(volume), volume.shape)
    rearranged = {*order.moved, *order.doubled, *(n for pair in order.swapped for n in pair)}
    placed = [int(n) for n in np.flatnonzero(seen.place != UNPLACED)]
    steady = [n for n in placed if n not in rearranged] or placed
    differs = _differences(turned, sealed, steady, seen.place)
    if not orientation.is_same:
        if not differs:
            return [], [f"Since the scan was sealed, {orientation.describe()}, and its geometry says so."]
        sentence = f"The voxels do not lie as the geometry says: since the scan was sealed, {orientation.describe()}."
        return [Finding(Kind.TURNED, sentence)], []
    if differs:
        return [Finding(Kind.GEOMETRY, f"The geometry was edited: {'; '.join(differs)}.")], []
    return [], []


def _differences(now: Geometry, sealed: Geometry, numbers: list[int], place: NDArray[np.intp]) -> list[str]:
    """What differs. Where slices were left out or added, only some lie where they did; one of `numbers` that does is
    enough to say that the geometry was not edited.
    """
    out = []
    if not np.allclose(now.spacing, sealed.spacing, rtol=_SPACING_TOLERANCE, atol=0):
        out.append(f"the spacing (z, y, x) is {_mm(now.spacing)} mm and was {_mm(sealed.spacing)} mm")
    if not np.allclose(now.direction, sealed.direction, atol=_DIRECTION_TOLERANCE):
        out.append("the direction of the axes is another")
    if out:
        return out
    here = np.array([now.place(n) for n in numbers])
    there = np.array([sealed.place(place[n]) for n in numbers])
    if not np.isclose(here, there, rtol=0, atol=_ORIGIN_TOLERANCE_MM).all(axis=1).any():
        out.append(f"slice {numbers[0]} lies at {_mm(here[0])} mm (x, y, z) and lay at {_mm(there[0])} mm")
    return out


def cut_findings(seen: Examination) -> Iterator[Finding]:
    """Whether the slices have another size than those that were sealed."""
    now, sealed = seen.found.values.shape[1:], seen.reader.grid.shape[1:]
    if now != sealed:
        sentence = f"The slices have {now[0]} x {now[1]} voxels (y, x), and had {sealed[0]} x {sealed[1]} when sealed."
        yield Finding(Kind.CUT, sentence)


def index_findings(seen: Examination) -> Iterator[Finding]:
    """What cannot be said since the index is lost."""
    if seen.index is None:
        n = int(np.count_nonzero(~seen.judged))
        sentence = (
            f"So much was changed that the seal's index is lost: {n} blocks at the rim of the padding and the "
            "geometry cannot be judged."
        )
        yield Finding(Kind.NOT_JUDGED, sentence, None, n)


def no_seal_finding(volume: CTVolume) -> Finding:
    """Why no seal may have been found."""
    padding = padding_of(volume)
    hu = volume.hu if padding is None else volume.hu[~padding]
    values = stored_lattice(volume).steps(hu)
    for bit in (0, 1):
        mean = float(((values >> bit) & 1).mean()) if values.size else 0.5
        if max(mean, 1 - mean) >= _WIPED and len(np.unique(values[:: max(1, values.size // 10000)])) > _FEW_VALUES:
            which = "lowest bit" if bit == 0 else "second lowest bit"
            why = "the bits that carry a seal were wiped from the whole scan"
            if bit == 0 and volume.source is None:  # a scan stored in steps of 2 HU looks the same
                why = (
                    f"either its values are stored 2 HU or more apart, and it was never sealed with this key, or {why}"
                )
            said = f"No seal of this key was found, and the {which} of every value is {round(mean)}: {why}."
            return Finding(Kind.NO_SEAL, said)
    return Finding(
        Kind.NO_SEAL,
        "No seal of this key was found: the scan was never sealed, was sealed with another key, or was changed "
        "everywhere (re-encoded with loss, resampled, filtered, cropped).",
    )


def changed_voxels(seen: Examination, bad: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Voxels of bad blocks and unplaced slices, in the scan as it is."""
    wide = bad.repeat(SIDE, axis=1).repeat(SIDE, axis=2)
    ny, nx = seen.found.values.shape[1:]
    out = np.ones((len(bad), ny, nx), bool)
    part = wide[:, :ny, :nx]
    out[:, : part.shape[1], : part.shape[2]] = part
    for number, turn in seen.turned.items():
        out[number] = turn.back(out[number][None].copy())[0]
    out[seen.place == UNPLACED] = True
    return np.ascontiguousarray(seen.found.orientation.back(out)).reshape(shape)  # type: ignore[return-value]


def _unplaced(order: SliceOrder) -> list[int]:
    return sorted([*order.replaced, *order.added])


def _number_of(seen: Examination, z: int) -> int | None:
    found = np.flatnonzero((seen.place == z) & (seen.place != UNPLACED))
    return int(found[0]) if found.size else None


def _runs(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    first = last = None
    for n in sorted(numbers):
        if last is not None and n == last + 1:
            last = n
            continue
        if first is not None and last is not None:
            yield first, last
        first = last = n
    if first is not None and last is not None:
        yield first, last


def _slices(first: int, last: int) -> str:
    return f"Slice {first}" if first == last else f"Slices {first} to {last}"


def _is(first: int, last: int) -> str:
    return "is" if first == last else "are"


def _voxels(members: NDArray[np.intp], size: tuple[int, ...]) -> Box:
    (z0, y0, x0), (z1, y1, x1) = members.min(axis=0).tolist(), (members.max(axis=0) + 1).tolist()
    return (z0, z1), (y0 * SIDE, min(y1 * SIDE, size[0])), (x0 * SIDE, min(x1 * SIDE, size[1]))


def _slice_box(seen: Examination, number: int) -> Box:
    _, ny, nx = seen.found.values.shape
    return _back(((number, number + 1), (0, ny), (0, nx)), seen.found.orientation, seen.found.values.shape)


def _own_box(seen: Examination, box: Box) -> Box:
    """A box as one of the scan as it is; of a slice that was turned on its own, it is a box of that slice alone."""
    shape = seen.found.values.shape
    turn = seen.turned.get(box[0][0])
    if turn is not None:
        box = box[0], *_back(box, turn, shape)[1:]
    return _back(box, seen.found.orientation, shape)


def _back(box: Box, orientation: Orientation, shape: tuple[int, ...]) -> Box:
    """A box of a turned scan, of this shape, as one of the scan before."""
    out: list[tuple[int, int]] = [(0, 0)] * 3
    for axis, (first, stop) in enumerate(box):
        n = shape[axis]
        out[orientation.axes[axis]] = (n - stop, n - first) if orientation.flipped[axis] else (first, stop)
    return out[0], out[1], out[2]


def _where(box: Box) -> str:
    (z0, z1), (y0, y1), (x0, x1) = box
    return f"{_slices(z0, z1 - 1)}, rows {y0} to {y1 - 1}, columns {x0} to {x1 - 1}"


def _mm(values: Iterable[float]) -> str:
    return " x ".join(f"{v:.4g}" for v in values)
