"""The loss of the protection's training, term by term, by numbers worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from napari_mits_gan.attack.ctgan.attacker import CTGAN
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.network import Generator
from napari_mits_gan.attack.ctgan.weights import AttackerWeights
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.protection import train
from napari_mits_gan.protection.losses import ProtectionLosses, root_mean_square
from napari_mits_gan.protection.train import ProtectionTraining, train_protection

SETTINGS = ProtectionTraining(floor=0.01, remover_weight=0.5, darken=False, rms_share=0.5, economy=0.25, roi_hu=2.0)
LOSSES = ProtectionLosses(SETTINGS)
SPACING = (1.0, 1.0)


def cores(*values: float) -> torch.Tensor:
    """One click for each value, all voxels of its core moved by it, shape (n, 2, 2, 2)."""
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 2, 2, 2).contiguous()


def test_the_gain_is_the_mean_logarithm_of_each_clicks_deviation():
    # Mean squares 0.09 and 0.04, and the floor of 0.01.
    assert LOSSES.gain("inject", cores(0.3, -0.2)).item() == pytest.approx((math.log(0.10) + math.log(0.05)) / 2)


def test_a_click_with_half_of_its_voxels_moved_has_half_the_deviation():
    moved = cores(0.4)
    moved[:, 0] = 0
    assert LOSSES.gain("inject", moved).item() == pytest.approx(math.log(0.08 + 0.01))


def test_a_removers_gain_counts_less():
    assert LOSSES.gain("remove", cores(0.3)).item() == pytest.approx(0.5 * math.log(0.10))
    heavy = ProtectionLosses(dataclasses.replace(SETTINGS, remover_weight=2.0))
    assert heavy.gain("remove", cores(0.3)).item() == pytest.approx(2 * math.log(0.10))
    assert heavy.gain("inject", cores(0.3)).item() == pytest.approx(math.log(0.10))


def test_with_darken_only_an_injectors_darker_voxels_count():
    darken = ProtectionLosses(dataclasses.replace(SETTINGS, darken=True))
    assert darken.gain("inject", cores(-0.3)).item() == pytest.approx(math.log(0.10))
    assert darken.gain("inject", cores(0.3)).item() == pytest.approx(math.log(0.01))
    for changed in (0.3, -0.3):
        assert darken.gain("remove", cores(changed)).item() == pytest.approx(0.5 * math.log(0.10))
        assert LOSSES.gain("inject", cores(changed)).item() == pytest.approx(math.log(0.10))


def test_the_manipulation_term_is_minus_the_gains_of_all_attackers():
    moved = [("inject", cores(0.3)), ("remove", cores(0.2)), ("inject", cores(0.0))]
    wanted = -(math.log(0.10) + 0.5 * math.log(0.05) + math.log(0.01))
    assert LOSSES.manipulation(moved).item() == pytest.approx(wanted)


def test_the_size_is_penalised_beyond_a_share_of_the_budget():
    # RMS of 16, 10 and 4 HU at a budget of 20: 0.8, 0.5 and 0.2, of which 0.5 are free.
    assert LOSSES.size(cores(16.0, -10.0, 4.0), 20).item() == pytest.approx(50 * 0.3**2 / 3)
    assert LOSSES.size(cores(16.0), 40).item() == 0


def test_the_root_mean_square_is_that_of_each_click():
    change = cores(3.0, 6.0)
    change[1, 0] = 0
    assert root_mean_square(change).tolist() == pytest.approx([3.0, 36**0.5 / 2**0.5])


def flat(hu: float, side: int = 31) -> torch.Tensor:
    """One slice of one click, all pixels changed alike, shape (1, 1, side, side)."""
    return torch.full((1, 1, side, side), hu)


def test_local_means_are_penalised_beyond_what_is_allowed_at_20_hu():
    # In the middle the mean over the disc is the change itself. There the penalty is (5 - 2)².
    small, large = flat(5.0, 31), flat(5.0, 61)
    totals = [LOSSES.local_means(change, SPACING, 20).item() * change.numel() for change in (small, large)]
    # What the border takes grows with the side, so that the inner pixels can be told: 4 sides of 30 more pixels.
    inner = (61 - 10) ** 2 - (31 - 10) ** 2
    border = totals[1] - totals[0] - 9 * inner
    assert 0 < border < 9 * (61**2 - 31**2 - inner)
    whole = torch.full((1, 1, 400, 400), 5.0)
    assert LOSSES.local_means(whole, SPACING, 20).item() == pytest.approx(9, rel=0.05)
    assert LOSSES.local_means(-whole, SPACING, 20).item() == pytest.approx(9, rel=0.05)
    # In proportion to the budget: 5 HU at 40 HU are 2.5 at 20 HU; at 10 HU they are 10.
    assert LOSSES.local_means(whole, SPACING, 40).item() == pytest.approx(0.25, rel=0.05)
    assert LOSSES.local_means(whole, SPACING, 10).item() == pytest.approx(64, rel=0.05)
    assert LOSSES.local_means(flat(2.0), SPACING, 20).item() == 0


def test_a_single_pixels_local_mean_is_its_share_of_the_disc():
    # A disc of 10 mm has 81 pixels of 1 mm: 81 * 8 = 648 HU in one pixel give a mean of 8 HU in 81 pixels.
    change = torch.zeros(1, 1, 41, 41)
    change[0, 0, 20, 20] = 648.0
    assert LOSSES.local_means(change, SPACING, 20).item() == pytest.approx(81 * 6**2 / 41**2, rel=1e-4)


def test_local_means_are_those_of_each_slice_alone():
    change = torch.zeros(2, 3, 41, 41)
    change[1, 1, 20, 20] = 648.0
    assert LOSSES.local_means(change, SPACING, 20).item() == pytest.approx(81 * 6**2 / 41**2 / 6, rel=1e-4)
    # At the border of a slice the part of the disc inside it, and nothing of the next slice.
    change.zero_()
    change[:, 0, 40, 20] = 648.0
    inside = sum(2 * int((25 - row**2) ** 0.5) + 1 for row in range(6))
    assert LOSSES.local_means(change, SPACING, 20).item() == pytest.approx(inside * 6**2 / 41**2 / 3, rel=1e-4)


class MeanPainter(Generator):
    """Paints the mean of what it sees."""

    def __init__(self) -> None:
        super().__init__(1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3, 4), keepdim=True).expand_as(x)


def test_what_an_attack_does_differently_is_after_minus_before():
    weights = AttackerWeights("inject", MeanPainter(), Calibration.fixed_window(-1000, 1000))
    original = torch.full((2, 32, 48, 48), -800.0)
    protected = original.clone()
    protected[1] += 20
    moved = train._moved(CTGAN(weights, "paints means"), original, protected)
    assert moved.shape == (2, 20, 20, 20)
    # 20 HU of 2000, where the core of 20³ of 32³ voxels is blanked.
    assert moved[0].abs().max() == 0
    torch.testing.assert_close(moved[1], torch.full((20, 20, 20), 0.01 * (1 - (20 / 32) ** 3)), rtol=1e-3, atol=0)


def test_economy_is_the_mean_square_in_units_of_the_budget():
    # (10/20)² and (4/20)²: 0.25 and 0.04.
    assert LOSSES.economy(cores(10.0, -4.0), 20).item() == pytest.approx(0.25 * 0.145)


def test_all_terms_are_minimised_together():
    change = torch.zeros(1, 1, 41, 41)
    change[0, 0, 20, 20] = 648.0
    moved = [("inject", cores(0.3)), ("remove", cores(0.2))]
    manipulation = -(math.log(0.10) + 0.5 * math.log(0.05))
    # The penalty on the size leaves out 8 pixels at each side: 25 * 25 pixels.
    size = 50 * (648 / 25 / 20 - 0.5) ** 2
    means = 81 * 6**2 / 41**2
    economy = 0.25 * (648 / 20) ** 2 / 41**2
    found = LOSSES.total(moved, change, 8, SPACING, 20).item()
    assert found == pytest.approx(manipulation + size + means + economy, rel=1e-4)


@pytest.mark.parametrize("term", ["manipulation", "size", "local_means", "economy"])
def test_a_subclass_replaces_a_term(term):
    replaced = type("Replaced", (ProtectionLosses,), {term: lambda self, *arguments: torch.tensor(1000.0)})
    losses = replaced(SETTINGS)
    usual = LOSSES.total([("inject", cores(0.3))], torch.zeros(1, 1, 41, 41), 8, SPACING, 20).item()
    found = losses.total([("inject", cores(0.3))], torch.zeros(1, 1, 41, 41), 8, SPACING, 20).item()
    part = usual if term == "manipulation" else 0.0
    assert found == pytest.approx(usual - part + 1000)


class Recorded(ProtectionLosses):
    """Keeps what it was given."""

    calls: list = []  # noqa: RUF012 - filled by the test

    def total(self, moved, change_hu, margin, spacing_yx, budget_hu):
        self.calls.append((self.settings, [(a, m.detach()) for a, m in moved], change_hu.detach(), margin, budget_hu))
        return super().total(moved, change_hu, margin, spacing_yx, budget_hu)


def test_training_minimises_what_the_losses_say_and_logs_it(patient, opponents, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_CHECKPOINT_EVERY", 1)
    Recorded.calls.clear()
    settings = ProtectionTraining(steps=3, map_steps=1, width=4, clicks=2, budgets_hu=(10, 20), seed=2)
    path = tmp_path / "p.safetensors"
    train_protection([patient], path, settings, attackers=opponents, losses=Recorded, device="cpu")
    assert len(Recorded.calls) == 3
    lines = {int(line.split(",")[0]): line.split(",")[1:] for line in path.with_suffix(".csv").read_text().splitlines()}
    for step, (asked, moved, change, margin, budget) in enumerate(Recorded.calls, start=1):
        assert asked == settings
        assert [action for action, _ in moved] == ["inject", "remove"]
        assert 0 < change.abs().max() <= budget
        assert (step in lines) == (budget == 20), "figures of other budgets cannot be compared"
        if step in lines:
            inner = change[:, :, margin:-margin, margin:-margin]
            wanted = [*(m.square().mean() for _, m in moved), inner.square().mean(dim=(1, 2, 3)).sqrt().mean()]
            assert [float(v) for v in lines[step]] == pytest.approx([float(v) for v in wanted], abs=1e-5)
    with pytest.raises(WeightsError, match="other settings"):
        train_protection([patient], path, settings, attackers=opponents, device="cpu")
