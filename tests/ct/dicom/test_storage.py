"""Which HU a slice can store: what is shown, evaluated and exported is one and the same scan."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.dicom.padding import PaddingRange
from napari_mits_gan.ct.dicom.rescale import Rescale, StoredFormat, to_hu
from napari_mits_gan.ct.dicom.storage import storage_of
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.ct.volume import Step
from napari_mits_gan.protection.budget import apply_within_budget

STEP = Step("protection", {"method": "noise", "max_change_hu": 20})
SLOPES = st.one_of(
    st.sampled_from([1.0, 0.5, 2.0, 3.0, -1.0, -2.5, 0.001, 4.0, 1.5]), st.floats(0.05, 6), st.floats(-6, -0.05)
)
FORMATS = st.builds(
    lambda bits, signed: StoredFormat(8 if bits <= 8 else 16, bits, bits - 1, signed),
    st.integers(6, 16),
    st.booleans(),
)


def _brute(rescale: Rescale, stored_format: StoredFormat, padding: list[PaddingRange], wanted: int) -> int:
    """How far the nearest storable HU lies from `wanted`, one value after the other."""
    values = np.arange(stored_format.lowest, stored_format.highest + 1)
    for outside in padding:
        values = values[(values < outside.lowest) | (values > outside.highest)]
    exact = np.rint(values * rescale.slope + rescale.intercept)
    return int(np.abs(exact[np.abs(exact) <= 32767] - wanted).min())


@given(SLOPES, st.floats(-1500, 500), FORMATS, st.lists(st.integers(-3000, 3000), min_size=1, max_size=8), st.data())
def test_the_nearest_storable_hu_is_stored_and_read_back(slope, intercept, stored_format, hu, data) -> None:
    rescale = Rescale(slope, intercept)
    low = data.draw(st.integers(stored_format.lowest, stored_format.highest))
    padding = [PaddingRange(low, min(low + data.draw(st.integers(0, 5)), stored_format.highest), low)]
    storage = storage_of(rescale, stored_format, tuple(padding))
    stored = storage.stored(np.array(hu, np.int16))
    assert not padding[0].mask(stored).any()
    assert stored.dtype == stored_format.dtype
    back = to_hu(stored, rescale)[0].astype(int)
    assert [abs(b - h) for b, h in zip(back, hu, strict=True)] == [
        _brute(rescale, stored_format, padding, h) for h in hu
    ]
    np.testing.assert_array_equal(to_hu(storage.values, rescale)[0], storage.hu.levels)


@given(
    st.lists(st.integers(-1100, 200), min_size=1, max_size=60, unique=True),
    st.lists(st.tuples(st.integers(0, 59), st.integers(-30, 30)), min_size=1, max_size=20),
    st.integers(1, 30),
)
def test_a_change_lands_on_the_nearest_level_within_the_budget(levels, wishes, budget) -> None:
    from napari_mits_gan.ct.storable import StorableHU

    levels = np.array(sorted(levels), np.int16)
    hu = levels[[i % len(levels) for i, _ in wishes]]
    change = np.array([w for _, w in wishes], np.float32)
    changed = apply_within_budget(hu, change, budget, np.ones(hu.shape, bool), StorableHU(levels))
    for before, wish, after in zip(hu.astype(int), change, changed.astype(int), strict=True):
        reachable = [int(v) for v in levels if abs(int(v) - before) <= budget]
        wanted = before + int(np.clip(wish, -budget, budget))
        assert after in reachable
        assert abs(after - wanted) == min(abs(v - wanted) for v in reachable)


def test_nothing_changes_where_nothing_is_asked_for_even_if_it_cannot_be_stored() -> None:
    from napari_mits_gan.ct.storable import StorableHU

    hu = np.array([3, 4, 5], np.int16)
    even = StorableHU(np.arange(-10, 11, 2, dtype=np.int16))
    np.testing.assert_array_equal(apply_within_budget(hu, np.zeros(3), 20, np.ones(3, bool), even), hu)
    nothing = StorableHU(np.array([], np.int16))
    np.testing.assert_array_equal(apply_within_budget(hu, np.ones(3), 20, np.ones(3, bool), nothing), hu)


_numbers = itertools.count()


@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(SLOPES, st.integers(-1200, 200), st.integers(9, 16), st.booleans(), st.sampled_from([None, 0, 5, 40]), st.data())
def test_a_protected_scan_is_exported_as_what_it_is(
    dicom_series, tmp_path, slope, intercept, bits, signed, padding, data
) -> None:
    limits = StoredFormat(16, bits, bits - 1, signed)
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    # Values that both come to the ends of what can be stored and lie densely in between, none of them outside int16.
    values = np.arange(limits.lowest, limits.highest + 1)
    values = values[np.abs(values * slope + intercept) < 32000]
    ends = np.concatenate([values[:12], values[-12:], values[len(values) // 2 :][:40]])
    stored = rng.choice(ends, (3, 10, 9)).astype(np.int16 if signed else np.uint16)
    if padding is not None:
        stored[:, :2] = padding

    def edit(ds, z) -> None:
        if padding is not None:
            ds.add_new("PixelPaddingValue", "SS" if signed else "US", padding)

    volume = read_ct(
        dicom_series(
            tmp_path / f"in{next(_numbers)}",
            stored=stored, slope=slope, intercept=intercept, bits_stored=bits, signed=signed, edit=edit,
        ).folder
    )  # fmt: skip
    budget = data.draw(st.integers(1, 60))
    allowed = np.ones(volume.shape[1:], bool)
    hu = np.stack(
        [
            apply_within_budget(
                volume.hu[z],
                rng.uniform(-1.5 * budget, 1.5 * budget, volume.shape[1:]),
                budget,
                allowed if volume.padding is None else ~volume.padding[z],
                volume.storable(z),
            )
            for z in range(3)
        ]
    )
    assert np.abs(hu.astype(int) - volume.hu).max() <= budget
    out = tmp_path / f"out{next(_numbers)}"
    write_dicom(volume.with_hu(hu, STEP), out)
    back = read_ct(out)
    np.testing.assert_array_equal(back.hu, hu)
    assert (back.padding is None) == (volume.padding is None)
    if back.padding is not None:
        np.testing.assert_array_equal(back.padding, volume.padding)


@pytest.mark.parametrize("slope", [1, -1, 2])
def test_a_filler_that_is_not_declared_is_still_one_after_a_change(dicom_series, tmp_path, slope) -> None:
    air = -1030 if slope > 0 else 1030
    stored = np.random.default_rng(0).integers(10, 900, (3, 12, 12)).astype(np.int16) * (1 if slope > 0 else -1)
    stored[:, :2], stored[:, -2:] = air, air
    volume = read_ct(dicom_series(stored=stored, slope=slope, intercept=0).folder)
    assert volume.padding is not None
    hu = np.stack(
        [
            apply_within_budget(volume.hu[z], np.full((12, 12), -200.0), 200, ~volume.padding[z], volume.storable(z))
            for z in range(3)
        ]
    )
    lowest = int(volume.hu[0, 0, 0])
    far = volume.with_hu(np.where(volume.padding, hu, np.minimum(hu, lowest - 50)).astype(np.int16), STEP)
    write_dicom(far, tmp_path / "out")  # far below the filler: the nearest that is not, is taken
    np.testing.assert_array_equal(read_ct(tmp_path / "out").padding, volume.padding)


def test_slices_of_a_tilted_gantry_are_mixed_to_hu_that_can_be_stored(dicom_series, tmp_path) -> None:
    def edit(ds, z) -> None:
        ds.ImagePositionPatient = [0, z * 0.9, z * 2.5]

    stored = np.random.default_rng(0).integers(0, 800, (4, 20, 18)).astype(np.int16)
    volume = read_ct(dicom_series(stored=stored, slope=3, intercept=-1024, edit=edit).folder)
    assert volume.source.tilt_degrees > 10
    assert set(np.unique((volume.hu[~volume.padding].astype(int) + 1024) % 3)) == {0}
    for number, scan in enumerate((volume, volume.with_hu(np.where(volume.padding, volume.hu, volume.hu + 6), STEP))):
        write_dicom(scan, tmp_path / str(number))
        np.testing.assert_array_equal(read_ct(tmp_path / str(number)).hu, scan.hu)
