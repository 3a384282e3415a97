"""Every kind of change is found, named in a sentence, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from evidence.sealed_scans import KEY, OTHER_KEY, body, nonce, with_hu
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.check import verify
from napari_mits_gan.evidence.find_seal import sampled_slices
from napari_mits_gan.evidence.orientation import Orientation, in_plane
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


@pytest.mark.parametrize("turns", list(in_plane())[1:], ids=Orientation.describe)
def test_a_change_in_a_slice_that_was_turned_on_its_own_is_placed_where_it_is(turns: Orientation) -> None:
    sealed = seal(body((8, 96, 96)), KEY, with_copy=False, nonce=nonce(4))
    mark = np.zeros(sealed.shape, bool)
    mark[3, 16:32, 64:80] = True
    hu = np.where(mark, sealed.hu + 1, sealed.hu)
    hu[3], mark[3] = turns.back(hu[3][None])[0], turns.back(mark[3][None])[0]

    verdict = verify(with_hu(sealed, hu), KEY)

    assert [f.kind for f in verdict.findings] == [Kind.TURNED_SLICE, Kind.CHANGED], verdict.text()
    (z0, z1), (y0, y1), (x0, x1) = verdict.findings[1].box
    assert mark[z0:z1, y0:y1, x0:x1].all()
    assert np.array_equal(verdict.changed_voxels(), mark)


@pytest.mark.parametrize("slices", [2, 3])
def test_a_scan_of_few_slices_that_was_turned_with_its_geometry_is_intact(slices: int) -> None:
    sealed = seal(body((slices, 96, 112)), KEY, with_copy=False, nonce=nonce(5))
    direction = sealed.direction.copy()
    direction[:, 0] *= -1
    last = sealed.world_from_voxel((slices - 1, 0, 0))

    verdict = verify(with_hu(sealed, sealed.hu[::-1], direction=direction, origin=last), KEY)

    assert verdict.is_intact, verdict.text()


def test_a_turned_scan_is_known_by_the_few_slices_that_are_left_of_it() -> None:
    hu = body((60, 64, 80), seed=3).hu.copy()
    sealed = seal(body((60, 64, 80)), KEY, with_copy=False, nonce=nonce(6))
    hu[[7, 40]] = sealed.hu[[7, 40]]

    verdict = verify(with_hu(sealed, hu[:, :, ::-1]), KEY)

    assert verdict.state is State.TAMPERED
    assert not verdict.changed_voxels()[[7, 40]].any()


def test_slices_to_look_at_first_differ_from_key_to_key() -> None:
    ours, theirs = sampled_slices(KEY, 300), sampled_slices(OTHER_KEY, 300)

    assert len(set(ours.tolist())) == len(ours) < 100
    assert (np.diff(ours) > 0).all()
    assert len(set(ours.tolist()) & set(theirs.tolist())) < len(ours) / 2
    assert sampled_slices(KEY, 5).tolist() == list(range(5))


def test_slices_taken_away_at_the_ends_are_named_though_nothing_else_tells() -> None:
    left = with_hu(SCAN, SCAN.hu[2:-1], origin=SCAN.world_from_voxel((2, 0, 0)))

    said = [f.sentence for f in verify(left, KEY).findings]

    assert said == [
        "Slices 0 to 1 of the sealed scan are missing (beside slice 0 of this scan).",
        "Slice 11 of the sealed scan is missing (beside slice 8 of this scan).",
    ]


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


def test_a_finding_in_a_mirrored_scan_is_marked_where_it_is_seen() -> None:
    hu = SCAN.hu.copy()
    hu[4, 40, 50] += 1

    verdict = verify(with_hu(SCAN, hu[:, :, ::-1]), KEY)

    assert verdict.changed_voxels()[4, 40, 111 - 50]
    assert verdict.changed_blocks == 1


def test_verdict_as_json_holds_the_sentences() -> None:
    import json

    hu = SCAN.hu.copy()
    hu[4, 40, 50] += 1

    report = json.loads(json.dumps(verify(with_hu(SCAN, hu), KEY).as_json()))

    assert report["state"] == "tampered"
    assert report["findings"][0]["box_zyx"] == [[4, 5], [32, 48], [48, 64]]
    assert report["can_be_healed"] is False  # sealed for detection only


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
