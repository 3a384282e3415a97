"""Every kind of change is found, named in a sentence, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evidence.sealed_scans import KEY, OTHER_KEY, body, nonce, with_hu
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.seal import SealError, seal
from napari_mits_gan.evidence.verdict import Kind, State

SCANS = {
    (bits, padding): seal(body(padding=padding), KEY, bits=bits, with_copy=False, nonce=nonce(bits))
    for bits in (1, 2)
    for padding in (False, True)
}
SCAN = SCANS[1, True]
OTHER = seal(body(seed=5), KEY, with_copy=False, nonce=nonce(9))


@given(
    which=st.sampled_from(sorted(SCANS)),
    at=st.tuples(st.integers(0, 11), st.integers(0, 95), st.integers(0, 111)),
    by=st.sampled_from([-7, -1, 1, 2, 300]),
)
@settings(max_examples=60)
def test_one_changed_voxel_is_found_and_its_block_alone_is_named(
    which: tuple[int, bool], at: tuple[int, int, int], by: int
) -> None:
    hu = SCANS[which].hu.copy()
    hu[at] += by
    z, y, x = at
    block = np.zeros(hu.shape, bool)
    block[z, y // 16 * 16 : y // 16 * 16 + 16, x // 16 * 16 : x // 16 * 16 + 16] = True

    verdict = verify(with_hu(SCANS[which], hu), KEY)

    assert verdict.state is State.TAMPERED
    assert np.array_equal(verdict.changed_voxels(), block)
    assert verdict.changed_blocks == 1
    assert len(verdict.findings) == 1
    assert f"Slice {z}, rows {y // 16 * 16} to" in verdict.findings[0].sentence


@given(
    low=st.tuples(st.integers(0, 10), st.integers(0, 80), st.integers(0, 90)),
    size=st.tuples(st.integers(1, 6), st.integers(1, 40), st.integers(1, 40)),
    bits=st.sampled_from([1, 2]),
    seed=st.integers(0, 9),
)
@settings(max_examples=40)
def test_a_changed_box_is_named_block_by_block(
    low: tuple[int, int, int], size: tuple[int, int, int], bits: int, seed: int
) -> None:
    sealed = SCANS[bits, True]
    hu = sealed.hu.copy()
    box = tuple(slice(a, a + n) for a, n in zip(low, size, strict=True))
    hu[box] = np.random.default_rng(seed).integers(-900, 100, hu[box].shape)
    changed = hu != sealed.hu

    named = verify(with_hu(sealed, hu), KEY).changed_voxels()

    expected = np.zeros(hu.shape, bool)
    for z, y, x in np.unique(np.argwhere(changed) // (1, 16, 16), axis=0):
        expected[z, 16 * y : 16 * y + 16, 16 * x : 16 * x + 16] = True
    assert np.array_equal(named, expected)


def _delete(hu: NDArray[np.int16], z: int) -> NDArray[np.int16]:
    return np.delete(hu, z, axis=0)


def _insert(hu: NDArray[np.int16], z: int, what: NDArray[np.int16]) -> NDArray[np.int16]:
    return np.insert(hu, z, what, axis=0)


def _put(hu: NDArray[np.int16], place: tuple[object, ...], what: object) -> NDArray[np.int16]:
    out = hu.copy()
    out[place] = what  # type: ignore[index]
    return out


def _order(*numbers: int) -> Callable[[NDArray[np.int16]], NDArray[np.int16]]:
    return lambda hu: hu[list(numbers)]


_NOISE = np.random.default_rng(3).normal(-500, 300, (96, 112)).astype(np.int16)
_MUTATIONS: list[tuple[Callable[[NDArray[np.int16]], NDArray[np.int16]], list[Kind], str]] = [
    (lambda hu: _delete(hu, 0), [Kind.MISSING, Kind.GEOMETRY], "Slice 0 of the sealed scan is missing"),
    (lambda hu: _delete(hu, 5), [Kind.MISSING], "Slice 5 of the sealed scan is missing"),
    (lambda hu: _delete(hu, 11), [Kind.MISSING], "Slice 11 of the sealed scan is missing"),
    (lambda hu: hu[2:11], [Kind.MISSING, Kind.MISSING, Kind.GEOMETRY], "Slices 0 to 1 of the sealed scan are missing"),
    (lambda hu: _insert(hu, 4, _NOISE), [Kind.ADDED], "Slice 4 is no slice of the sealed scan"),
    (lambda hu: _insert(hu, 4, OTHER.hu[4]), [Kind.FOREIGN], "Slice 4, between the others, comes from another scan"),
    (lambda hu: _insert(hu, 4, hu[7]), [Kind.DOUBLED], "Slice 4 is there twice: it is slice 7"),
    (lambda hu: _put(hu, (4,), hu[7]), [Kind.MISSING, Kind.DOUBLED], "Slice 4 is there twice"),
    (_order(0, 1, 2, 7, 4, 5, 6, 3, 8, 9, 10, 11), [Kind.SWAPPED], "Slices 3 and 7 have been swapped"),
    (_order(0, 1, 2, 4, 3, 5, 6, 7, 8, 9, 10, 11), [Kind.SWAPPED], "Slices 3 and 4 have been swapped"),
    (_order(0, 1, 9, 2, 3, 4, 5, 6, 7, 8, 10, 11), [Kind.MOVED], "Slice 2 was moved here: it is slice 9"),
    (lambda hu: _put(hu, (6,), _NOISE), [Kind.REPLACED], "Slice 6 holds no block that was sealed there"),
    (lambda hu: _put(hu, (6,), OTHER.hu[6]), [Kind.FOREIGN], "Slice 6, in the place of slice 6, comes from another"),
    (lambda hu: _put(hu, (6,), hu[6, :, ::-1]), [Kind.TURNED_SLICE], "Slice 6 was turned on its own: it was mirrored"),
    (lambda hu: _put(hu, (6,), hu[6, ::-1]), [Kind.TURNED_SLICE], "mirrored along y"),
    (lambda hu: hu[:, :, ::-1], [Kind.TURNED], "mirrored along x"),
    (lambda hu: hu[:, ::-1, ::-1], [Kind.TURNED], "mirrored along y and x"),
    (lambda hu: hu[::-1], [Kind.TURNED], "mirrored along z"),
    (lambda hu: hu.transpose(0, 2, 1), [Kind.TURNED], "axes were exchanged"),
    (lambda hu: hu.transpose(2, 0, 1), [Kind.TURNED], "axes were exchanged"),
    (
        lambda hu: _put(hu, (slice(4, 6), slice(32, 64), slice(32, 64)), hu[4:6, 32:64, 32:64] & ~np.int16(1)),
        [Kind.WIPED],
        "Slices 4 to 5, rows 32 to 63, columns 32 to 63: 8 blocks were stripped of the seal",
    ),
    (
        lambda hu: _put(hu, (7, slice(32, 48), slice(32, 48)), hu[3, 48:64, 64:80]),
        [Kind.COPIED],
        "copied from elsewhere in this scan (slice 3, row 48, column 64",
    ),
    (
        lambda hu: _put(hu, (7, slice(32, 48), slice(32, 48)), OTHER.hu[7, 32:48, 32:48]),
        [Kind.CHANGED],
        "Slice 7, rows 32 to 47, columns 32 to 47: 1 block was changed",
    ),
    (lambda hu: hu & ~np.int16(1), [Kind.NO_SEAL], "lowest bit of every value is 0"),
    (lambda hu: hu | np.int16(1), [Kind.NO_SEAL], "lowest bit of every value is 1"),
    (lambda hu: hu + np.int16(1), [Kind.NO_SEAL], "never sealed, was sealed with another key, or was changed"),
    (lambda hu: hu[:, :-5], [Kind.CUT, Kind.CHANGED], "91 x 112 voxels (y, x), and had 96 x 112"),
]


@pytest.mark.parametrize("number", range(len(_MUTATIONS)))
@pytest.mark.parametrize(("bits", "padding"), sorted(SCANS))
def test_each_mutation_is_named_in_a_sentence(number: int, bits: int, padding: bool) -> None:
    mutate, kinds, said = _MUTATIONS[number]
    sealed = SCANS[bits, padding]

    verdict = verify(with_hu(sealed, mutate(sealed.hu)), KEY)

    assert [f.kind for f in verdict.findings] == kinds, verdict.text()
    assert any(said in f.sentence for f in verdict.findings), verdict.text()
    assert not verdict.is_intact


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"spacing": (2.5, 0.8, 0.75)}, "the spacing (z, y, x) is 2.5 x 0.8 x 0.75 mm and was 2.5 x 0.8 x 0.7 mm"),
        ({"spacing": (2.0, 0.8, 0.7)}, "the spacing"),
        ({"origin": (-30.0, -40.0, 90.0)}, "slice 0 lies at -30 x -40 x 90 mm (x, y, z) and lay at -30 x -40 x 100"),
        ({"direction": np.array([[0, 0, 1.0], [0, -1.0, 0], [1.0, 0, 0]])}, "direction of the axes"),
    ],
)
def test_edited_geometry_is_named(changes: dict[str, object], said: str) -> None:
    verdict = verify(replace(SCAN, **changes), KEY)  # type: ignore[arg-type]

    assert [f.kind for f in verdict.findings] == [Kind.GEOMETRY]
    assert said in verdict.findings[0].sentence


def test_the_same_scan_in_another_orientation_is_intact() -> None:
    step = SCAN.spacing[2]
    direction = SCAN.direction.copy()
    direction[:, 2] *= -1
    mirrored = with_hu(
        SCAN,
        SCAN.hu[:, :, ::-1],
        direction=direction,
        origin=(SCAN.origin[0] + step * (SCAN.shape[2] - 1), *SCAN.origin[1:]),
    )

    verdict = verify(mirrored, KEY)

    assert verdict.is_intact, verdict.text()
    assert any("mirrored along x" in note for note in verdict.notes)


def test_slices_in_the_other_order_with_a_geometry_that_says_so_are_intact() -> None:
    direction = SCAN.direction.copy()
    direction[:, 0] *= -1
    top = SCAN.world_from_voxel((SCAN.shape[0] - 1, 0, 0))

    assert verify(with_hu(SCAN, SCAN.hu[::-1], direction=direction, origin=top), KEY).is_intact


def test_slices_taken_away_at_the_ends_are_named_though_nothing_else_tells() -> None:
    left = with_hu(SCAN, SCAN.hu[2:-1], origin=SCAN.world_from_voxel((2, 0, 0)))

    said = [f.sentence for f in verify(left, KEY).findings]

    assert said == [
        "Slices 0 to 1 of the sealed scan are missing (beside slice 0 of this scan).",
        "Slice 11 of the sealed scan is missing (beside slice 8 of this scan).",
    ]


def test_another_key_finds_no_seal() -> None:
    verdict = verify(SCAN, OTHER_KEY)

    assert verdict.state is State.NO_SEAL
    assert "another key" in verdict.findings[0].sentence


def test_an_unsealed_scan_has_no_seal() -> None:
    assert verify(body(padding=True), KEY).state is State.NO_SEAL


def test_a_change_in_padding_is_found() -> None:
    hu = SCAN.hu.copy()
    hu[3, 0, 0] += 1

    verdict = verify(with_hu(SCAN, hu), KEY)

    assert verdict.changed_blocks == 1
    assert verdict.changed_voxels()[3, :16, :16].all()


def test_many_changes_at_once_are_all_named() -> None:
    hu = SCAN.hu.copy()
    hu[2, 40:50, 40:50] = 0
    hu[9, 70:75, 20:30] = 0
    hu = np.delete(hu, 5, axis=0)

    verdict = verify(with_hu(SCAN, hu, spacing=(2.5, 0.8, 0.9)), KEY)

    assert sorted(f.kind.name for f in verdict.findings) == ["CHANGED", "CHANGED", "GEOMETRY", "MISSING"]
    assert all(f.sentence.endswith(".") for f in verdict.findings)


def test_a_finding_in_a_mirrored_scan_is_placed_where_it_is_seen() -> None:
    hu = SCAN.hu.copy()
    hu[4, 40, 50] += 1
    mirrored = hu[:, :, ::-1]

    verdict = verify(with_hu(SCAN, mirrored), KEY)
    box = next(f.box for f in verdict.findings if f.kind is Kind.CHANGED)

    assert box == ((4, 5), (32, 48), (112 - 64, 112 - 48))
    assert verdict.changed_voxels()[4, 40, 111 - 50]


def test_verdict_as_json_holds_the_sentences() -> None:
    import json

    hu = SCAN.hu.copy()
    hu[4, 40, 50] += 1

    report = json.loads(json.dumps(verify(with_hu(SCAN, hu), KEY).as_json()))

    assert report["state"] == "tampered"
    assert report["findings"][0]["box_zyx"] == [[4, 5], [32, 48], [48, 64]]
    assert report["can_be_healed"] is False  # sealed for detection only


def test_a_scan_with_slices_of_two_sealed_scans_is_told_apart() -> None:
    hu = SCANS[1, False].hu.copy()
    hu[:5] = OTHER.hu[:5]

    verdict = verify(with_hu(SCANS[1, False], hu), KEY)

    assert [f.kind for f in verdict.findings] == [Kind.FOREIGN] * 5


def _volume(hu: NDArray[np.int16]) -> CTVolume:
    return CTVolume(np.ascontiguousarray(hu), (1.0, 1.0, 1.0))


@given(seed=st.integers(0, 1000), shape=st.tuples(st.integers(1, 4), st.integers(1, 40), st.integers(1, 40)))
@settings(max_examples=40)
def test_anything_can_be_checked(seed: int, shape: tuple[int, int, int]) -> None:
    hu = np.random.default_rng(seed).integers(-32768, 32767, shape, endpoint=True).astype(np.int16)

    assert verify(_volume(hu), KEY).state is State.NO_SEAL


def test_slices_of_many_other_scans_are_named_and_the_rest_stays_known() -> None:
    hu = SCAN.hu.copy()
    own = with_hu(SCAN, np.concatenate([hu] * 2))  # twice as many slices as there are other scans
    scan = seal(replace(own, history=()), KEY, with_copy=False, nonce=nonce(50))
    hu = scan.hu.copy()
    others = range(1, 20, 2)
    for number, z in enumerate(others):
        other = seal(replace(own, history=()), KEY, with_copy=False, nonce=nonce(60 + number))
        hu[z] = other.hu[z]

    verdict = verify(with_hu(scan, hu), KEY)

    changed = verdict.changed_voxels().any(axis=(1, 2))
    assert verdict.state is State.TAMPERED
    assert set(np.flatnonzero(changed)) == set(others)


def test_a_scan_with_a_slice_of_padding_only_is_refused_in_a_sentence() -> None:
    scan = body(padding=True)
    hu = scan.hu.copy()
    hu[3] = hu[0, 0, 0]
    padding = scan.padding.copy()
    padding[3] = True
    with pytest.raises(SealError, match="Slice 3"):
        seal(replace(scan, hu=hu, padding=padding), KEY, with_copy=False, nonce=nonce(1))
