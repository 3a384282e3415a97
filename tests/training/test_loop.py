"""The loop of all trainings: what it counts, keeps, logs and goes on from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.errors import Cancelled, WeightsError
from napari_mits_gan.progress import silent
from napari_mits_gan.training.loop import Training, run_training

CPU = torch.device("cpu")


class Walk(Training):
    """Adds a random number, drawn from all kinds of streams, to a parameter in each step."""

    def __init__(self, steps: int = 7, silent_steps: tuple[int, ...] = ()) -> None:
        self.network = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(self.network.weight)
        self.optimiser = torch.optim.Adam(self.network.parameters(), 0.1)
        self.rng = np.random.default_rng(5)
        self.did: list[int] = []
        self.shown: list[int] = []
        self._silent = silent_steps
        super().__init__(steps, CPU, {"network": self.network, "optimiser": self.optimiser}, {"walk": self.rng})

    def step(self, number: int) -> list[float]:
        self.did.append(number)
        drawn = float(self.rng.normal()) + float(torch.randn(()))
        self.optimiser.zero_grad()
        (self.network.weight * drawn).sum().backward()
        self.optimiser.step()
        return [] if number in self._silent else [float(number), 10.0 * number]

    def show(self, output) -> None:
        self.shown.append(len(self.did))


def run(training: Training, output, *, resume: bool = True, progress=silent, every: int = 3, name: str = "run") -> None:
    torch.manual_seed(1)
    run_training(training, name, output, every=every, resume=resume, progress=progress)


def stop_after(step: int):
    def progress(done: int, total: int) -> None:
        if done == step:
            raise Cancelled("stopped")

    return progress


@pytest.mark.parametrize("last", [1, 3, 4, 6])
def test_a_resumed_run_ends_as_an_uninterrupted_one(tmp_path, last):
    whole, before, after = Walk(), Walk(), Walk()
    run(whole, tmp_path / "whole.safetensors")
    path = tmp_path / "parted.safetensors"
    with pytest.raises(Cancelled):
        run(before, path, progress=stop_after(last))
    run(after, path)
    assert after.did == list(range(3 * (last // 3), 7)), "it goes on from the last checkpoint"
    assert torch.equal(after.network.weight, whole.network.weight)
    assert (tmp_path / "parted.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_every_stream_is_needed_for_that(tmp_path):
    """Without what NumPy's generator, or PyTorch's, was at, a resumed run ends elsewhere."""
    whole, after = Walk(), Walk()
    run(whole, tmp_path / "whole.safetensors")
    with pytest.raises(Cancelled):
        run(Walk(), tmp_path / "parted.safetensors", progress=stop_after(3))
    after.generators = {}
    run(after, tmp_path / "parted.safetensors")
    assert not torch.equal(after.network.weight, whole.network.weight)


def test_progress_is_told_after_each_step(tmp_path):
    told = []
    run(Walk(), tmp_path / "a.safetensors", progress=lambda done, total: told.append((done, total)))
    assert told == [(n, 7) for n in range(1, 8)]


def test_each_checkpoint_comes_with_a_line_of_the_log_and_something_to_show(tmp_path):
    training = Walk()
    run(training, tmp_path / "a.safetensors")
    assert training.shown == [3, 6, 7]
    lines = (tmp_path / "a.csv").read_text().splitlines()
    # The steps 0, 1, 2, then 3, 4, 5, then 6 alone.
    assert lines == ["3,1.00000,10.00000", "6,4.00000,40.00000", "7,6.00000,60.00000"]


def test_steps_without_figures_are_left_out_of_the_log(tmp_path):
    run(Walk(silent_steps=(1, 3, 4, 5)), tmp_path / "a.safetensors")
    assert (tmp_path / "a.csv").read_text().splitlines() == ["3,1.00000,10.00000", "7,6.00000,60.00000"]


def test_lines_that_were_written_after_the_last_checkpoint_do_not_come_twice(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(Cancelled):
        run(Walk(), path, progress=stop_after(4))
    with (tmp_path / "a.csv").open("a") as log:
        log.write("6,9.00000,9.00000\nhalf a li")
    run(Walk(), path)
    assert [line.split(",")[0] for line in (tmp_path / "a.csv").read_text().splitlines()] == ["3", "6", "7"]


def test_a_run_goes_on_where_its_log_was_taken_away(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(Cancelled):
        run(Walk(), path, progress=stop_after(4))
    (tmp_path / "a.csv").unlink()
    run(Walk(), path)
    assert [line.split(",")[0] for line in (tmp_path / "a.csv").read_text().splitlines()] == ["6", "7"]


def test_starting_anew_ignores_checkpoint_and_log(tmp_path):
    path = tmp_path / "a.safetensors"
    with pytest.raises(Cancelled):
        run(Walk(), path, progress=stop_after(4))
    again = Walk()
    run(again, path, resume=False)
    assert again.did == list(range(7))
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 3


def test_a_finished_run_is_not_done_again(tmp_path):
    path = tmp_path / "a.safetensors"
    first, again = Walk(), Walk()
    run(first, path)
    run(again, path)
    assert again.did == []
    assert torch.equal(first.network.weight, again.network.weight)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    run(Walk(), tmp_path / "a.safetensors")
    with pytest.raises(WeightsError, match="other settings"):
        run(Walk(), tmp_path / "a.safetensors", name="another")


def test_a_checkpoint_that_fails_leaves_the_earlier_one(tmp_path):
    path = tmp_path / "a.safetensors"
    training = Walk()
    training.parts["broken"] = _Breaks()
    with pytest.raises(RuntimeError, match="broken"):
        run(training, path)
    assert (tmp_path / "a.checkpoint").is_file()
    assert not list(tmp_path.glob("*.part"))
    after = Walk()
    after.parts["broken"] = _Breaks()
    with pytest.raises(RuntimeError, match="broken"):
        run(after, path)
    assert after.did == [3, 4, 5]


class _Breaks:
    """Has a state once only."""

    def __init__(self) -> None:
        self._asked = 0

    def state_dict(self) -> dict[str, int]:
        self._asked += 1
        if self._asked > 1:
            raise RuntimeError("broken")
        return {"asked": 1}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self._asked = state["asked"]
