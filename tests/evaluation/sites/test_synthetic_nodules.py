import numpy as np
import pytest

from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.sites.synthetic_nodules import synthetic_nodules
from napari_mits_gan.protection.protect import protect


def test_nodules_lie_apart_and_are_there(small_chest):
    drawn = synthetic_nodules(small_chest, 4, seed=1)
    assert 2 <= len(drawn.sites) <= 4
    assert len(drawn.shapes) == len(drawn.sites)
    spacing = np.array(small_chest.spacing)
    for i, at in enumerate(drawn.sites):
        assert int(drawn.volume.hu[at]) - int(small_chest.hu[at]) > 100
        for other in drawn.sites[:i]:
            assert np.abs((np.array(at) - other) * spacing).max() > 36
    changed = drawn.volume.hu != small_chest.hu
    away = [np.linalg.norm((np.indices(changed.shape).T - at) * spacing, axis=-1).T for at in drawn.sites]
    assert np.min(away, axis=0)[changed].max() < 30
    assert all(6 <= shape.diameter_mm <= 18 for shape in drawn.shapes)


def test_the_same_seed_draws_the_same(small_chest):
    first, again, other = (synthetic_nodules(small_chest, 2, seed=s) for s in (3, 3, 4))
    assert first.sites == again.sites
    assert np.array_equal(first.volume.hu, again.volume.hu)
    assert first.sites != other.sites


def test_they_keep_away_from_real_ones(small_chest):
    real = synthetic_nodules(small_chest, 1, seed=1).sites[0]
    drawn = synthetic_nodules(small_chest, 3, seed=1, annotated=[AnnotatedNodule(real, 20.0)])
    for at in drawn.sites:
        assert np.abs((np.array(at) - real) * small_chest.spacing).max() > 46


def test_a_patient_with_nodules_can_be_protected(small_chest):
    drawn = synthetic_nodules(small_chest, 2, seed=1)
    assert not drawn.volume.is_tampered
    assert drawn.volume.source is None
    assert protect(drawn.volume, "gaussian-noise", max_change_hu=10).is_protected


def test_no_lung_is_an_error():
    with pytest.raises(AttackError, match="lung"):
        synthetic_nodules(CTVolume(np.full((40, 40, 40), 40, np.int16), (2.0, 2.0, 2.0)), 2)
