"""A hundred and more ways to change a sealed scan or its manifest: each is named in a sentence, by kind and place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from evidence.sealed_scans import KEY, OTHER_KEY, body, nonce, with_hu
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ManifestError
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.manifest import read_manifest, signed_manifest, signer_of
from napari_mits_gan.evidence.manifest_check import check_manifest
from napari_mits_gan.evidence.seal import seal
from napari_mits_gan.evidence.verdict import Box, Kind

HU = NDArray[np.int16]
SCANS = {
    (bits, padding): seal(body(padding=padding), KEY, bits=bits, with_copy=False, nonce=nonce(bits))
    for bits in (1, 2)
    for padding in (False, True)
}
PLAIN = SCANS[1, False]
OTHER = seal(body(seed=5), KEY, with_copy=False, nonce=nonce(9))
OLDER = {
    (bits, padding): seal(body(padding=padding), KEY, bits=bits, with_copy=False, nonce=nonce(20 + bits))
    for bits, padding in SCANS
}
FOREIGN = seal(body(seed=6), OTHER_KEY, with_copy=False, nonce=nonce(9))
SIGNER = signer_of(KEY)
MANIFEST = signed_manifest(PLAIN, SIGNER, body())


@dataclass(frozen=True)
class Mutation:
    """A way to change a scan, and what has to be said of it: the kinds, words of a sentence, the first place."""

    name: str
    change: Callable[[CTVolume], CTVolume]
    kinds: tuple[Kind, ...]
    said: str
    box: Box | None = None
    key: SealKey = KEY


def _of_hu(name: str, change: Callable[[HU], HU], kinds: tuple[Kind, ...], said: str, box: Box | None = None) -> Any:
    return Mutation(name, lambda scan: with_hu(scan, change(scan.hu)), kinds, said, box)


def _put(place: Any, what: Any) -> Callable[[HU], HU]:
    """Put values, or what a function makes of those that are there, in a place."""

    def change(hu: HU) -> HU:
        out = hu.copy()
        out[place] = what(hu[place]) if callable(what) else what
        return out

    return change


def _copy(source: Any, target: Any) -> Callable[[HU], HU]:
    return lambda hu: _put(target, hu[source])(hu)


def _order(*numbers: int) -> Callable[[HU], HU]:
    return lambda hu: hu[list(numbers)]


def _both(*changes: Callable[[HU], HU]) -> Callable[[HU], HU]:
    def change(hu: HU) -> HU:
        for one in changes:
            hu = one(hu)
        return hu

    return change


def _ball(hu: HU) -> HU:
    z, y, x = np.ogrid[:12, :96, :112]
    return np.where(((z - 6) * 2.5) ** 2 + ((y - 40) * 0.8) ** 2 + ((x - 40) * 0.7) ** 2 < 16, np.int16(30), hu)


def _block(z: int, row: int, column: int) -> tuple[int, slice, slice]:
    return z, slice(16 * row, 16 * row + 16), slice(16 * column, 16 * column + 16)


def _noise(share: float) -> Callable[[HU], HU]:
    def change(hu: HU) -> HU:
        rng = np.random.default_rng(1)
        by = rng.choice(np.array([-1, 1], np.int16), hu.shape)
        return np.where(rng.random(hu.shape) < share, hu + by, hu).astype(np.int16)

    return change


def _flipped(axis: int) -> Callable[[HU], HU]:
    return lambda hu: np.flip(hu, axis)


_SLICE = np.random.default_rng(3).normal(-500, 300, (96, 112)).astype(np.int16)
_C, _W = Kind.CHANGED, Kind.WIPED
_ONE = ((6, 7), (32, 48), (48, 64))
_IN_ONE = "Slice 6, rows 32 to 47, columns 48 to 63: 1 block was changed"
_REGION = (slice(4, 6), slice(32, 64), slice(32, 64))
_IN_REGION = ((4, 6), (32, 64), (32, 64))
_TOLD_REGION = "Slices 4 to 5, rows 32 to 63, columns 32 to 63: 8 blocks"
_ANY = "never sealed, was sealed with another key, or was changed everywhere"

VOXELS = [
    _of_hu("a voxel by 1", _put((6, 40, 50), lambda v: v + 1), (_C,), _IN_ONE, _ONE),
    _of_hu("a voxel by -1", _put((6, 40, 50), lambda v: v - 1), (_C,), _IN_ONE, _ONE),
    _of_hu("a voxel by 2", _put((6, 40, 50), lambda v: v + 2), (_C,), _IN_ONE, _ONE),
    _of_hu("a voxel by 4", _put((6, 40, 50), lambda v: v + 4), (_C,), _IN_ONE, _ONE),
    _of_hu("a voxel by 300", _put((6, 40, 50), lambda v: v + 300), (_C,), _IN_ONE, _ONE),
    _of_hu("first voxel", _put((0, 0, 0), lambda v: v + 1), (_C,), "Slice 0, rows 0 to 15, columns 0 to 15: 1 block"),
    _of_hu("last voxel", _put((11, 95, 111), lambda v: v - 1), (_C,), "Slice 11, rows 80 to 95, columns 96 to 111"),
    _of_hu("two of a block", _put((6, [40, 41], [50, 60]), lambda v: v + 1), (_C,), _IN_ONE, _ONE),
    _of_hu(
        "two beside an edge",
        _put((6, 40, [47, 48]), lambda v: v + 1),
        (_C,),
        "rows 32 to 47, columns 32 to 63: 2 blocks",
        ((6, 7), (32, 48), (32, 64)),
    ),
    _of_hu("far apart", _put(([2, 9], [40, 40], [40, 80]), lambda v: v + 1), (_C, _C), "Slice 9, rows 32 to 47"),
    _of_hu("through all slices", _put((slice(None), 40, 50), lambda v: v + 1), (_C,), "Slices 0 to 11, rows 32 to 47"),
    _of_hu("two voxels exchanged", _put((6, 40, [49, 50]), [900, -900]), (_C,), _IN_ONE, _ONE),
    _of_hu("a block turned round", _put(_block(6, 2, 3), lambda v: v[::-1, ::-1]), (_C,), _IN_ONE, _ONE),
    _of_hu("a block mirrored", _put(_block(6, 2, 3), lambda v: v[:, ::-1]), (_C,), _IN_ONE, _ONE),
    _of_hu("a block on its side", _put(_block(6, 2, 3), lambda v: v.T), (_C,), _IN_ONE, _ONE),
    _of_hu("a block of one value", _put(_block(6, 2, 3), 40), (_C,), _IN_ONE, _ONE),
    _of_hu("a box of air", _put(_REGION, -1000), (_C,), _TOLD_REGION, _IN_REGION),
    _of_hu("a box by 20 HU", _put(_REGION, lambda v: v + 20), (_C,), _TOLD_REGION, _IN_REGION),
    _of_hu("a box inverted", _put(_REGION, lambda v: -v), (_C,), _TOLD_REGION, _IN_REGION),
    _of_hu("a box smoothed", _put(_REGION, lambda v: ndimage.uniform_filter(v, 3)), (_C,), _TOLD_REGION, _IN_REGION),
    _of_hu("a box with noise", _put(_REGION, _noise(0.2)), (_C,), _TOLD_REGION, _IN_REGION),
    _of_hu("a nodule", _ball, (_C,), "Slices 5 to 7, rows 32 to 47, columns 32 to 47", ((5, 8), (32, 48), (32, 48))),
    _of_hu("a corner, where padding may be", _put((3, 1, 1), lambda v: v + 1), (_C,), "Slice 3, rows 0 to 15"),
]
COPIES = [
    _of_hu(
        "within a slice",
        _copy(_block(7, 2, 2), _block(7, 3, 4)),
        (Kind.COPIED,),
        "copied from elsewhere in this scan (slice 7, row 32, column 32 of the sealed scan)",
        ((7, 8), (48, 64), (64, 80)),
    ),
    _of_hu(
        "from another slice",
        _copy(_block(3, 3, 4), _block(7, 2, 2)),
        (Kind.COPIED,),
        "(slice 3, row 48, column 64 of the sealed scan)",
        ((7, 8), (32, 48), (32, 48)),
    ),
    _of_hu("from the next slice", _copy(_block(8, 2, 3), _block(7, 2, 3)), (Kind.COPIED,), "(slice 8, row 32"),
    _of_hu(
        "two exchanged",
        lambda hu: _put(_block(3, 1, 2), hu[_block(7, 4, 4)])(_put(_block(7, 4, 4), hu[_block(3, 1, 2)])(hu)),
        (Kind.COPIED, Kind.COPIED),
        "(slice 7, row 64, column 64 of the sealed scan)",
    ),
    _of_hu(
        "four at once",
        _copy((2, slice(32, 64), slice(32, 64)), (9, slice(32, 64), slice(64, 96))),
        (Kind.COPIED,),
        "Slice 9, rows 32 to 63, columns 64 to 95: 4 blocks were changed, at least one of them being copied",
    ),
    _of_hu(
        "by part of a block",
        _copy((2, slice(35, 51), slice(35, 51)), (9, slice(32, 48), slice(64, 80))),
        (_C,),
        "Slice 9, rows 32 to 47, columns 64 to 79: 1 block was changed",
    ),
    _of_hu(
        "from another sealed scan",
        _put(_block(6, 2, 3), OTHER.hu[_block(6, 2, 3)]),
        (_C,),
        _IN_ONE,
        _ONE,
    ),
    _of_hu("from a scan of another key", _put(_block(6, 2, 3), FOREIGN.hu[_block(6, 2, 3)]), (_C,), _IN_ONE, _ONE),
    _of_hu("from the scan unsealed", _put(_block(6, 2, 3), body().hu[_block(6, 2, 3)]), (_C,), _IN_ONE, _ONE),
]
WIPES = [
    _of_hu("a region", _put(_REGION, lambda v: v & ~1), (_W,), _TOLD_REGION, _IN_REGION),
    _of_hu("a region to 1", _put(_REGION, lambda v: v | 1), (_W,), "8 blocks were stripped of the seal", _IN_REGION),
    _of_hu("a block", _put(_block(6, 2, 3), lambda v: v & ~1), (_W,), "1 block was stripped of the seal", _ONE),
    _of_hu("a slice", _put(5, lambda v: v & ~1), (_W,), "Slice 5, in the place of slice 5, was stripped", None),
    _of_hu("a slice to 1", _put(5, lambda v: v | 1), (_W,), "Slice 5, in the place of slice 5, was stripped", None),
    _of_hu("half of it", _put((slice(None), slice(48)), lambda v: v & ~1), (_W,), "Slices 0 to 11, rows 0 to 47"),
    _of_hu("inverted", _put(_REGION, lambda v: v ^ 1), (_C,), _TOLD_REGION, _IN_REGION),
    _of_hu("two bits of a region", _put(_REGION, lambda v: v & ~3), (_W,), "8 blocks were stripped", _IN_REGION),
]
EVERYWHERE = [
    _of_hu("lowest bits 0", lambda hu: hu & ~np.int16(1), (Kind.NO_SEAL,), "lowest bit of every value is 0"),
    _of_hu("lowest bits 1", lambda hu: hu | np.int16(1), (Kind.NO_SEAL,), "lowest bit of every value is 1"),
    _of_hu("two lowest bits 0", lambda hu: hu & ~np.int16(3), (Kind.NO_SEAL,), "lowest bit of every value is 0"),
    _of_hu("steps of 4 HU", lambda hu: (hu + 2) // 4 * 4, (Kind.NO_SEAL,), "lowest bit of every value is 0"),
    _of_hu("lowest bits inverted", lambda hu: hu ^ np.int16(1), (Kind.NO_SEAL,), _ANY),
    _of_hu("all by 1", lambda hu: hu + np.int16(1), (Kind.NO_SEAL,), _ANY),
    _of_hu("all by 1 %", lambda hu: np.rint(hu * 1.01).astype(np.int16), (Kind.NO_SEAL,), _ANY),
    _of_hu("smoothed", lambda hu: ndimage.gaussian_filter(hu, 0.7), (Kind.NO_SEAL,), _ANY),
    _of_hu("resampled", lambda hu: (hu + np.roll(hu, 1, 2)) // 2, (Kind.NO_SEAL,), _ANY),
    _of_hu("shifted by a voxel", lambda hu: np.roll(hu, 1, 1), (Kind.NO_SEAL,), _ANY),
    _of_hu("cropped at the start", lambda hu: hu[:, 16:], (Kind.NO_SEAL,), _ANY),
    _of_hu("cropped at the end", lambda hu: hu[:, :-5], (Kind.CUT, _C), "91 x 112 voxels (y, x), and had 96 x 112"),
    _of_hu("noise", _noise(0.05), (Kind.EVERYWHERE, Kind.NOT_JUDGED), "None of the slices holds a block"),
    _of_hu(
        "second lowest bits 0", lambda hu: hu & ~np.int16(2), (Kind.EVERYWHERE, Kind.NOT_JUDGED), "None of the slices"
    ),
]
_M, _G = Kind.MISSING, Kind.GEOMETRY
SLICES = [
    _of_hu("first left out", lambda hu: hu[1:], (_M, _G), "Slice 0 of the sealed scan is missing (beside slice 0"),
    _of_hu(
        "one left out", lambda hu: np.delete(hu, 5, 0), (_M,), "Slice 5 of the sealed scan is missing (beside slice 4"
    ),
    _of_hu("last left out", lambda hu: hu[:-1], (_M,), "Slice 11 of the sealed scan is missing (beside slice 10"),
    _of_hu("three left out", lambda hu: np.delete(hu, [3, 4, 5], 0), (_M,), "Slices 3 to 5 of the sealed scan are"),
    _of_hu("both ends left out", lambda hu: hu[2:11], (_M, _M, _G), "Slices 0 to 1 of the sealed scan are missing"),
    _of_hu("every other left out", lambda hu: hu[::2], (_M,) * 6, "Slice 11 of the sealed scan is missing"),
    _of_hu(
        "all but one left out",
        lambda hu: hu[4:5],
        (_M, _M, Kind.NOT_JUDGED),
        "Slices 5 to 11 of the sealed scan are missing",
    ),
    _of_hu("one added", lambda hu: np.insert(hu, 4, _SLICE, 0), (Kind.ADDED,), "Slice 4 is no slice of the sealed"),
    _of_hu("one added at the start", lambda hu: np.insert(hu, 0, _SLICE, 0), (Kind.ADDED, _G), "Slice 0 is no slice"),
    _of_hu("one added at the end", lambda hu: np.insert(hu, 12, _SLICE, 0), (Kind.ADDED,), "Slice 12 is no slice"),
    _of_hu("one of one value", lambda hu: np.insert(hu, 4, -1000, 0), (Kind.ADDED,), "Slice 4 is no slice"),
    _of_hu(
        "a foreign one", lambda hu: np.insert(hu, 4, OTHER.hu[4], 0), (Kind.FOREIGN,), "Slice 4, between the others"
    ),
    _of_hu(
        "one of another key", lambda hu: np.insert(hu, 4, FOREIGN.hu[4], 0), (Kind.ADDED,), "Slice 4 is no slice of the"
    ),
    _of_hu("doubled", lambda hu: np.insert(hu, 4, hu[4], 0), (Kind.DOUBLED,), "is there twice: it is slice 4"),
    _of_hu("doubled elsewhere", lambda hu: np.insert(hu, 4, hu[7], 0), (Kind.DOUBLED,), "Slice 4 is there twice"),
    _of_hu("doubled over another", _copy(7, 4), (_M, Kind.DOUBLED), "Slice 4 is there twice: it is slice 7"),
    _of_hu(
        "doubled, and a voxel changed",
        lambda hu: np.insert(hu, 4, _put((40, 50), 7)(hu[7]), 0),
        (Kind.DOUBLED, _C),
        "Slice 4, rows 32 to 47, columns 48 to 63: 1 block was changed",
    ),
    _of_hu("neighbours swapped", _order(0, 1, 2, 4, 3, *range(5, 12)), (Kind.SWAPPED,), "Slices 3 and 4 have been"),
    _of_hu(
        "swapped", _order(0, 1, 2, 7, 4, 5, 6, 3, 8, 9, 10, 11), (Kind.SWAPPED,), "Slices 3 and 7 have been swapped"
    ),
    _of_hu(
        "first and last swapped", _order(11, *range(1, 11), 0), (Kind.SWAPPED,), "Slices 0 and 11 have been swapped"
    ),
    _of_hu("moved", _order(0, 1, 9, *range(2, 9), 10, 11), (Kind.MOVED,), "Slice 2 was moved here: it is slice 9"),
    _of_hu(
        "moved to the end", _order(*range(4), *range(5, 12), 4), (Kind.MOVED,), "Slice 11 was moved here: it is slice 4"
    ),
    _of_hu("two moved", _order(8, 9, *range(8), 10, 11), (Kind.MOVED,) * 2, "Slice 0 was moved here: it is slice 8"),
    _of_hu("replaced", _put(6, _SLICE), (Kind.REPLACED,), "Slice 6 holds no block that was sealed there"),
    _of_hu(
        "replaced by its neighbours' mean", lambda hu: _put(6, (hu[5] + hu[7]) // 2)(hu), (Kind.REPLACED,), "Slice 6"
    ),
    _of_hu("replaced by one value", _put(6, 100), (Kind.REPLACED,), "Slice 6 holds no block that was sealed there"),
    _of_hu("replaced by a foreign one", _put(6, OTHER.hu[6]), (Kind.FOREIGN,), "Slice 6, in the place of slice 6"),
    _of_hu("half of them replaced", _put(slice(5), OTHER.hu[:5]), (Kind.FOREIGN,) * 5, "in the place of slice 4"),
    Mutation(
        "one of an older version",
        lambda scan: with_hu(scan, _put(6, next(OLDER[k].hu[6] for k, v in SCANS.items() if v is scan))(scan.hu)),
        (Kind.FOREIGN,),
        "Slice 6, in the place of slice 6, comes from another scan that was sealed with this key",
        ((6, 7), (0, 96), (0, 112)),
    ),
    _of_hu("mirrored along x", _put(6, lambda v: v[:, ::-1]), (Kind.TURNED_SLICE,), "Slice 6 was turned on its own"),
    _of_hu("mirrored along y", _put(6, lambda v: v[::-1]), (Kind.TURNED_SLICE,), "mirrored along y"),
    _of_hu("turned round", _put(6, lambda v: v[::-1, ::-1]), (Kind.TURNED_SLICE,), "mirrored along y and x"),
    _of_hu(
        "mirrored, and a voxel changed",
        _both(_put((6, 40, 20), lambda v: v + 1), _put(6, lambda v: v[:, ::-1])),
        (Kind.TURNED_SLICE, _C),
        "Slice 6, rows 32 to 47, columns 80 to 95: 1 block was changed",
    ),
    _of_hu(
        "mirrored and swapped",
        _both(_order(0, 1, 2, 7, 4, 5, 6, 3, 8, 9, 10, 11), _put(3, lambda v: v[::-1])),
        (Kind.SWAPPED, Kind.TURNED_SLICE),
        "Slice 3 was turned on its own: it was mirrored along y",
    ),
]
TURNS = [
    _of_hu("mirrored along x", _flipped(2), (Kind.TURNED,), "it was mirrored along x"),
    _of_hu("mirrored along y", _flipped(1), (Kind.TURNED,), "it was mirrored along y"),
    _of_hu("mirrored along z", _flipped(0), (Kind.TURNED,), "it was mirrored along z"),
    _of_hu("turned round", lambda hu: hu[:, ::-1, ::-1], (Kind.TURNED,), "mirrored along y and x"),
    _of_hu("other planes", lambda hu: hu.transpose(2, 0, 1), (Kind.TURNED,), "its axes were exchanged"),
    _of_hu("rows for columns", lambda hu: hu.transpose(0, 2, 1), (Kind.TURNED,), "its axes were exchanged"),
    _of_hu(
        "mirrored, and a voxel changed",
        _both(_put((4, 40, 50), lambda v: v + 1), _flipped(2)),
        (_C, Kind.TURNED),
        "Slice 4, rows 32 to 47, columns 48 to 63: 1 block was changed",
        ((4, 5), (32, 48), (48, 64)),
    ),
]
_TILTED = np.array([[0, 0, 1.0], [0, 1.0, 0], [1.0, 0, 0]]) @ np.array([[1, 0, 0], [0, 0.8, 0.6], [0, -0.6, 0.8]])
_MIRRORED = np.array([[0, 0, -1.0], [0, 1.0, 0], [1.0, 0, 0]])
GEOMETRY = [
    Mutation(
        "spacing along x", lambda s: replace(s, spacing=(2.5, 0.8, 0.75)), (_G,), "the spacing (z, y, x) is 2.5 x"
    ),
    Mutation("spacing along y", lambda s: replace(s, spacing=(2.5, 0.9, 0.7)), (_G,), "and was 2.5 x 0.8 x 0.7 mm"),
    Mutation(
        "spacing along z", lambda s: replace(s, spacing=(2.0, 0.8, 0.7)), (_G,), "the spacing (z, y, x) is 2 x 0.8"
    ),
    Mutation("all spacing", lambda s: replace(s, spacing=(5.0, 1.6, 1.4)), (_G,), "is 5 x 1.6 x 1.4 mm"),
    Mutation("origin along z", lambda s: replace(s, origin=(-30.0, -40.0, 90.0)), (_G,), "lies at -30 x -40 x 90 mm"),
    Mutation("origin along x", lambda s: replace(s, origin=(-29.0, -40.0, 100.0)), (_G,), "lay at -30 x -40 x 100 mm"),
    Mutation("direction tilted", lambda s: replace(s, direction=_TILTED), (_G,), "direction of the axes is another"),
    Mutation(
        "direction mirrored", lambda s: replace(s, direction=_MIRRORED), (_G,), "direction of the axes is another"
    ),
    Mutation(
        "origin as well as slices",
        lambda s: with_hu(s, s.hu[2:], origin=s.world_from_voxel((3, 0, 0))),
        (_M, _G),
        "slice 0 lies at -30 x -40 x 107.5 mm (x, y, z) and lay at -30 x -40 x 105 mm",
    ),
]
KEYS = [
    Mutation("another key", lambda s: s, (Kind.NO_SEAL,), "sealed with another key", key=OTHER_KEY),
    Mutation("never sealed", lambda s: body(), (Kind.NO_SEAL,), "never sealed"),
    Mutation("another scan of another key", lambda s: FOREIGN, (Kind.NO_SEAL,), "sealed with another key"),
]
SCAN_MUTATIONS = {
    f"{group}: {m.name}": m
    for group, mutations in {
        "voxels": VOXELS,
        "copied": COPIES,
        "wiped": WIPES,
        "everywhere": EVERYWHERE,
        "slices": SLICES,
        "scan": TURNS,
        "geometry": GEOMETRY,
        "key": KEYS,
    }.items()
    for m in mutations
}


def _edited(name: str, value: Any) -> bytes:
    document = json.loads(MANIFEST)
    assert document[name] != value
    return json.dumps({**document, name: value}).encode()


def _zeroed(digits: str) -> str:
    return "0" * len(digits)


_EDITED, _NONE = "was edited after it was signed", "no manifest of version 1, or it is damaged"
_DOCUMENT = json.loads(MANIFEST)
_SLICES = _DOCUMENT["slices"]
MANIFEST_MUTATIONS: dict[str, tuple[CTVolume, bytes, str]] = {
    "format": (PLAIN, _edited("format", "another"), _NONE),
    "version": (PLAIN, _edited("version", 2), _NONE),
    "a digest": (PLAIN, _edited("slices", [_zeroed(_SLICES[0]), *_SLICES[1:]]), _EDITED),
    "order of digests": (PLAIN, _edited("slices", _SLICES[::-1]), _EDITED),
    "a digest left out": (PLAIN, _edited("slices", _SLICES[:-1]), _NONE),
    "shape": (PLAIN, _edited("shape", [12, 96, 113]), _EDITED),
    "spacing": (PLAIN, _edited("spacing_mm", ["2.500000", "0.800000", "0.750000"]), _EDITED),
    "origin": (PLAIN, _edited("origin_mm", ["0.000000"] * 3), _EDITED),
    "direction": (PLAIN, _edited("direction", ["0.000000"] * 9), _EDITED),
    "digests of the source": (PLAIN, _edited("source_slices", []), _EDITED),
    "steps": (PLAIN, _edited("steps", []), _EDITED),
    "software": (PLAIN, _edited("software", {}), _EDITED),
    "public key": (
        PLAIN,
        _edited("public_key", signer_of(OTHER_KEY).public_key().public_bytes_raw().hex()),
        "another key",
    ),
    "signature": (PLAIN, _edited("signature", _zeroed(_DOCUMENT["signature"])), _EDITED),
    "signed by another": (PLAIN, signed_manifest(PLAIN, signer_of(OTHER_KEY)), "signed by another key than yours"),
    "a field too many": (PLAIN, json.dumps({**_DOCUMENT, "more": 1}).encode(), _NONE),
    "cut off": (PLAIN, MANIFEST[:-40], _NONE),
    "empty": (PLAIN, b"", _NONE),
    "another series with it": (OTHER, MANIFEST, "This is another series: none of its slices"),
    "a voxel": (with_hu(PLAIN, _put((6, 40, 50), 7)(PLAIN.hu)), MANIFEST, "The pixels of slice 7 were changed"),
    "a slice left out": (
        with_hu(PLAIN, np.delete(PLAIN.hu, 5, 0)),
        MANIFEST,
        "Missing, as the manifest counts: slice 6",
    ),
    "a slice added": (
        with_hu(PLAIN, np.insert(PLAIN.hu, 4, _SLICE, 0)),
        MANIFEST,
        "Not listed in the manifest: slice 5",
    ),
    "a slice doubled": (with_hu(PLAIN, np.insert(PLAIN.hu, 4, PLAIN.hu[4], 0)), MANIFEST, "once more than exported"),
    "slices in reverse": (with_hu(PLAIN, PLAIN.hu[::-1]), MANIFEST, "The slices are in reverse order"),
    "geometry of the scan": (replace(PLAIN, spacing=(2.0, 0.8, 0.7)), MANIFEST, "The geometry was edited: spacing"),
}


def test_there_are_a_hundred() -> None:
    assert len(SCAN_MUTATIONS) + len(MANIFEST_MUTATIONS) >= 100


@pytest.mark.parametrize("name", SCAN_MUTATIONS)
def test_each_change_of_a_scan_is_named_in_a_sentence(name: str) -> None:
    mutation = SCAN_MUTATIONS[name]
    scan = SCANS[sorted(SCANS)[list(SCAN_MUTATIONS).index(name) % len(SCANS)]]

    verdict = verify(mutation.change(scan), mutation.key)

    assert not verdict.is_intact
    assert sorted(f.kind.name for f in verdict.findings) == sorted(k.name for k in mutation.kinds), verdict.text()
    named = [f for f in verdict.findings if mutation.said in f.sentence]
    assert named, verdict.text()
    assert all(f.sentence.endswith(".") and f.sentence.count(". ") == 0 for f in verdict.findings)
    if mutation.box is not None:
        assert named[0].box == mutation.box


@pytest.mark.parametrize("name", MANIFEST_MUTATIONS)
def test_each_change_that_the_manifest_tells_is_named_in_a_sentence(name: str) -> None:
    scan, manifest, said = MANIFEST_MUTATIONS[name]
    try:
        found = check_manifest(scan, read_manifest(manifest, SIGNER.public_key()), signer_known=True).findings
    except ManifestError as error:
        found = (str(error),)

    assert len(found) == 1
    assert said in found[0]
    assert found[0].endswith(".")
