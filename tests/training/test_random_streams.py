"""Random streams: seeded for a training alone, and kept in its checkpoint."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.training.random_streams import RandomStreams, seeded

CPU = torch.device("cpu")


def test_a_training_starts_from_its_seed_and_disturbs_nobody_elses_numbers():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    found = []
    for _ in range(2):
        with seeded(8, CPU):
            found.append(torch.rand(4))
    assert torch.equal(*found)
    assert torch.equal(found[0], torch.rand(4, generator=torch.Generator().manual_seed(8)))
    assert torch.equal(torch.rand(4), expected)


def test_the_streams_are_put_back_where_a_training_fails():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    with pytest.raises(KeyboardInterrupt), seeded(8, CPU):
        raise KeyboardInterrupt
    assert torch.equal(torch.rand(4), expected)


def test_streams_go_on_from_where_they_were():
    def draw(rng):
        return [*rng.normal(size=3), *rng.integers(100, size=3, dtype=np.int32), *torch.randn(3).tolist()]

    first, other = np.random.default_rng(1), np.random.default_rng(2)
    streams = RandomStreams({"a": first}, CPU)
    draw(first)
    first.integers(10, dtype=np.int32)  # leaves half of a number of 64 bits for the next
    state = streams.state_dict()
    expected = draw(first)
    torch.manual_seed(77)
    RandomStreams({"a": other}, CPU).load_state_dict(state)
    assert draw(other) == expected
