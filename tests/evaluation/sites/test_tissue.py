import numpy as np
import pytest
from scipy import ndimage

from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.sites.tissue import (
    JUXTA_PLEURAL,
    MEDIASTINAL,
    PARENCHYMA,
    SOFT_TISSUE,
    TISSUES,
    sites_by_tissue,
)


@pytest.fixture(scope="module")
def chest() -> CTVolume:
    """Two lungs 60 mm apart at their nearest, in a body of 270 x 200 mm, with a bone between them."""
    z, y, x = np.mgrid[0:60, 0:72, 0:96].astype(np.float32)
    hu = np.full(z.shape, -1000.0, dtype=np.float32)
    hu[((y - 36) / 33) ** 2 + ((x - 48) / 45) ** 2 <= 1] = 40
    for middle in (24, 72):
        hu[((z - 30) / 26) ** 2 + ((y - 36) / 22) ** 2 + ((x - middle) / 14) ** 2 <= 1] = -850
    hu[:, 40:46, 44:52] = 700
    hu += np.random.default_rng(0).normal(0, 10, hu.shape)
    return CTVolume(np.round(hu).astype(np.int16), spacing=(2.5, 3.0, 3.0))


@pytest.fixture(scope="module")
def lung(chest) -> np.ndarray:
    return lung_mask(chest)


def test_places_lie_in_their_tissue(chest, lung):
    found = sites_by_tissue(chest, 12, seed=1)
    assert tuple(found) == TISSUES
    to_wall = ndimage.distance_transform_edt(lung, sampling=chest.spacing)
    for name in (PARENCHYMA, JUXTA_PLEURAL):
        assert len(found[name]) == 12
        depths = np.array([to_wall[at] for at in found[name]])
        assert (depths >= 16).all() if name == PARENCHYMA else ((depths >= 3) & (depths <= 10)).all()
    for name in (MEDIASTINAL, SOFT_TISSUE):
        assert len(found[name]) == 12
        assert all(-100 < chest.hu[at] < 200 and not lung[at] for at in found[name])
    assert all(24 < x < 72 for _, _, x in found[MEDIASTINAL])
    for _, y, x in found[SOFT_TISSUE]:
        assert x < 24 or x > 72 or abs(y - 36) > 10
        inside = 1 - np.hypot((y - 36) / 33, (x - 48) / 45)
        # Distances are those of voxels 3 mm wide.
        assert inside * 99 > 5


def test_places_keep_from_the_borders_and_follow_the_seed(chest, lung):
    body = body_mask(chest)
    found = sites_by_tissue(chest, 30, seed=2, lung=lung, body=body)
    margin = np.ceil(8 / np.array(chest.spacing))
    for sites in found.values():
        assert len(set(sites)) == len(sites)
        assert (np.array(sites) >= margin).all()
        assert (np.array(sites) < np.array(chest.shape) - margin).all()
    assert sites_by_tissue(chest, 30, seed=2, lung=lung, body=body) == found
    assert sites_by_tissue(chest, 30, seed=3, lung=lung, body=body) != found


def test_a_tissue_that_is_not_shown_has_no_places(chest):
    one_lung = CTVolume(chest.hu[:, :, :46].copy(), chest.spacing)
    found = sites_by_tissue(one_lung, 5)
    assert found[MEDIASTINAL] == []
    assert len(found[PARENCHYMA]) == 5


def test_a_thin_scan_is_refused(chest):
    with pytest.raises(AttackError, match="thick"):
        sites_by_tissue(CTVolume(chest.hu[:6].copy(), chest.spacing), 5)
