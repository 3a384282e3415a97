"""The losses of the attackers' training, by numbers worked out by hand."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_mits_gan.attack.ctgan import train
from napari_mits_gan.attack.ctgan.losses import AttackLosses
from napari_mits_gan.attack.ctgan.train import AttackTraining, train_attack
from napari_mits_gan.errors import WeightsError

LOSSES = AttackLosses(AttackTraining(mae_weight=10.0))


def test_the_discriminator_shall_answer_0_to_what_is_real_and_1_to_what_is_painted():
    # Half of (0.2² + 0.4²) / 2 = 0.1 and (0.5² + 0.1²) / 2 = 0.13.
    loss = LOSSES.discriminator(torch.tensor([0.2, 0.4]), torch.tensor([0.5, 0.9]))
    assert loss.item() == pytest.approx((0.1 + 0.13) / 2)
    assert LOSSES.discriminator(torch.zeros(3), torch.ones(3)).item() == 0
    assert LOSSES.discriminator(torch.ones(3), torch.zeros(3)).item() == pytest.approx(1)


def test_each_kind_of_cube_counts_half_however_many_answers_there_are():
    assert LOSSES.discriminator(torch.full((4,), 2.0), torch.ones(1)).item() == pytest.approx(2)
    assert LOSSES.discriminator(torch.zeros(1), torch.full((4,), 3.0)).item() == pytest.approx(2)


def test_the_generator_wants_its_cubes_taken_for_real():
    # Real is 0: (0.6² + 1.0²) / 2.
    assert LOSSES.adversarial(torch.tensor([0.6, 1.0])).item() == pytest.approx(0.68)
    assert LOSSES.adversarial(torch.zeros(5)).item() == 0


def test_the_error_is_the_mean_absolute_difference():
    # |0.1 - 0.3| = 0.2, |-0.4 - 0.1| = 0.5, 0 and 0.1.
    painted, real = torch.tensor([0.1, -0.4, 0.2, 0.5]), torch.tensor([0.3, 0.1, 0.2, 0.4])
    assert LOSSES.error(painted, real).item() == pytest.approx(0.2)


def test_the_generator_minimises_both_terms_the_error_weighted():
    answers, painted, real = torch.tensor([0.6, 1.0]), torch.tensor([0.1, -0.4]), torch.tensor([0.3, 0.1])
    # 0.68 + 10 * (0.2 + 0.5) / 2
    assert LOSSES.generator(answers, painted, real).item() == pytest.approx(0.68 + 3.5)
    assert AttackLosses(AttackTraining()).generator(answers, painted, real).item() == pytest.approx(0.68 + 35)


def test_gradients_lead_each_network_where_it_shall_go():
    answer = torch.tensor([0.5], requires_grad=True)
    for loss, wanted in (
        (LOSSES.discriminator(answer, torch.ones(1)), -1),
        (LOSSES.discriminator(torch.zeros(1), answer), 1),
        (LOSSES.adversarial(answer), -1),
    ):
        (gradient,) = torch.autograd.grad(loss, [answer])
        assert -gradient.sign().item() == wanted


class Recorded(AttackLosses):
    """Keeps what it was given."""

    calls: list = []  # noqa: RUF012 - filled by the test

    def discriminator(self, on_real, on_painted):
        self.calls.append(("discriminator", on_real.detach(), on_painted.detach(), on_painted.requires_grad))
        return super().discriminator(on_real, on_painted)

    def generator(self, on_painted, painted, real):
        self.calls.append(("generator", on_painted.detach(), painted.detach(), real.detach()))
        return super().generator(on_painted, painted, real)


class NoError(AttackLosses):
    """Lets the generator paint what it likes."""

    def error(self, painted, real):
        return painted.new_zeros(())


QUICK = AttackTraining(
    steps=2, base_filters=2, batch_size=2, cubes_per_scan=3, fixed_window_hu=(-1000.0, 400.0), seed=7
)


def test_training_minimises_the_losses_of_a_subclass(small_thorax, tmp_path):
    usual, other = (
        train_attack("inject", [small_thorax], tmp_path / f"{i}.safetensors", QUICK, losses=losses, device="cpu")
        for i, losses in enumerate((AttackLosses, NoError))
    )
    assert not torch.equal(usual.generator.out.weight, other.generator.out.weight)
    with pytest.raises(WeightsError, match="other settings"):
        train_attack("inject", [small_thorax], tmp_path / "0.safetensors", QUICK, losses=NoError, device="cpu")


def test_the_log_tells_the_losses_of_the_steps(small_thorax, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_CHECKPOINT_EVERY", 1)
    Recorded.calls.clear()
    train_attack("remove", [small_thorax], tmp_path / "a.safetensors", QUICK, losses=Recorded, device="cpu")
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert [name for name, *_ in Recorded.calls] == ["discriminator", "generator"] * 2
    for line, told, painted in zip(lines, Recorded.calls[::2], Recorded.calls[1::2], strict=True):
        found = [float(value) for value in line.split(",")[1:]]
        wanted = [
            0.5 * (told[1].square().mean() + (told[2] - 1).square().mean()),
            painted[1].square().mean(),
            (painted[2] - painted[3]).abs().mean(),
        ]
        assert found == pytest.approx([float(value) for value in wanted], abs=1e-5)
        assert told[1].shape == told[2].shape
        assert -0.51 < painted[3].min() < painted[3].max() < 0.51, "real cubes in normalised units"


class Mirror(torch.nn.Module):
    """A discriminator that answers with the cube itself, so that its answers tell which cube was which."""

    def __init__(self, base_filters: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, cubes: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.weight * cubes


def test_what_is_real_is_told_from_what_is_painted(small_thorax, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "Discriminator", Mirror)
    Recorded.calls.clear()
    settings = dataclasses.replace(QUICK, steps=1, discriminator_rate=0.0)
    train_attack("inject", [small_thorax], tmp_path / "a.safetensors", settings, losses=Recorded, device="cpu")
    (_, on_real, on_painted, _), (_, on_painted_again, painted, real) = Recorded.calls
    assert not torch.equal(real, painted)
    assert torch.equal(on_real, real)
    assert torch.equal(on_painted, painted)
    assert torch.equal(on_painted_again, painted)
