"""Checkpoints: whatever a training has comes back as it was, and nothing else is read."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.training.checkpoint import checkpoint_of, resume_from, save_checkpoint
from napari_mits_gan.training.plain_state import plain, restored

CPU = torch.device("cpu")


class Part:
    """Has the state that it is given."""

    def __init__(self, state=None) -> None:
        self.state = state

    def state_dict(self):
        return self.state

    def load_state_dict(self, state) -> None:
        self.state = state


def test_the_state_of_a_network_its_optimiser_and_its_schedule_comes_back(tmp_path):
    def parts():
        network = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
        optimiser = torch.optim.Adam(network.parameters(), 0.1, betas=(0.5, 0.9))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, 10)
        return {"network": network, "optimiser": optimiser, "schedule": schedule}

    def train(parts, steps):
        for i in range(steps):
            parts["optimiser"].zero_grad()
            parts["network"](torch.arange(15.0).reshape(5, 3).sin() * (i + 1)).square().sum().backward()
            parts["optimiser"].step()
            parts["schedule"].step()

    first, again = parts(), parts()
    train(first, 4)
    save_checkpoint(tmp_path / "a.checkpoint", 4, "run", first)
    assert resume_from(tmp_path / "a.checkpoint", "run", again, CPU) == 4
    for both in (first, again):
        train(both, 3)
    assert again["schedule"].get_last_lr() == first["schedule"].get_last_lr()
    for name, value in first["network"].state_dict().items():
        assert torch.equal(again["network"].state_dict()[name], value)


@pytest.mark.parametrize(
    "state",
    [
        {"a": [1, 2.5, None, True, "text"], 3: (0.1, (2, [])), "empty": {}},
        {"inf": float("inf"), "large": 2**200, "tensor": torch.zeros(0, 3), "one": torch.tensor(4)},
        {"tensor": {"tensor": "a name"}, "pairs": {"list": [{"tuple": ()}]}},
    ],
)
def test_plain_values_come_back_as_they_were(tmp_path, state):
    save_checkpoint(tmp_path / "a.checkpoint", 0, "run", {"part": Part(state)})
    part = Part()
    resume_from(tmp_path / "a.checkpoint", "run", {"part": part}, CPU)
    assert repr(part.state) == repr(state)


def test_numbers_of_numpy_come_back_as_those_of_python():
    assert restored(plain([np.int64(3), np.float32(0.5), np.bool_(True)], {}), {}) == [3, 0.5, True]


def test_tensors_that_share_their_memory_are_kept_apart(tmp_path):
    values = torch.arange(6.0)
    save_checkpoint(tmp_path / "a.checkpoint", 0, "run", {"part": Part([values, values[:3], values.view(2, 3).T])})
    part = Part()
    resume_from(tmp_path / "a.checkpoint", "run", {"part": part}, CPU)
    assert torch.equal(part.state[1], values[:3])
    assert torch.equal(part.state[2], values.view(2, 3).T)


def test_an_object_cannot_be_kept():
    with pytest.raises(TypeError, match="cannot hold a object"):
        plain({"a": [object()]}, {})


def test_what_is_no_state_is_not_restored():
    with pytest.raises(ValueError, match="'code'"):
        restored({"code": "print()"}, {})


def test_without_a_checkpoint_a_run_starts_at_its_beginning(tmp_path):
    assert resume_from(tmp_path / "a.checkpoint", "run", {}, CPU) == 0
    assert checkpoint_of(tmp_path / "a.safetensors") == tmp_path / "a.checkpoint"


class Reveals:
    """Says so if it is ever unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("unpickled",))


@pytest.mark.parametrize("what", ["pickle", "torch", "text", "nothing", "half", "format", "parts", "state"])
def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path, what):
    path = tmp_path / "a.checkpoint"
    save_checkpoint(path, 3, "run", {"part": Part({"a": torch.ones(50)})})
    if what == "pickle":
        path.write_bytes(pickle.dumps(Reveals()))
    elif what == "torch":
        torch.save({"run": "run", "step": 3, "part": Reveals()}, path)
    elif what == "text":
        path.write_text("no checkpoint at all\n" * 20)
    elif what == "nothing":
        path.write_bytes(b"")
    elif what == "half":
        path.write_bytes(path.read_bytes()[:100])
    else:
        with safe_open(path, framework="pt") as file:
            header = dict(file.metadata())
        header |= {
            "format": {"format": "other"},
            "parts": {"state": json.dumps({"pairs": []})},
            "state": {"state": "["},
        }[what]
        save_file({"0": torch.ones(50)}, path, header)
    with pytest.raises(WeightsError, match=r"'a\.checkpoint' is damaged; remove it to start anew"):
        resume_from(path, "run", {"part": Part()}, CPU)
