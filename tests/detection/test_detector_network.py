"""The detector's network: what it looks at, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_mits_gan.detection.network import CUBE_MM, DetectorNetwork, cropped


@pytest.fixture(scope="module")
def network() -> DetectorNetwork:
    torch.manual_seed(1)
    return DetectorNetwork().eval().requires_grad_(False)


def _cubes(side: int, n: int = 2) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(side).normal(-600, 300, (n, side, side, side)).astype(np.float32))


def test_it_is_small():
    assert 60_000 < sum(p.numel() for p in DetectorNetwork().parameters()) < 200_000


@pytest.mark.parametrize("side", [49, 52, 64])
def test_of_larger_cubes_only_the_middle_counts(network, side):
    cubes = _cubes(side)
    low = (side - CUBE_MM) // 2
    changed = cubes.clone()
    changed[:, :low] = 0.0
    torch.testing.assert_close(network(changed), network(cubes))
    assert cropped(cubes).shape == (2, CUBE_MM, CUBE_MM, CUBE_MM)


def test_of_smaller_cubes_the_outer_voxels_are_repeated():
    cubes = _cubes(32)
    whole = cropped(cubes)
    assert torch.equal(whole[:, 8:40, 8:40, 8:40], cubes)
    assert torch.equal(whole[:, 0, 8:40, 8:40], cubes[:, 0])
    assert torch.equal(whole[:, 8:40, 8:40, 47], cubes[:, :, :, -1])


def test_what_lies_beyond_both_windows_makes_no_difference(network):
    cubes = _cubes(CUBE_MM)
    cubes[:, 20:24, 20:24, 20:24] = 400.0
    brighter = torch.where(cubes == 400.0, torch.tensor(3000.0), cubes)
    # The coarse branch averages first, so only whole voxels of 2 mm are clipped alike.
    torch.testing.assert_close(network(brighter), network(cubes))


def test_a_cube_is_judged_by_itself(network):
    cubes = _cubes(CUBE_MM, 3)
    alone = torch.cat([network(cube[None]) for cube in cubes])
    torch.testing.assert_close(network(cubes), alone, rtol=1e-4, atol=1e-5)


def test_it_learns_to_tell_a_ball_in_the_middle_from_one_beside_it():
    rng = np.random.default_rng(0)
    cubes, labels = [], []
    for i in range(8):
        middle = 23.5 + rng.uniform(-2, 2, 3) + (0 if i % 2 else 11 * np.eye(3)[i // 2 % 3])
        away = np.linalg.norm(np.indices((CUBE_MM,) * 3) - np.reshape(middle, (3, 1, 1, 1)), axis=0)
        cubes.append(np.where(away < 5, 30, -870) + rng.normal(0, 20, away.shape))
        labels.append(float(i % 2))
    x, y = torch.tensor(np.array(cubes), dtype=torch.float32), torch.tensor(labels)
    torch.manual_seed(0)
    network = DetectorNetwork()
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    for _ in range(25):
        loss = torch.nn.functional.binary_cross_entropy_with_logits(network(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert ((network.eval()(x) > 0) == (y > 0)).all()
    assert loss < 0.2
