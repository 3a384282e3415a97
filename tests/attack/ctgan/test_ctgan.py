"""CT-GAN as a user meets it: tampering with a volume, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import napari_mits_gan as mg
from napari_mits_gan.attack.ctgan.attacker import CTGAN, SHIPPED_ATTACKERS
from napari_mits_gan.attack.ctgan.pipeline import REFERENCE
from napari_mits_gan.attack.ctgan.weights import save_attacker
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.device import available_devices
from napari_mits_gan.errors import AttackError, WeightsError
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS

AT = (20, 30, 30)


@pytest.fixture(scope="module")
def injector(tiny_attacker) -> CTGAN:
    return CTGAN(tiny_attacker("inject"), "tiny injector")


@pytest.fixture(scope="module")
def remover(tiny_attacker) -> CTGAN:
    return CTGAN(tiny_attacker("remove"), "tiny remover")


def _outside(attacker: CTGAN, volume: CTVolume, at) -> np.ndarray:
    outside = np.ones(volume.shape, dtype=bool)
    outside[attacker.touched(at, volume.spacing).inside(volume.shape).slices()] = False
    return outside


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_tampering_changes_the_scan_around_the_click_and_nowhere_else(injector, remover, lung_scan, action):
    attacker = {"inject": injector, "remove": remover}[action]
    volume = lung_scan()
    tampered = attacker.tamper(volume, AT)
    outside = _outside(attacker, volume, AT)
    assert tampered.hu.dtype == np.int16
    assert outside.any()
    np.testing.assert_array_equal(tampered.hu[outside], volume.hu[outside])
    near = attacker.tampering.cuboid(AT, volume.spacing).slices()
    assert (tampered.hu[near] != volume.hu[near]).mean() > (0.9 if action == "remove" else 0.02)


def test_tampering_leaves_the_given_volume_alone(injector, lung_scan):
    volume = lung_scan()
    before = volume.hu.copy()
    injector.tamper(volume, AT)
    np.testing.assert_array_equal(volume.hu, before)
    assert volume.history == ()


def test_the_same_click_gives_the_same_result(injector, lung_scan):
    volume = lung_scan()
    np.testing.assert_array_equal(injector.tamper(volume, AT).hu, injector.tamper(volume, AT).hu)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(at=st.tuples(st.integers(0, 39), st.integers(0, 55), st.integers(0, 59)))
def test_an_injection_never_darkens_a_voxel(injector, lung_scan, at):
    volume = lung_scan()
    assert (injector.tamper(volume, at).hu >= volume.hu).all()


def test_a_removal_may_darken(remover, lung_scan):
    volume = lung_scan()
    assert (remover.tamper(volume, AT).hu < volume.hu).any()


@pytest.mark.parametrize("action", ["inject", "remove"])
def test_the_tampered_volume_is_labelled(injector, remover, lung_scan, action):
    attacker = {"inject": injector, "remove": remover}[action]
    tampered = attacker.tamper(lung_scan(), AT)
    assert tampered.is_tampered
    (step,) = tampered.history
    assert step.kind == "attack"
    assert step.parameters["label"] == "SIMULATED ATTACK"
    assert step.parameters["action"] == action == attacker.action
    assert step.parameters["at"] == list(AT)
    assert step.parameters["attacker"] == attacker.name
    json.dumps(dict(step.parameters))


def test_attacks_add_up_in_the_history(injector, remover, lung_scan):
    protected = lung_scan().with_hu(lung_scan().hu.copy(), Step("protection", {"method": "none"}))
    tampered = remover.tamper(injector.tamper(protected, AT), (10, 20, 20))
    assert [step.kind for step in tampered.history] == ["protection", "attack", "attack"]
    assert [step.parameters.get("action") for step in tampered.history] == [None, "inject", "remove"]


def test_geometry_and_name_stay(injector):
    hu = np.full((40, 50, 60), -850, dtype=np.int16)
    volume = CTVolume(hu, (1.0, 0.9, 0.8), origin=(5, 6, 7), name="thorax")
    tampered = injector.tamper(volume, AT)
    assert (tampered.spacing, tampered.origin, tampered.name) == (volume.spacing, volume.origin, volume.name)


def test_padding_voxels_keep_their_value(injector, remover, lung_scan):
    padding = np.zeros((40, 56, 60), dtype=bool)
    padding[:, :, 26:34] = True
    hu = lung_scan().hu.copy()
    hu[padding] = -2048
    volume = CTVolume(hu, (1.25, 0.8, 0.8), padding=padding)
    for attacker in (injector, remover):
        tampered = attacker.tamper(volume, AT)
        assert (tampered.hu[padding] == -2048).all()
        assert (tampered.hu[~padding] != hu[~padding]).any()
        np.testing.assert_array_equal(tampered.padding, padding)


@pytest.mark.parametrize("at", [(-1, 20, 20), (40, 20, 20), (20, 56, 20), (20, 20, 60), (20, 20, 10**9)])
def test_a_click_outside_the_scan_is_refused(injector, lung_scan, at):
    with pytest.raises(AttackError, match="outside the scan"):
        injector.tamper(lung_scan(), at)


@pytest.mark.parametrize(
    "at", [(20.5, 20, 20), (20, float("nan"), 20), (20, 20, float("inf")), (20, 20), (20, 20, 20, 20), ()]
)
def test_a_place_that_is_no_voxel_is_refused(injector, lung_scan, at):
    with pytest.raises(AttackError, match="not a voxel"):
        injector.tamper(lung_scan(), at)


def test_whole_numbers_of_any_type_are_taken(injector, lung_scan):
    volume = lung_scan()
    wanted = injector.tamper(volume, AT)
    for at in (np.array(AT), np.array(AT, dtype=np.float32), [20.0, 30.0, 30.0], tuple(np.int64(c) for c in AT)):
        tampered = injector.tamper(volume, at)
        np.testing.assert_array_equal(tampered.hu, wanted.hu)
        assert tampered.history[0].parameters["at"] == list(AT)


@pytest.mark.parametrize(("axis", "name"), [(0, "z"), (1, "y"), (2, "x")])
def test_a_scan_thinner_than_the_cuboid_is_refused(injector, axis, name):
    shape = [40, 40, 40]
    shape[axis] = 25
    volume = CTVolume(np.full(shape, -850, dtype=np.int16), (1.25, 1.25, 1.25))
    with pytest.raises(AttackError, match=f"31 mm thick along {name}"):
        injector.tamper(volume, (12, 12, 12))


def test_a_scan_just_as_thick_as_the_cuboid_is_tampered_with(injector):
    volume = CTVolume(np.full((4, 32, 64), -850, dtype=np.int16), (8.0, 1.0, 0.5))
    assert injector.tamper(volume, (3, 0, 63)).is_tampered


@pytest.mark.parametrize("view", ["flipped", "transposed", "every second", "read-only"])
def test_hu_may_lie_in_memory_in_any_order(injector, view):
    hu = np.random.default_rng(0).integers(-950, -800, (80, 50, 60)).astype(np.int16)
    hu = {
        "flipped": lambda: hu[39::-1],
        "transposed": lambda: hu.T[:60, :50, :40].T,
        "every second": lambda: hu[::2],
        "read-only": lambda: np.broadcast_to(hu[:40], (40, 50, 60)),
    }[view]()
    straight = CTVolume(np.ascontiguousarray(hu), (1.0, 1.0, 1.0))
    tampered = injector.tamper(CTVolume(hu, (1.0, 1.0, 1.0)), AT)
    np.testing.assert_array_equal(tampered.hu, injector.tamper(straight, AT).hu)


def test_extreme_hu_do_not_overflow(injector, remover):
    hu = np.random.default_rng(0).choice(np.array([-32768, 32767, -850], dtype=np.int16), (40, 40, 40))
    for attacker in (injector, remover):
        assert attacker.tamper(CTVolume(hu, (1.0, 1.0, 1.0)), AT).hu.dtype == np.int16
    assert (injector.tamper(CTVolume(hu, (1.0, 1.0, 1.0)), AT).hu >= hu).all()


def test_the_published_mode_is_recorded(tiny_attacker, lung_scan):
    tampered = CTGAN(tiny_attacker(), "tiny", REFERENCE).tamper(lung_scan(), AT)
    assert tampered.history[0].parameters["mode"] == {
        "pad_hu": 0.0,
        "cubic_reach": True,
        "brightest_new_hu": None,
    }


def test_a_stored_attacker_is_loaded_with_its_action_and_named_in_the_history(tiny_attacker, lung_scan, tmp_path):
    path = tmp_path / "mine.safetensors"
    save_attacker(tiny_attacker("remove"), path)
    attacker = mg.CTGAN.load(path, device="cpu")
    assert attacker.action == "remove"
    weights = attacker.tamper(lung_scan(), AT).history[0].parameters["attacker"]
    assert weights.startswith("mine.safetensors ")
    assert len(weights.split()[1]) == 16


def test_an_attacker_of_the_other_action_is_refused(tiny_attacker, tmp_path):
    save_attacker(tiny_attacker("remove"), tmp_path / "mine.safetensors")
    with pytest.raises(WeightsError, match="does remove, not inject"):
        CTGAN.load(tmp_path / "mine.safetensors", "cpu", action="inject")
    assert CTGAN.load(tmp_path / "mine.safetensors", "cpu", action="remove").action == "remove"


def test_gradients_are_possible_after_a_click(injector, lung_scan):
    """Protections are computed through the attack in the same session in which the user clicks."""
    volume = lung_scan()
    injector.tamper(volume, AT)
    scan = torch.from_numpy(volume.hu.astype(np.float32)).requires_grad_()
    injector.tampering.core(scan, [AT], volume.spacing).square().mean().backward()
    assert scan.grad.abs().max() > 0


@pytest.fixture
def accelerator() -> str:
    device = available_devices()[0]
    if device == "cpu":
        pytest.skip("this computer has no accelerator")
    return device


@pytest.mark.gpu
@pytest.mark.parametrize("action", ["inject", "remove"])
def test_an_accelerator_gives_about_the_same_scan_as_the_cpu(accelerator, tiny_attacker, lung_scan, tmp_path, action):
    save_attacker(tiny_attacker(action), tmp_path / "a.safetensors")
    volume = lung_scan()
    on_cpu = CTGAN.load(tmp_path / "a.safetensors", "cpu").tamper(volume, AT).hu.astype(int)
    accelerated = CTGAN.load(tmp_path / "a.safetensors", accelerator).tamper(volume, AT).hu.astype(int)
    # Convolutions may run in shorter floats there.
    assert np.abs(accelerated - on_cpu)[on_cpu != volume.hu].mean() < 2


@pytest.mark.gpu
def test_gradients_come_back_through_the_attack_on_an_accelerator(accelerator, tiny_attacker, lung_scan, tmp_path):
    save_attacker(tiny_attacker("remove"), tmp_path / "a.safetensors")
    volume = lung_scan()
    gradients = []
    for device in ("cpu", accelerator):
        attacker = CTGAN.load(tmp_path / "a.safetensors", device)
        scan = torch.from_numpy(volume.hu.astype(np.float32)).to(device).requires_grad_()
        attacker.tampering.tamper(scan, AT, volume.spacing).sum().backward()
        gradients.append(scan.grad.cpu().flatten())
    assert torch.nn.functional.cosine_similarity(*gradients, dim=0) > 0.99


def test_the_attackers_that_come_along_differ_as_their_names_say():
    found = {name: CTGAN.load(name, "cpu").weights for name in SHIPPED_ATTACKERS}
    assert {name: weights.action for name, weights in found.items()} == {
        name: name.split("-")[0] for name in SHIPPED_ATTACKERS
    }
    assert found["inject"].mask == found["remove"].mask == (6, 26)
    assert found["inject-small-core"].mask == found["remove-small-core"].mask == (8, 24)
    assert list(found["inject-fixed-window"].calibration.bins_hu) == [-1000, 400]
    assert found["inject-other-seed"].generator.base_filters == found["inject"].generator.base_filters
    assert len({weights.metadata["seed"] for weights in found.values()}) == len(found)
    widths = {name: weights.generator.base_filters for name, weights in found.items()}
    assert widths["inject-small-core"] != widths["inject"] != widths["inject-fixed-window"]


def test_all_weights_together_stay_small():
    folder = SHIPPED_WEIGHTS
    assert sum(file.stat().st_size for file in folder.glob("*.safetensors")) <= 40e6
