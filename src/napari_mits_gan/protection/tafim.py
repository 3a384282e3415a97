"""TAFIM's global perturbation, for comparison: one pattern for all slices, pulling what is painted to one value.

Aneja, Markhasin, Nießner, 'TAFIM: Targeted Adversarial Attacks against Facial Image Manipulations', ECCV 2022,
section 3: the manipulated image is pulled to a uniform target while the change stays small. Their network that adds a
part specific to the image is left out; in its place the global part is searched for on the scan itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.attack.attackers import load_attacker, load_differentiable
from napari_mits_gan.attack.cuboid import CUBOID_MM, check_thickness, cuboid_shape
from napari_mits_gan.attack.resample import resample
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.lung_voxels import random_lung_voxels
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, ProtectionError
from napari_mits_gan.options import limited
from napari_mits_gan.progress import Progress
from napari_mits_gan.protection.contract import Request

_FIRST_SPREAD = 0.1
_CLICKS = 2
"""Clicks looked at in each step."""


@dataclass(frozen=True)
class Tafim:
    """One learnt pattern for all slices that pulls whatever is painted to the same value (TAFIM), for comparison.

    Parameters
    ----------
    attackers : tuple of str
        Whose gradients are followed (`attack.attackers.ATTACKERS`), or files.
    steps : int
        Gradient steps, each at two random clicks in the lungs.
    rate : float
        Adam's learning rate; the pattern passes through a hyperbolic tangent.
    target : float
        What the painted core shall become, in normalised units; -0.5 is the darkest, as if nothing had been painted.
    economy : float
        Weight of the mean squared change, in units of the budget; the budget itself is kept in any case.
    """

    attackers: tuple[str, ...] = ("inject", "remove")
    steps: int = limited(150, low=1)
    rate: float = limited(0.05, low=0)
    target: float = -0.5
    economy: float = limited(0.01, low=0)

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.float32]:
        """See `Method.change`."""
        check_thickness(volume.shape, volume.spacing)
        rng = np.random.default_rng([request.seed, 0x746166])
        try:
            clicks = random_lung_voxels(volume, self.steps * _CLICKS, rng, margin_mm=CUBOID_MM / 4)
        except AttackError:
            raise ProtectionError(
                f"no lung was found in '{volume.name}', so there is nowhere to search; choose 'mits-gan'."
            ) from None
        opponents = [load_differentiable(name, request.device) for name in self.attackers]
        device = opponents[0].device
        shape = cuboid_shape(volume.spacing)
        first = rng.standard_normal(volume.shape[1:], dtype=np.float32) * np.float32(_FIRST_SPREAD)
        pattern = torch.from_numpy(first).to(device).requires_grad_(True)
        optimise = torch.optim.Adam([pattern], lr=self.rate)
        for step in range(self.steps):
            share = torch.tanh(pattern)
            loss = self.economy * share.square().mean()
            for at in clicks[step * _CLICKS : (step + 1) * _CLICKS]:
                box = Box.around((int(at[0]), int(at[1]), int(at[2])), shape)
                z, y, x = (
                    np.clip(np.arange(low, high), 0, n - 1)
                    for low, high, n in zip(box.low, box.high, volume.shape, strict=True)
                )
                index = np.ix_(z, y, x)
                hu = torch.from_numpy(volume.hu[index].astype(np.float32)).to(device)
                inside = torch.from_numpy(allowed[index].astype(np.float32)).to(device)
                rows, columns = torch.from_numpy(y).to(device), torch.from_numpy(x).to(device)
                change = share[rows][:, columns] * inside * request.max_change_hu
                cube = resample((hu + change)[None], (CUBOID_MM, CUBOID_MM, CUBOID_MM))
                for opponent in opponents:
                    core = opponent.paint_core(cube, clip=False)
                    loss = loss + (core - self.target).square().mean() / (_CLICKS * len(opponents))
            optimise.zero_grad()
            loss.backward()
            optimise.step()
            progress((step + 1) * volume.shape[0] // self.steps, volume.shape[0])
        found = torch.tanh(pattern).detach().cpu().numpy() * np.float32(request.max_change_hu)
        return np.broadcast_to(found, volume.shape).astype(np.float32)

    def record(self) -> dict[str, Any]:
        """See `Method.record`."""
        names = [load_attacker(name, "cpu").name for name in self.attackers]
        return {
            "attackers": names,
            "steps": self.steps,
            "rate": self.rate,
            "target": self.target,
            "economy": self.economy,
        }
