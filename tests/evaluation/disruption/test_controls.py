import numpy as np
import pytest

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.evaluation.disruption.controls import CONTROLS, control


def _change(volume: CTVolume, changed: CTVolume) -> np.ndarray:
    return changed.hu.astype(int) - volume.hu


@pytest.mark.parametrize("name", CONTROLS)
@pytest.mark.parametrize("rms_hu", [0.5, 3.3, 12.7, 40.0])
def test_control_has_the_rms_asked_for_inside_the_body(small_chest, name, rms_hu):
    changed = control(small_chest, name, rms_hu)
    inside = _change(small_chest, changed)[body_mask(small_chest)]
    assert np.sqrt(np.mean(inside.astype(float) ** 2)) == pytest.approx(rms_hu, rel=0.01)


@pytest.mark.parametrize("name", CONTROLS)
def test_nothing_changes_outside_the_body_or_in_padding(small_chest, name):
    padding = np.zeros(small_chest.shape, dtype=bool)
    padding[:, 30:34] = True
    volume = CTVolume(small_chest.hu, small_chest.spacing, padding=padding)
    everywhere = np.ones(volume.shape, dtype=bool)
    assert not _change(volume, control(volume, name, 20.0))[~body_mask(volume)].any()
    assert not _change(volume, control(volume, name, 20.0, body=everywhere))[padding].any()


def test_noise_is_drawn_from_the_seed(small_chest):
    first, again, other = (control(small_chest, "gaussian-noise", 10.0, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first.hu, again.hu)
    assert not np.array_equal(first.hu, other.hu)


def test_noise_has_no_mean_and_the_tails_of_a_normal_distribution(small_chest):
    change = _change(small_chest, control(small_chest, "gaussian-noise", 15.0))[body_mask(small_chest)] / 15.0
    assert abs(change.mean()) < 0.02
    assert np.mean(np.abs(change) > 2) == pytest.approx(0.0455, rel=0.1)


def test_constant_shift_raises_every_voxel_alike(small_chest):
    change = _change(small_chest, control(small_chest, "constant-shift", 12.0))[body_mask(small_chest)]
    assert np.mean(change == 12) > 0.95


def test_slice_shift_raises_even_slices_and_lowers_odd_ones(small_chest):
    body = body_mask(small_chest)
    change = np.where(body, _change(small_chest, control(small_chest, "slice-shift", 12.0)), 0)
    assert np.mean(change[::2][body[::2]] == 12) > 0.95
    assert np.mean(change[1::2][body[1::2]] == -12) > 0.95


def test_no_rms_is_no_change_and_the_step_is_recorded(small_chest):
    changed = control(small_chest, "gaussian-noise", 0.0, seed=4)
    assert np.array_equal(changed.hu, small_chest.hu)
    assert changed.is_protected
    assert dict(changed.history[-1].parameters) == {"method": "gaussian-noise", "rms_hu": 0.0, "seed": 4}


def test_what_is_no_control_is_refused(small_chest):
    with pytest.raises(ProtectionError, match="no control called 'white'"):
        control(small_chest, "white", 1.0)


@pytest.mark.parametrize("rms_hu", [-1.0, float("nan"), float("inf")])
def test_what_is_no_rms_is_refused(small_chest, rms_hu):
    with pytest.raises(ValueError, match="the RMS must be zero or more HU"):
        control(small_chest, "slice-shift", rms_hu)
