"""Where the body and the lungs are: on a thorax built here, and on real scans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_mits_gan.ct.anatomy import anatomy_of, body_mask, lung_mask
from napari_mits_gan.ct.volume import CTVolume

SPACING = (4.0, 2.0, 2.0)
SHAPE = (26, 110, 150)
CENTER = (13.0, 55.0, 75.0)


def _ellipsoid(center: tuple[float, float, float], radii_mm: tuple[float, float, float]) -> np.ndarray:
    grid = np.indices(SHAPE, dtype=float)
    mm = [(g - c) * s / r for g, c, s, r in zip(grid, center, SPACING, radii_mm, strict=True)]
    return sum(m**2 for m in mm) <= 1


def _cylinder(center: tuple[float, float], radii_mm: tuple[float, float]) -> np.ndarray:
    return _ellipsoid((CENTER[0], *center), (1e9, *radii_mm))


@pytest.fixture(scope="module")
def parts() -> dict[str, np.ndarray]:
    """The thorax' parts as masks."""
    return {
        "body": _cylinder((55, 75), (90, 130)),
        "right": _ellipsoid((13, 55, 45), (44, 55, 35)),
        "left": _ellipsoid((13, 55, 105), (44, 55, 35)),
        "vessel": _cylinder((55, 45), (4, 4)),
        "trachea": _cylinder((40, 75), (8, 8)),
        "table": _ellipsoid((13, 104, 75), (1e9, 4, 120)),
    }


@pytest.fixture(scope="module")
def thorax(parts) -> CTVolume:
    """A body in air on a table; two lungs, one with a vessel through it, and a trachea apart from them."""
    hu = np.full(SHAPE, -1000.0)
    hu[parts["body"]] = 40
    hu[parts["right"] | parts["left"]] = -850
    hu[parts["vessel"]] = 50
    hu[parts["trachea"]] = -1000
    hu[parts["table"]] = 150
    hu += np.random.default_rng(0).normal(0, 15, SHAPE)
    return CTVolume(np.round(hu).astype(np.int16), SPACING)


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def _millilitres(mask: np.ndarray, volume: CTVolume) -> float:
    return float(mask.sum() * np.prod(volume.spacing) / 1000)


def test_both_lungs_are_found_with_their_vessels(thorax, parts):
    lungs = lung_mask(thorax)
    assert lungs.dtype == bool
    assert lungs.shape == thorax.shape
    assert _dice(lungs, parts["right"] | parts["left"]) > 0.98
    assert lungs[parts["vessel"] & parts["right"]].mean() > 0.9


def test_trachea_table_and_outer_air_are_no_lung(thorax, parts):
    lungs = lung_mask(thorax)
    assert not lungs[parts["trachea"]].any()
    assert not lungs[~parts["body"]].any()


def test_the_body_holds_the_lungs_and_neither_table_nor_air(thorax, parts):
    body = body_mask(thorax)
    assert _dice(body, parts["body"]) > 0.98
    assert body[parts["right"] | parts["left"]].all()
    assert not body[parts["table"] & ~parts["body"]].any()
    assert not body[:, :3].any()


def test_a_body_that_touches_the_table_is_cut_off_it(thorax, parts):
    hu = thorax.hu.copy()
    hu[:, 100:103, 75] = 40
    body = body_mask(CTVolume(hu, SPACING))
    assert body[parts["table"] & ~parts["body"]].mean() < 0.02


def test_padding_is_neither_body_nor_lung(thorax, parts):
    padding = ~_cylinder((55, 75), (85, 125))
    hu = thorax.hu.copy()
    hu[padding] = -2048
    volume = CTVolume(hu, SPACING, padding=padding)
    assert not body_mask(volume)[padding].any()
    assert not lung_mask(volume)[padding].any()
    assert _dice(lung_mask(volume), parts["right"] | parts["left"]) > 0.98


def test_a_crop_through_the_lungs_still_shows_them(thorax, parts):
    """Scans are often cut tightly around the lungs, so that lung touches the border."""
    crop = (slice(6, 20), slice(28, 83), slice(36, 114))
    volume = CTVolume(thorax.hu[crop].copy(), SPACING)
    lungs = (parts["right"] | parts["left"])[crop]
    assert lungs[:, :, 0].any()
    assert _dice(lung_mask(volume), lungs) > 0.97
    assert body_mask(volume)[lungs].mean() > 0.97


def test_spacing_decides_what_is_large_enough(thorax):
    """The same voxels at a tenth of the distance are a mouse's lungs, far below the smallest piece kept."""
    small = CTVolume(thorax.hu, tuple(s / 10 for s in SPACING))
    assert not lung_mask(small).any()


@pytest.mark.parametrize(("hu", "body", "lung"), [(-1000, 0, 0), (40, 1, 0), (3000, 1, 0), (-850, 1, 1)])
def test_a_scan_of_one_value_is_all_air_or_all_tissue_or_all_lung(hu, body, lung):
    """A crop may lie wholly within a lung."""
    volume = CTVolume(np.full((6, 40, 40), hu, dtype=np.int16), (5.0, 3.0, 3.0))
    assert lung_mask(volume).mean() == lung
    assert body_mask(volume).mean() == pytest.approx(body, abs=0.01)


def test_bowel_gas_is_no_lung(parts):
    hu = np.full(SHAPE, -1000, dtype=np.int16)
    hu[parts["body"]] = 40
    hu[parts["right"]] = -995
    assert not lung_mask(CTVolume(hu, SPACING)).any()


# ---- what lies outside the patient, and what is in his belly


def _on_a_couch(thorax: CTVolume, parts: dict[str, np.ndarray], foam_hu: float) -> np.ndarray:
    """HU of the thorax with foam under the back, as far as the array reaches, and no air between."""
    hu = thorax.hu.astype(float)
    foam = (np.indices(SHAPE)[1] > 60) & ~parts["body"] & ~parts["table"]
    hu[foam] = foam_hu + np.random.default_rng(1).normal(0, 15, SHAPE)[foam]
    return hu


@pytest.mark.parametrize("foam_hu", [-985, -960, -920])
def test_a_cushion_under_the_back_is_neither_lung_nor_body(textured, parts, foam_hu):
    hu = _on_a_couch(textured, parts, foam_hu)
    for crop in (np.s_[:], np.s_[:, 6:106], np.s_[:, 6:102, 12:138]):  # foam shut in between the back and the border
        found = anatomy_of(CTVolume(np.rint(hu[crop]).astype(np.int16), SPACING))
        assert _dice(found.lungs, (parts["right"] | parts["left"])[crop]) > 0.98
        assert not found.lungs[~parts["body"][crop]].any()
        assert found.body[~parts["body"][crop]].mean() < 0.02


@pytest.mark.parametrize("filler", [-1024, -2000, -3024])
@pytest.mark.parametrize("radius", [62, 36])
def test_an_undeclared_circle_around_the_field_of_view_is_left_out_and_may_cut_the_lungs(
    textured, parts, filler, radius
):
    beyond = ~_cylinder((55, 75), (2.0 * radius, 2.0 * radius))
    hu = np.where(beyond, filler, textured.hu).astype(np.int16)
    lungs = (parts["right"] | parts["left"]) & ~beyond
    found = anatomy_of(CTVolume(hu, SPACING))
    assert _dice(found.lungs, lungs) > 0.97
    assert found.body[beyond].mean() < 0.03  # no more than a block beside the circle


@pytest.fixture(scope="module")
def textured(parts) -> CTVolume:
    """The thorax with many small vessels in its lungs, as real ones have."""
    rng = np.random.default_rng(2)
    hu = np.full(SHAPE, -1000.0)
    hu[parts["body"]] = 40
    lungs = parts["right"] | parts["left"]
    hu[lungs] = -850 + 260 * (rng.random(SHAPE) > 0.85)[lungs]
    hu[parts["vessel"]] = 50
    hu[parts["trachea"]] = -1000
    hu[parts["table"]] = 150
    hu += rng.normal(0, 15, SHAPE)
    return CTVolume(np.rint(hu).astype(np.int16), SPACING)


def test_stomach_gas_under_the_diaphragm_is_no_lung(textured, parts):
    hu = textured.hu.copy()
    lower_left = parts["left"] & (np.indices(SHAPE)[0] < 8)
    hu[lower_left] = 40
    stomach = _ellipsoid((3, 55, 105), (12, 30, 25))
    hu[stomach] = -1000
    lungs = (parts["right"] | parts["left"]) & ~lower_left & ~stomach
    found = lung_mask(CTVolume(hu, SPACING))
    assert not found[stomach].any()
    assert _dice(found, lungs) > 0.98


def test_an_abdomen_with_gas_and_stool_shows_no_lung(parts):
    rng = np.random.default_rng(3)
    hu = np.full(SHAPE, -1000.0)
    hu[parts["body"]] = 40
    hu[_ellipsoid((13, 40, 75), (40, 20, 60))] = -1000
    stool = _ellipsoid((13, 75, 50), (40, 18, 25))
    hu[stool] = rng.choice([-900.0, 60.0], SHAPE)[stool]
    hu += rng.normal(0, 15, SHAPE)
    volume = CTVolume(np.rint(hu).astype(np.int16), SPACING)
    assert not lung_mask(volume).any()
    assert _dice(body_mask(volume), parts["body"]) > 0.98


def test_the_sinuses_of_a_head_are_no_lungs():
    spacing = (2.0, 1.0, 1.0)
    z, y, x = (np.indices((60, 160, 130)) * np.reshape(spacing, (3, 1, 1, 1))).astype(float)
    hu = np.where(((y - 80) / 75) ** 2 + ((x - 65) / 60) ** 2 <= 1, 40.0, -1000.0)
    for middle in (45, 85):
        hu[((z - 60) / 18) ** 2 + ((y - 40) / 16) ** 2 + ((x - middle) / 14) ** 2 <= 1] = -1000
    hu[((y - 95) / 12) ** 2 + ((x - 65) / 12) ** 2 <= 1] = -1000  # the pharynx, open above and below
    hu += np.random.default_rng(4).normal(0, 20, hu.shape)
    assert not lung_mask(CTVolume(np.rint(hu).astype(np.int16), spacing)).any()


# ---- what the lungs hold


def test_a_nodule_in_the_lung_and_one_at_the_pleura_belong_to_it(textured, parts):
    nodules = _ellipsoid((13, 45, 110), (10, 10, 10)) | _ellipsoid((13, 55, 133), (9, 9, 9))
    inside = nodules & parts["left"]
    hu = np.where(inside, 40, textured.hu).astype(np.int16)
    assert lung_mask(CTVolume(hu, SPACING))[inside].mean() > 0.8


def test_an_effusion_is_left_out_and_the_aerated_rest_kept(textured, parts):
    fluid = (parts["right"] | parts["left"]) & (np.indices(SHAPE)[1] > 62)
    hu = np.where(fluid, 10, textured.hu).astype(np.int16)
    aerated = (parts["right"] | parts["left"]) & ~fluid
    found = lung_mask(CTVolume(hu, SPACING))
    assert _dice(found, aerated) > 0.96
    assert found[fluid].mean() < 0.1


def test_the_trachea_is_an_airway_even_where_its_wall_is_too_thin_to_be_seen(textured, parts):
    hu = textured.hu.copy()
    hu[8:12, 40, 60:72] = -870  # from the right lung into it
    volume = CTVolume(hu, SPACING)
    found = anatomy_of(volume)
    assert not found.lungs[parts["trachea"]].any()
    assert _dice(found.airways, parts["trachea"]) > 0.85
    assert not (found.airways & found.lungs).any()


@pytest.mark.parametrize("slices", [np.s_[:9], np.s_[17:], np.s_[10:14]])
def test_a_part_of_the_lungs_is_enough(textured, parts, slices):
    volume = CTVolume(textured.hu[slices].copy(), SPACING)
    assert _dice(lung_mask(volume), (parts["right"] | parts["left"])[slices]) > 0.97


def test_emphysema_is_lung(textured, parts):
    lungs = parts["right"] | parts["left"]
    hu = np.where(lungs, np.maximum(textured.hu - 100, -1024), textured.hu).astype(np.int16)
    assert _dice(lung_mask(CTVolume(hu, SPACING)), lungs) > 0.97


@settings(max_examples=10, deadline=None)
@given(flips=st.tuples(st.booleans(), st.booleans()), noise=st.integers(0, 30), up=st.integers(1, 2))
def test_side_posture_noise_and_slice_distance_change_little(textured, parts, flips, noise, up):
    """Prone, mirrored, noisier, or in slices of half the distance: the same lungs and the same body."""
    turned = (slice(None), *(slice(None, None, -1 if flip else 1) for flip in flips))
    hu = np.repeat(textured.hu[turned].astype(float), up, axis=0)
    hu += np.random.default_rng(noise).normal(0, noise, hu.shape)
    volume = CTVolume(np.rint(hu).astype(np.int16), (SPACING[0] / up, *SPACING[1:]))
    found = anatomy_of(volume)
    lungs, body = (np.repeat(m[turned], up, axis=0) for m in (parts["right"] | parts["left"], parts["body"]))
    assert _dice(found.lungs, lungs) > 0.97
    assert _dice(found.body, body) > 0.98
    assert not (found.lungs & ~found.body).any()


@settings(max_examples=15, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12)),
    spacing=st.tuples(*[st.floats(0.3, 8.0)] * 3),
    seed=st.integers(0, 99),
)
def test_any_array_has_masks_of_its_shape_and_lungs_inside_the_body(shape, spacing, seed):
    rng = np.random.default_rng(seed)
    hu = rng.integers(-3024, 3071, shape).astype(np.int16)
    padding = rng.random(shape) > 0.8
    found = anatomy_of(CTVolume(hu, spacing, padding=padding))
    for mask in (found.lungs, found.body, found.airways):
        assert mask.shape == shape
        assert mask.dtype == bool
        assert not mask[padding].any()
    assert not (found.lungs & ~found.body).any()


def test_masks_leave_the_volume_alone(thorax):
    before = thorax.hu.copy()
    lung_mask(thorax)
    body_mask(thorax)
    np.testing.assert_array_equal(thorax.hu, before)


def test_lungs_and_body_of_a_real_chest(real_scan):
    """LIDC-IDRI-0001: a whole chest, full inspiration."""
    volume = real_scan("LIDC-IDRI-0001")
    lungs, body = lung_mask(volume), body_mask(volume)
    assert 3000 < _millilitres(lungs, volume) < 6000
    assert 15_000 < _millilitres(body, volume) < 45_000
    assert (lungs & ~body).sum() < 1e-3 * lungs.sum()
    assert -900 < volume.hu[lungs].mean() < -700
    # About as much on the patient's right (small x) as on the left.
    middle = int(np.argwhere(body)[:, 2].mean())
    share = lungs[:, :, :middle].sum() / lungs.sum()
    assert 0.4 < share < 0.65
    if volume.padding is not None:
        assert not (body & volume.padding).any()
