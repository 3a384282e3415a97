import numpy as np
import pytest

from napari_mits_gan.ct.annotations import AnnotatedNodule
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError
from napari_mits_gan.evaluation.nodules_apart import nodules_apart
from napari_mits_gan.protection.protect import protect


def test_nodules_lie_apart_and_are_there(small_chest):
    drawn = nodules_apart(small_chest, 4, seed=1)
    assert 2 <= len(drawn.places) <= 4
    assert len(drawn.shapes) == len(drawn.places)
    spacing = np.array(small_chest.spacing)
    for i, at in enumerate(drawn.places):
        assert int(drawn.volume.hu[at]) - int(small_chest.hu[at]) > 100
        for other in drawn.places[:i]:
            assert np.abs((np.array(at) - other) * spacing).max() > 36
    changed = drawn.volume.hu != small_chest.hu
    away = [np.linalg.norm((np.indices(changed.shape).T - at) * spacing, axis=-1).T for at in drawn.places]
    assert np.min(away, axis=0)[changed].max() < 30
    assert all(6 <= shape.diameter_mm <= 18 for shape in drawn.shapes)


def test_the_same_seed_draws_the_same(small_chest):
    first, again, other = (nodules_apart(small_chest, 2, seed=s) for s in (3, 3, 4))
    assert first.places == again.places
    assert np.array_equal(first.volume.hu, again.volume.hu)
    assert first.places != other.places


def test_they_keep_away_from_real_ones(small_chest):
    real = nodules_apart(small_chest, 1, seed=1).places[0]
    drawn = nodules_apart(small_chest, 3, seed=1, annotated=[AnnotatedNodule(real, 20.0)])
    for at in drawn.places:
        assert np.abs((np.array(at) - real) * small_chest.spacing).max() > 46


def test_a_patient_with_nodules_can_be_protected(small_chest):
    drawn = nodules_apart(small_chest, 2, seed=1)
    assert not drawn.volume.is_tampered
    assert drawn.volume.source is None
    assert protect(drawn.volume, "gaussian-noise", max_change_hu=10).is_protected


def test_no_lung_is_an_error():
    with pytest.raises(AttackError, match="lung"):
        nodules_apart(CTVolume(np.full((40, 40, 40), 40, np.int16), (2.0, 2.0, 2.0)), 2)
