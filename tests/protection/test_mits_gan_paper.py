from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.ct.anatomy import body_mask
from napari_mits_gan.errors import Cancelled
from napari_mits_gan.protection.mits_gan_paper import MitsGanPaper, PaperGenerator, paper_discriminator
from napari_mits_gan.protection.protect import METHODS, protect


@pytest.fixture(autouse=True)
def small_crops(monkeypatch):
    """So that training takes no time."""
    monkeypatch.setattr("napari_mits_gan.protection.mits_gan_paper._CROP", 24)


@pytest.fixture
def narrow(monkeypatch):
    """So that what it puts out is computed sooner, where the networks' size does not matter."""
    monkeypatch.setattr("napari_mits_gan.protection.mits_gan_paper._WIDTH", 8)


def test_the_networks_have_the_published_size():
    assert sum(p.numel() for p in PaperGenerator().parameters()) == pytest.approx(223_000, rel=0.01)
    assert sum(p.numel() for p in paper_discriminator().parameters()) == pytest.approx(4_000, rel=0.1)


def test_a_pixel_depends_on_15_x_15_pixels():
    torch.manual_seed(0)
    generator = PaperGenerator().eval()
    slices = torch.zeros(1, 1, 33, 33, requires_grad=True)
    generator(slices, torch.ones(1, 1, 33, 33))[0, 0, 16, 16].backward()
    seen = torch.nonzero(slices.grad[0, 0])
    assert (seen.amin(0).tolist(), seen.amax(0).tolist()) == ([9, 9], [23, 23])


@pytest.mark.usefixtures("narrow")
def test_the_budget_cuts_it_and_air_stays_as_it_is(patient):
    change = protect(patient, MitsGanPaper(steps=2), 20, device="cpu").hu.astype(int) - patient.hu
    assert 0 < np.abs(change).max() <= 20
    assert not change[~body_mask(patient)].any()


@pytest.mark.usefixtures("narrow")
def test_training_changes_what_comes_out_and_progress_ends_with_the_last_slice(patient):
    found = []
    for steps in (1, 4):
        told = []
        scan = protect(
            patient, MitsGanPaper(steps=steps), 200, device="cpu", progress=lambda d, t, to=told: to.append((d, t))
        )
        assert told[-1] == (24, 24)
        assert [done for done, _ in told] == sorted(done for done, _ in told)
        found.append(scan.hu)
    assert (found[0] != found[1]).any()


@pytest.mark.usefixtures("narrow")
def test_it_repeats_with_the_seed_and_disturbs_nobody_elses_random_numbers(patient):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first = protect(patient, MitsGanPaper(steps=2), 20, seed=1, device="cpu").hu
    assert torch.equal(torch.rand(3), expected)
    assert (protect(patient, MitsGanPaper(steps=2), 20, seed=1, device="cpu").hu == first).all()
    assert (protect(patient, MitsGanPaper(steps=2), 20, seed=2, device="cpu").hu != first).any()


@pytest.mark.usefixtures("narrow")
def test_it_can_be_cancelled(patient):
    def cancel(done: int, total: int) -> None:
        if done:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        protect(patient, MitsGanPaper(steps=4), 20, device="cpu", progress=cancel)


def test_the_method_can_be_chosen_by_name():
    assert METHODS["mits-gan-paper"] is MitsGanPaper
