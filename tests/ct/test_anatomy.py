"""Where the body and the lungs are: on a thorax built here, and on real scans."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.read import read_ct
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


def test_masks_leave_the_volume_alone(thorax):
    before = thorax.hu.copy()
    lung_mask(thorax)
    body_mask(thorax)
    np.testing.assert_array_equal(thorax.hu, before)


def test_lungs_and_body_of_a_real_chest(shared_ct: Path):
    """LIDC-IDRI-0001: a whole chest, full inspiration; every second voxel within the slice will do."""
    whole = read_ct(shared_ct / "LIDC-IDRI-0001")
    dz, dy, dx = whole.spacing
    padding = None if whole.padding is None else whole.padding[:, ::2, ::2]
    volume = CTVolume(whole.hu[:, ::2, ::2], (dz, 2 * dy, 2 * dx), padding=padding)
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
