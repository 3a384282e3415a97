"""The recovery copy's codec: never over its budget, the same each time, finest in the lungs, and safe to read."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.errors import Cancelled, EvidenceError
from napari_mits_gan.evidence.copy_codec import decode_copy, encode_copy

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
AIR, BODY, LUNGS = 0, 1, 2


def small_chest(shape=(24, 72, 80), seed=0):
    """A body with two lungs, vessels and noise like a scanner's; its regions."""
    rng = np.random.default_rng(seed)
    _, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    yy, xx = (y / shape[1] - 0.5) / 0.4, (x / shape[2] - 0.5) / 0.45
    body = np.broadcast_to(yy**2 + xx**2 < 1, shape)
    lungs = np.broadcast_to((yy / 0.6) ** 2 + ((abs(xx) - 0.42) / 0.3) ** 2 < 1, shape)
    hu = np.where(lungs, -820.0, np.where(body, 40.0, -1000.0))
    hu += 300 * lungs * (ndimage.gaussian_filter(rng.normal(size=shape), 2) > 0.05)
    hu += ndimage.gaussian_filter(rng.normal(0, 60, shape), (0, 0.7, 0.7))
    return hu.round().astype(np.int16), np.where(lungs, LUNGS, np.where(body, BODY, AIR)).astype(np.uint8)


def rms(copy, hu, where):
    return float(np.sqrt(np.mean((copy[where].astype(float) - hu[where]) ** 2)))


@st.composite
def scans(draw):
    shape = draw(st.tuples(st.integers(1, 20), st.integers(1, 50), st.integers(1, 50)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    spread = draw(st.sampled_from([0, 5, 300, 20_000]))
    hu = np.clip(rng.normal(0, spread, shape) + draw(st.integers(-2000, 2000)), -32768, 32767).astype(np.int16)
    kind = draw(st.sampled_from(["air", "body", "lungs", "blobs"]))
    if kind == "blobs":
        regions = np.digitize(ndimage.gaussian_filter(rng.normal(size=shape), 3), [-0.02, 0.02]).astype(np.uint8)
    else:
        regions = np.full(shape, ["air", "body", "lungs"].index(kind), np.uint8)
    return hu, regions


@SLOW
@given(scans(), st.integers(0, 3000))
def test_never_longer_than_its_budget_or_refused(scan, max_bytes):
    hu, regions = scan
    data = None
    with contextlib.suppress(EvidenceError):
        data = encode_copy(hu, regions, max_bytes)
    if data is None:
        with pytest.raises(EvidenceError, match=f"{max_bytes} bytes"):
            encode_copy(hu, regions, max_bytes)
        return
    assert len(data) <= max_bytes
    copy = decode_copy(data)
    assert copy.shape == hu.shape
    assert copy.dtype == np.int16


def test_uses_most_of_the_budget():
    hu, regions = small_chest()
    for bits in (0.5, 1.0, 2.0):
        budget = int(hu.size * bits / 8)
        assert 0.97 * budget < len(encode_copy(hu, regions, budget)) <= budget


def test_same_scan_gives_same_bytes():
    hu, regions = small_chest((100, 40, 48))
    assert encode_copy(hu, regions, 20_000) == encode_copy(hu.copy(), regions.copy(), 20_000)


def test_larger_budgets_never_give_worse_copies():
    hu, regions = small_chest()
    copies = [decode_copy(encode_copy(hu, regions, int(hu.size * bits / 8))) for bits in (0.2, 0.4, 0.8, 1.6, 3.2, 6.4)]
    for region in (LUNGS, BODY):
        errors = [rms(copy, hu, regions == region) for copy in copies]
        assert errors == sorted(errors, reverse=True)
        assert errors[-1] < 0.1 * errors[0]


def test_lungs_are_finer_than_the_body():
    hu, regions = small_chest()
    copy = decode_copy(encode_copy(hu, regions, hu.size // 4))
    assert rms(copy, hu, regions == LUNGS) < 0.6 * rms(copy, hu, regions == BODY)


def test_a_large_budget_gives_back_nearly_every_value():
    hu, regions = small_chest()
    copy = decode_copy(encode_copy(hu, regions, 4 * hu.size))
    assert rms(copy, hu, regions == LUNGS) < 0.4
    assert np.abs(copy[regions == LUNGS].astype(int) - hu[regions == LUNGS]).max() <= 2


def test_extreme_values_keep_their_sign_and_size():
    rng = np.random.default_rng(0)
    hu = rng.choice(np.array([-32768, 32767], np.int16), (9, 40, 40))
    regions = np.full(hu.shape, LUNGS, np.uint8)
    copy = decode_copy(encode_copy(hu, regions, hu.size)).astype(int)
    assert (np.sign(copy) == np.sign(hu)).all()
    assert rms(copy, hu, regions == LUNGS) < 3000


def test_extreme_edges_at_the_finest_step_are_kept():
    hu = np.full((40, 64, 64), -32768, np.int16)
    hu[:20, 32:] = hu[20:, :32] = 32767
    copy = decode_copy(encode_copy(hu, np.full(hu.shape, LUNGS, np.uint8), 4 * hu.size))
    assert np.abs(copy.astype(int) - hu).max() <= 2


@pytest.mark.parametrize("shape", [(1, 64, 64), (64, 64, 1), (70, 1, 50), (1, 1, 1), (3, 5, 2), (2, 9, 300)])
def test_thin_scans_come_back(shape):
    hu = np.random.default_rng(0).normal(-500, 200, shape).astype(np.int16)
    copy = decode_copy(encode_copy(hu, np.full(shape, LUNGS, np.uint8), 4 * hu.size + 1000))
    assert np.abs(copy.astype(int) - hu).max() <= 1


def test_tissue_outside_both_lungs_and_body_does_not_spoil_them():
    hu, regions = small_chest()
    padded = np.where(regions == AIR, -32768, hu).astype(np.int16)
    budget = hu.size // 8
    plain, hard = (decode_copy(encode_copy(scan, regions, budget)) for scan in (hu, padded))
    inside = regions == LUNGS
    assert rms(hard, hu, inside) < 1.2 * rms(plain, hu, inside)


@pytest.mark.parametrize("max_bytes", [0, 40])
def test_refuses_a_budget_that_holds_nothing(max_bytes):
    hu, regions = small_chest((9, 40, 48))
    with pytest.raises(EvidenceError, match=f"does not fit into {max_bytes} bytes"):
        encode_copy(hu, regions, max_bytes)


def test_refuses_regions_of_another_shape():
    with pytest.raises(EvidenceError, match="shape"):
        encode_copy(np.zeros((3, 4, 5), np.int16), np.zeros((3, 4, 6), np.uint8), 1000)


def test_every_truncation_is_refused():
    hu, regions = small_chest((9, 40, 48))
    data = encode_copy(hu, regions, 2000)
    for length in range(len(data)):
        with pytest.raises(EvidenceError):
            decode_copy(data[:length])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_refused(data):
    with pytest.raises(EvidenceError):
        decode_copy(data)


GOOD = encode_copy(*small_chest((9, 40, 48)), 2000)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 5), st.integers(1, 255), st.booleans())
def test_a_changed_byte_under_a_right_checksum_does_no_harm(at, change, early):
    """A forger can make the checksum fit: then the copy is wrong, or refused in a sentence, and nothing worse."""
    body = bytearray(GOOD[:-4])
    at = at % 60 if early else at
    body[at] ^= change
    with contextlib.suppress(EvidenceError):
        assert decode_copy(bytes(body) + zlib.crc32(body).to_bytes(4, "little")).nbytes < 2**28


def test_a_header_cannot_claim_a_giant_scan():
    body = bytearray(GOOD[:-4])
    body[1:7] = b"\xff" * 6
    with pytest.raises(EvidenceError, match="header"):
        decode_copy(bytes(body) + zlib.crc32(body).to_bytes(4, "little"))


def test_progress_is_told_and_can_stop_the_work():
    hu, regions = small_chest((100, 40, 48))
    told = []
    data = encode_copy(hu, regions, 20_000, lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0

    def stop(done, total):
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        encode_copy(hu, regions, 20_000, stop)
    with pytest.raises(Cancelled):
        decode_copy(data, stop)


def test_a_real_scan_at_half_a_bit_and_one_bit_a_voxel(shared_ct):
    scan = shared_ct / "LIDC-IDRI-0001"
    if not scan.exists():
        pytest.skip("needs LIDC-IDRI-0001")
    whole = read_ct(scan)
    middle = slice(50, 74)
    volume = replace(whole, hu=whole.hu[middle], padding=whole.padding[middle], source=None)
    lungs = ndimage.distance_transform_edt(~lung_mask(volume), sampling=volume.spacing) <= 10
    regions = np.where(lungs, LUNGS, np.where(body_mask(volume), BODY, AIR)).astype(np.uint8)
    regions[volume.padding] = AIR
    for bits, lungs_hu, body_hu in ((0.5, 10, 25), (1.05, 4.5, 13)):
        copy = decode_copy(encode_copy(volume.hu, regions, int(volume.hu.size * bits / 8)))
        assert rms(copy, volume.hu, regions == LUNGS) <= lungs_hu
        assert rms(copy, volume.hu, regions == BODY) <= body_hu
