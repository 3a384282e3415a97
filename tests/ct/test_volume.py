"""The volume as an object: copies, pickles, and arrays that nobody writes into."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.storable import EVERY_HU
from napari_mits_gan.ct.volume import CTVolume, Step

COPIES = {
    "pickle": lambda volume: pickle.loads(pickle.dumps(volume)),  # noqa: S301 (its own pickle)
    "oldest pickle": lambda volume: pickle.loads(pickle.dumps(volume, 0)),  # noqa: S301
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
}
VALUES = st.recursive(
    st.one_of(st.integers(), st.floats(allow_nan=False), st.text(), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=6,
)
STEPS = st.builds(Step, st.sampled_from(["protection", "attack"]), st.dictionaries(st.text(), VALUES, max_size=4))
SHAPES = st.tuples(*3 * (st.integers(1, 5),))


@st.composite
def volumes(draw) -> CTVolume:
    shape = draw(SHAPES)
    padding = draw(st.one_of(st.none(), hnp.arrays(bool, st.just(shape)), hnp.arrays(bool, st.just((1, *shape[1:])))))
    return CTVolume(
        draw(hnp.arrays(np.int16, st.just(shape))),
        draw(st.tuples(*3 * (st.floats(0.1, 10),))),
        draw(st.tuples(*3 * (st.floats(-1e4, 1e4),))),
        padding=padding,
        name=draw(st.text()),
        history=tuple(draw(st.lists(STEPS, max_size=3))),
    )


def assert_same(one: CTVolume, other: CTVolume) -> None:
    assert (one.spacing, one.origin, one.name) == (other.spacing, other.origin, other.name)
    assert [(s.kind, dict(s.parameters)) for s in one.history] == [(s.kind, dict(s.parameters)) for s in other.history]
    for name in ("hu", "direction", "padding"):
        before, after = getattr(one, name), getattr(other, name)
        assert (before is None) == (after is None)
        if after is not None:
            np.testing.assert_array_equal(after, before)
            assert after.dtype == before.dtype
            assert not after.flags.writeable


@pytest.mark.parametrize("way", COPIES)
@given(volumes())
def test_a_copy_is_the_same_volume_with_read_only_arrays(way, volume) -> None:
    made = COPIES[way](volume)
    assert_same(volume, made)
    assert made.is_tampered == volume.is_tampered
    for step in made.history:
        with pytest.raises(TypeError):
            step.parameters["kind"] = 1


def test_a_step_comes_back_from_a_pickle_and_a_copy() -> None:
    step = Step("attack", {"at": [1, 2, 3], "seed": 7})
    for made in (pickle.loads(pickle.dumps(step)), copy.deepcopy(step)):  # noqa: S301
        assert made == step
        assert made.parameters["at"] is not step.parameters["at"]


def test_padding_that_all_slices_share_stays_one_slice() -> None:
    mask = np.zeros((1, 64, 64), bool)
    mask[0, 0] = True
    volume = CTVolume(np.zeros((50, 64, 64), np.int16), (1, 1, 1), padding=mask)
    assert volume.padding.shape == volume.shape
    assert len(pickle.dumps(volume)) < volume.hu.nbytes + 2 * mask.nbytes
    assert copy.deepcopy(volume).padding.strides[0] == 0


@pytest.mark.parametrize("way", COPIES)
def test_a_copy_of_a_scan_from_dicom_can_still_be_exported(dicom_series, tmp_path, way) -> None:
    from napari_mits_gan.ct.dicom.write import write_dicom

    volume = COPIES[way](read_ct(dicom_series().folder))
    write_dicom(volume, tmp_path / "out")
    np.testing.assert_array_equal(read_ct(tmp_path / "out").hu, volume.hu)


def test_a_scan_without_a_source_can_store_every_hu() -> None:
    volume = CTVolume(np.zeros((2, 3, 4), np.int16), (1, 1, 1))
    assert volume.storable(1) is EVERY_HU
    assert EVERY_HU.is_gapless
