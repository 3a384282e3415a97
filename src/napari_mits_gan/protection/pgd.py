"""Projected gradient descent on one scan: no generator, each voxel's change is searched for by itself.

Madry et al., ICLR 2018; against in-painting and deepfakes: Ruiz, Bargal, Sclaroff, 'Disrupting Deepfakes', 2020, and
Salman et al., 'PhotoGuard', 2023. With the click known it is an upper bound that no real protection can reach; with
the click unknown the same budget has to serve every click at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_mits_gan.attack.attackers import load_attacker, load_differentiable
from napari_mits_gan.attack.contract import DifferentiableAttacker
from napari_mits_gan.attack.cuboid import CUBOID_MM, check_thickness, cuboid_shape
from napari_mits_gan.attack.resample import resample
from napari_mits_gan.ct.grid import Box, Voxel
from napari_mits_gan.ct.lung_voxels import lung_voxels
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError, ProtectionError
from napari_mits_gan.options import limited
from napari_mits_gan.progress import Progress
from napari_mits_gan.protection.contract import Request
from napari_mits_gan.protection.perturbation import bounded, roi_reach

_FLOOR = 1e-4
"""Deviations much below this count little more than none."""
_FIRST_SPREAD = 0.3
_STEADINESS = 0.6
"""Share of the earlier steps' direction in each step."""
_LARGEST = 2.5
"""Bound of the searched values, at which the hyperbolic tangent has all but reached 1."""


@dataclass(frozen=True)
class Pgd:
    """Searches the change of one scan by gradient steps through the attackers, without a generator.

    Parameters
    ----------
    at : tuple of int or None
        The voxel (z, y, x) of a known click; None knows no click and searches all over the lungs.
    attackers : sequence of str
        Names of the attackers whose gradients are followed (`attack.attackers.ATTACKERS`), or files.
    steps : int
        Steps where the click is known.
    visits : float
        How often each voxel of the lungs is met, on average, where it is not.
    rate : float
        Length of a step; the searched values pass through a hyperbolic tangent.
    """

    at: Voxel | None = None
    attackers: tuple[str, ...] = ("inject", "remove")
    steps: int = limited(40, low=1)
    visits: float = limited(8.0, low=0)
    rate: float = limited(0.25, low=0)

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.float32]:
        """See `Method.change`."""
        check_thickness(volume.shape, volume.spacing)
        opponents = [load_differentiable(name, request.device) for name in self.attackers]
        rng = np.random.default_rng([request.seed, 0x706764])
        shape = cuboid_shape(volume.spacing)
        clicks = self._clicks(volume, shape, rng)
        search = _Search(volume, allowed, opponents, request.max_change_hu, rng)
        for i, click in enumerate(clicks):
            search.step(click, self.rate)
            progress((i + 1) * volume.shape[0] // len(clicks), volume.shape[0])
        return search.change_hu()

    def _clicks(self, volume: CTVolume, shape: tuple[int, int, int], rng: np.random.Generator) -> list[Voxel]:
        if self.at is not None:
            if not all(0 <= c < n for c, n in zip(self.at, volume.shape, strict=True)):
                raise ProtectionError(f"the voxel {self.at} lies outside the scan of {volume.shape} voxels.")
            return [self.at] * self.steps
        try:
            lung = lung_voxels(volume, margin_mm=CUBOID_MM / 4)
        except AttackError as error:
            raise ProtectionError(
                f"no lung was found in '{volume.name}' far enough from its borders, so 'pgd' has nowhere to search; "
                "choose 'mits-gan'."
            ) from error
        n = max(1, round(self.visits * len(lung) / float(np.prod(shape))))
        return [(int(z), int(y), int(x)) for z, y, x in lung[rng.integers(len(lung), size=n)]]

    def record(self) -> dict[str, Any]:
        """See `Method.record`."""
        names = [load_attacker(name, "cpu").name for name in self.attackers]
        settings: dict[str, Any] = {"attackers": names, "rate": self.rate}
        return settings | ({"visits": self.visits} if self.at is None else {"at": list(self.at), "steps": self.steps})


class _Search:
    """The searched values of a whole scan, and steps around one click at a time."""

    def __init__(
        self,
        volume: CTVolume,
        allowed: NDArray[np.bool_],
        opponents: Sequence[DifferentiableAttacker],
        budget: int,
        rng: np.random.Generator,
    ) -> None:
        self._volume, self._allowed, self._opponents, self._budget = volume, allowed, opponents, budget
        self._device = opponents[0].device
        self._values = rng.standard_normal(volume.shape, dtype=np.float32) * np.float32(_FIRST_SPREAD)
        self._direction = np.zeros(volume.shape, dtype=np.float32)

    def step(self, at: Voxel, rate: float) -> None:
        """One step up the gradient of the attackers' deviation at one click."""
        spacing = self._volume.spacing
        cuboid = Box.around(at, cuboid_shape(spacing))
        margin = 2 * roi_reach(spacing[1:])
        wider = Box(
            (cuboid.low[0], cuboid.low[1] - margin, cuboid.low[2] - margin),
            (cuboid.shape[0], cuboid.shape[1] + 2 * margin, cuboid.shape[2] + 2 * margin),
        ).inside(self._volume.shape)
        index = wider.slices()
        hu = torch.from_numpy(self._volume.hu[index].astype(np.float32)).to(self._device)
        inside = torch.from_numpy(self._allowed[index].astype(np.float32)).to(self._device)
        values = torch.from_numpy(self._values[index].copy()).to(self._device).requires_grad_(True)
        protected = hu + bounded(values, inside, spacing[1:]) * self._budget
        reached = torch.stack([self._deviation(one, hu, protected, wider, cuboid) for one in self._opponents])
        (gradient,) = torch.autograd.grad(torch.log(reached + _FLOOR).sum(), [values])
        size = gradient.abs().mean()
        if float(size) == 0:
            return
        usual = (gradient / size).clamp(-5, 5).cpu().numpy()
        self._direction[index] = _STEADINESS * self._direction[index] + (1 - _STEADINESS) * usual
        self._values[index] = np.clip(self._values[index] + rate * self._direction[index], -_LARGEST, _LARGEST)

    @staticmethod
    def _deviation(opponent: DifferentiableAttacker, before: Tensor, after: Tensor, wider: Box, cuboid: Box) -> Tensor:
        index = [
            torch.as_tensor(np.clip(np.arange(lo, lo + n) - first, 0, size - 1), device=before.device)
            for lo, n, first, size in zip(cuboid.low, cuboid.shape, wider.low, wider.shape, strict=True)
        ]

        def core(hu: Tensor) -> Tensor:
            for axis, positions in enumerate(index):
                hu = hu.index_select(axis, positions)
            cubes = resample(hu[None], (CUBOID_MM, CUBOID_MM, CUBOID_MM))
            return opponent.paint_core(cubes, clip=False)

        with torch.no_grad():
            unprotected = core(before)
        return (core(after) - unprotected).square().mean()

    def change_hu(self) -> NDArray[np.float32]:
        """What was found, in HU, slice by slice."""
        out = np.zeros(self._volume.shape, dtype=np.float32)
        for z in range(len(out)):
            met = self._direction[z] != 0
            if met.any():
                values = torch.from_numpy(np.where(met, self._values[z], np.float32(0)))[None]
                inside = torch.from_numpy(self._allowed[z : z + 1].astype(np.float32))
                out[z] = bounded(values, inside, self._volume.spacing[1:])[0].numpy() * self._budget
        return out
