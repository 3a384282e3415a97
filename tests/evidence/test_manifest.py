"""The signed manifest: what it catches, that it names it, and that nothing but its own error comes out of bad input."""

from __future__ import annotations

import contextlib
import dataclasses
import json

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import ManifestError
from napari_mits_gan.evidence.manifest import read_manifest, signed_manifest
from napari_mits_gan.evidence.manifest_check import check_manifest

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def scan(n: int = 9, seed: int = 0) -> CTVolume:
    hu = np.random.default_rng(seed).integers(-1000, 400, (n, 6, 7)).astype(np.int16)
    return CTVolume(hu, spacing=(2.5, 0.7, 0.7), origin=(-120.0, -90.5, 33.25))


def findings(volume: CTVolume, manifest: bytes) -> tuple[str, ...]:
    return check_manifest(volume, read_manifest(manifest, SIGNER.public_key()), signer_known=True).findings


def with_slices(volume: CTVolume, order: list[int]) -> CTVolume:
    return dataclasses.replace(volume, hu=volume.hu[order].copy())


def test_an_untouched_scan_is_intact_in_any_container():
    volume = scan()
    again = dataclasses.replace(volume, hu=np.asfortranarray(volume.hu), name="renamed", history=())
    assert findings(again, signed_manifest(volume, SIGNER)) == ()


def test_source_steps_and_versions_are_stated_without_seed_or_key():
    volume = scan()
    step = Step(
        "protection",
        {"method": "mits-gan", "max_change_hu": 20, "seed": 7, "key_check": "abc", "patient": "A^B", "sigma": 0.5},
    )
    manifest = read_manifest(signed_manifest(volume.with_hu(volume.hu.copy(), step), SIGNER, source=scan(seed=1)))
    told = {"kind": "protection", "method": "mits-gan", "max_change_hu": 20, "sigma": "0.500000"}
    assert manifest.steps == (told,)
    assert len(manifest.source_slices) == 9
    assert manifest.source_slices != manifest.slices
    assert "napari-mits-gan" in manifest.software


def test_one_voxel_changed_by_one_names_its_slice():
    volume = scan()
    hu = volume.hu.copy()
    hu[4, 2, 3] += 1
    assert findings(dataclasses.replace(volume, hu=hu), signed_manifest(volume, SIGNER)) == (
        "The pixels of slice 5 were changed.",
    )


@pytest.mark.parametrize(
    ("order", "sentence"),
    [
        ([0, 1, 2, 3, 4, 5, 6], "Missing, as the manifest counts: slices 8-9 of 9."),
        ([2, 3, 4, 5, 6, 7, 8], "Missing, as the manifest counts: slices 1-2 of 9."),
        ([0, 1, 2, 3, 5, 6, 7, 8], "Missing, as the manifest counts: slice 5 of 9."),
        ([0, 1, 2, 3, 3, 4, 5, 6, 7, 8], "There once more than exported: slice 5."),
        ([0, 1, 7, 2, 3, 4, 5, 6, 8], "Moved from another position: slice 3."),
        ([8, 7, 6, 5, 4, 3, 2, 1, 0], "The slices are in reverse order."),
    ],
)
def test_what_happened_to_slices_is_named(order, sentence):
    volume = scan()
    assert findings(with_slices(volume, order), signed_manifest(volume, SIGNER)) == (sentence,)


def test_two_swapped_slices_are_named():
    volume = scan()
    (told,) = findings(with_slices(volume, [0, 5, 2, 3, 4, 1, 6, 7, 8]), signed_manifest(volume, SIGNER))
    assert told.startswith("Moved from another position: slice")


def test_an_added_foreign_slice_is_named():
    volume, other = scan(), scan(seed=5)
    hu = np.concatenate([volume.hu[:4], other.hu[:1], volume.hu[4:]])
    assert findings(dataclasses.replace(volume, hu=hu), signed_manifest(volume, SIGNER)) == (
        "Not listed in the manifest: slice 5.",
    )


def test_another_series_is_told_from_a_changed_one():
    (told,) = findings(scan(seed=3), signed_manifest(scan(), SIGNER))
    assert told.startswith("This is another series")


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        ({"spacing": (2.5, 0.71, 0.7)}, "spacing"),
        ({"origin": (-120.0, -90.4, 33.25)}, "position"),
        ({"direction": np.array([[0.0, 0.0, -1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])}, "orientation"),
    ],
)
def test_an_edited_geometry_is_named(edit, word):
    volume = scan()
    (told,) = findings(dataclasses.replace(volume, **edit), signed_manifest(volume, SIGNER))
    assert told.startswith("The geometry was edited")
    assert word in told


def test_rounding_of_other_containers_is_no_edit():
    volume = scan()
    rounded = dataclasses.replace(volume, origin=tuple(float(np.float32(o)) for o in volume.origin))
    assert findings(rounded, signed_manifest(volume, SIGNER)) == ()


@given(st.data())
def test_any_change_of_any_value_is_noticed(data):
    document = json.loads(signed_manifest(scan(3), SIGNER))
    name = data.draw(st.sampled_from(sorted(document)))
    value = document[name]
    if isinstance(value, list) and value:
        k = data.draw(st.integers(0, len(value) - 1))
        value[k] = data.draw(
            st.sampled_from(["0", 0, "a" * 64, {}, [], None, True, 1.5]).filter(lambda v: v != value[k])
        )
    else:
        document[name] = data.draw(st.sampled_from([1, "x", {}, ["a" * 64], None]).filter(lambda v: v != value))
    with pytest.raises(ManifestError):
        read_manifest(json.dumps(document).encode(), SIGNER.public_key())


def test_form_does_not_matter_but_the_signer_does():
    data = signed_manifest(scan(), SIGNER)
    spread = json.dumps(json.loads(data), indent=4).encode()
    assert read_manifest(spread, SIGNER.public_key()) == read_manifest(data)
    with pytest.raises(ManifestError, match="another key"):
        read_manifest(data, Ed25519PrivateKey.generate().public_key())


@given(st.binary(max_size=300))
def test_garbage_is_refused_in_a_sentence(data):
    with pytest.raises(ManifestError):
        read_manifest(data)


@given(st.data())
def test_every_damaged_byte_is_refused_or_harmless(data):
    whole = bytearray(signed_manifest(scan(2), SIGNER))
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] = data.draw(st.integers(0, 255))
    original = read_manifest(signed_manifest(scan(2), SIGNER))
    with contextlib.suppress(ManifestError):
        assert read_manifest(bytes(whole), SIGNER.public_key()) == original


@given(st.integers(0, 400))
def test_every_truncation_is_refused(length):
    data = signed_manifest(scan(2), SIGNER).rstrip()
    with pytest.raises(ManifestError):
        read_manifest(data[: min(length, len(data) - 1)])


def test_deep_nesting_is_refused():
    with pytest.raises(ManifestError):
        read_manifest(b"[" * 100_000)
