from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_mits_gan.errors import Cancelled, WeightsError
from napari_mits_gan.protection import train
from napari_mits_gan.protection.networks import PerturbationGenerator
from napari_mits_gan.protection.train import ProtectionTraining, train_protection
from napari_mits_gan.protection.weights import load_protector, save_protector

QUICK = ProtectionTraining(steps=4, map_steps=2, width=4, clicks=2)


def test_training_writes_weights_that_give_the_trained_generator(patient, opponents, tmp_path):
    path = tmp_path / "new" / "p.safetensors"
    told = []
    trained = train_protection(
        [patient], path, QUICK, attackers=opponents, device="cpu", progress=lambda *step: told.append(step)
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    for name, value in load_protector(path).state_dict().items():
        torch.testing.assert_close(value, trained.state_dict()[name], atol=2e-3, rtol=2e-3)


def test_the_gradient_reaches_map_and_network_through_the_attack(patient, opponents, tmp_path):
    settings = dataclasses.replace(QUICK, economy=0.0)
    trained = train_protection([patient], tmp_path / "p.safetensors", settings, attackers=opponents, device="cpu")
    assert trained.tail.weight.abs().max() > 0  # it starts at zero
    assert trained.head.weight.isfinite().all()


def test_training_raises_the_deviation(patient, opponents, tmp_path):
    settings = dataclasses.replace(
        QUICK,
        steps=60,
        map_steps=60,
        rms_share=2.0,
        roi_hu=99.0,
        budgets_hu=(40,),
        map_rate=0.1,
        floor=1e-7,
        economy=0.0,
        smoothing_share=0.0,
    )
    from napari_mits_gan.evaluation.disruption.attacked_sites import inpainted_cores
    from napari_mits_gan.evaluation.disruption.deviation import deviation
    from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
    from napari_mits_gan.protection.mits_gan import MitsGan
    from napari_mits_gan.protection.protect import protect

    # From stripes drawn at random: those that a training begins with are good ones already.
    torch.manual_seed(0)
    generator = PerturbationGenerator(QUICK.width)
    torch.nn.init.normal_(generator.map.values, std=0.2)
    start = tmp_path / "start.safetensors"
    save_protector(generator, start, {})
    still = dataclasses.replace(settings, steps=1, rate=0.0, map_rate=0.0)
    clicks = random_lung_clicks(patient, 6, 0)
    original = inpainted_cores(opponents[0], patient, clicks).normalised
    reached = []
    for name, run in (("before", still), ("after", settings)):
        path = tmp_path / f"{name}.safetensors"
        train_protection([patient], path, run, attackers=opponents, start_from=start, device="cpu")
        protected = protect(patient, MitsGan(path), 40, device="cpu")
        reached.append(deviation(inpainted_cores(opponents[0], protected, clicks).normalised, original).mean())
    assert reached[1] > 2 * reached[0]


def test_a_run_goes_on_from_its_checkpoint(patient, opponents, tmp_path):
    path = tmp_path / "p.safetensors"

    def stop(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_protection([patient], path, QUICK, attackers=opponents, device="cpu", progress=stop)
    assert not path.exists()
    told = []
    train_protection([patient], path, QUICK, attackers=opponents, device="cpu", progress=lambda *s: told.append(s))
    assert told == []  # the last step's checkpoint was there: only the weights had to be written
    assert path.is_file()


def test_an_interrupted_training_ends_as_one_in_a_single_run(patient, opponents, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_CHECKPOINT_EVERY", 2)
    settings = dataclasses.replace(QUICK, steps=5, map_steps=3, smoothing_share=0.5, budgets_hu=(10, 20))
    whole, parted = tmp_path / "whole.safetensors", tmp_path / "parted.safetensors"
    expected = train_protection([patient], whole, settings, attackers=opponents, device="cpu").state_dict()

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        train_protection([patient], parted, settings, attackers=opponents, device="cpu", progress=stop)
    found = train_protection([patient], parted, settings, attackers=opponents, device="cpu").state_dict()
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    assert parted.with_suffix(".csv").read_bytes() == whole.with_suffix(".csv").read_bytes()


def test_a_checkpoint_of_another_run_is_refused(patient, opponents, tmp_path):
    path = tmp_path / "p.safetensors"
    train_protection([patient], path, QUICK, attackers=opponents, device="cpu")
    with pytest.raises(WeightsError, match="other settings"):
        train_protection([patient], path, dataclasses.replace(QUICK, seed=1), attackers=opponents, device="cpu")


def test_training_can_start_from_earlier_weights(patient, opponents, untrained, tmp_path):
    settings = dataclasses.replace(QUICK, steps=1, rate=0.0, map_rate=0.0)
    path = tmp_path / "p.safetensors"
    train_protection([patient], path, settings, attackers=opponents, start_from=untrained, device="cpu")
    for name, value in load_protector(path).state_dict().items():
        torch.testing.assert_close(value, load_protector(untrained).state_dict()[name])


@pytest.mark.parametrize("content", [b"", b"no weights\n" * 40])
def test_a_damaged_weights_file_is_refused(tmp_path, content):
    path = tmp_path / "p.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"'p\.safetensors' is damaged"):
        load_protector(path)


def test_weights_of_another_kind_are_refused():
    from napari_mits_gan.protection.weights import shipped_protector

    with pytest.raises(WeightsError, match="does not hold a protection's weights"):
        load_protector(shipped_protector().with_name("injector.safetensors"))
    with pytest.raises(WeightsError, match=r"there is no file 'nothing\.safetensors' with a protection's weights"):
        load_protector(shipped_protector().with_name("nothing.safetensors"))
