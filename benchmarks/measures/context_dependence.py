"""Whether what an attacker in-paints depends on the surroundings of the blanked core, or is the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import DifferentiableAttacker
    from napari_mits_gan.ct.grid import Voxel

_BATCH = 8
_X = -1


@dataclass(frozen=True, eq=False)
class ContextDependence:
    """What an attacker paints at n sites, and when something around them is changed; normalised units, -0.5 to 0.5.

    Parameters
    ----------
    painted : ndarray of float32, shape (n, k, k, k)
        The cores as painted in an attack.
    mirrored : ndarray of float32, shape (n, k, k, k)
        The cores painted when left and right of the surroundings are exchanged; not mirrored back.
    core_changed : ndarray of float32, shape (n, k, k, k)
        The cores painted when only the core of the scan is another, which is blanked before the network sees it.
    alignment : ndarray of float32, shape (n,)
        Cosine between the direction in which the surroundings get brighter (of the chest wall, where it is near) and
        that in which the painted core does.
    """

    painted: NDArray[np.float32]
    mirrored: NDArray[np.float32]
    core_changed: NDArray[np.float32]
    alignment: NDArray[np.float32]

    @classmethod
    def pooled(cls, parts: Sequence[ContextDependence]) -> ContextDependence:
        """The sites of several scans together."""
        names = ("painted", "mirrored", "core_changed", "alignment")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    @property
    def between_sites(self) -> float:
        """RMS difference of the cores of two sites, over all pairs."""
        return pairwise_rms(self.painted)

    @property
    def when_mirrored(self) -> float:
        """RMS difference when the surroundings are mirrored: 0 for an attacker that ignores them."""
        return _rms(self.mirrored - self.painted)

    @property
    def mirrored_back(self) -> float:
        """What is left of that when the core is mirrored back: 0 for one that follows them exactly."""
        return _rms(np.flip(self.mirrored, _X) - self.painted)

    @property
    def when_core_changes(self) -> float:
        """RMS difference when only the blanked core is another: 0, since no attacker can see it."""
        return _rms(self.core_changed - self.painted)


def pairwise_rms(cores: NDArray[np.floating]) -> float:
    """RMS difference of two of n cores, over all pairs; NaN for fewer than two."""
    n = len(cores)
    if n < 2:
        return float("nan")
    # The mean squared difference of all pairs is twice the variance without bias.
    return float(np.sqrt(2 * cores.reshape(n, -1).var(axis=0, ddof=1, dtype=np.float64).mean()))


def context_dependence(
    attacker: DifferentiableAttacker, volume: CTVolume, at: Sequence[Voxel], *, seed: int = 0
) -> ContextDependence:
    """Paint the cores at several sites, as they are and with changed surroundings.

    Parameters
    ----------
    attacker : DifferentiableAttacker
        Who attacks.
    volume : CTVolume
        The scan; it stays as it is.
    at : sequence of tuple of int
        Voxels (z, y, x).
    seed : int
        Fixes what stands in the core in place of the scan.
    """
    noise = torch.Generator().manual_seed(seed)
    low, high = attacker.core_in_cube
    core = (slice(None), *3 * (slice(low, high),))
    found: dict[str, list[NDArray[np.float32]]] = {"painted": [], "mirrored": [], "core_changed": [], "alignment": []}

    def paint(cubes_hu: torch.Tensor) -> NDArray[np.float32]:
        painted: NDArray[np.float32] = attacker.paint_core(cubes_hu).cpu().numpy()
        return painted

    with torch.inference_mode():
        all_cubes = attacker.cubes(volume, at)
        for start in range(0, len(at), _BATCH):
            cubes = all_cubes[start : start + _BATCH]
            changed = cubes.clone()
            changed[core] = (torch.rand(changed[core].shape, generator=noise) * 1000 - 1000).to(cubes)
            painted = paint(cubes)
            found["painted"].append(painted)
            found["mirrored"].append(paint(cubes.flip(_X)))
            found["core_changed"].append(paint(changed))
            surroundings = attacker.normalise(cubes).cpu().numpy()
            outside = np.ones(surroundings.shape[1:], bool)
            outside[core[1:]] = False
            found["alignment"].append(
                _cosine(_dipole(surroundings, outside), _dipole(painted, np.ones(painted.shape[1:])))
            )
    return ContextDependence(**{name: np.concatenate(parts) for name, parts in found.items()})


def _dipole(cubes: NDArray[np.floating], where: NDArray[np.generic]) -> NDArray[np.float64]:
    """Direction (n, 3) from the middle in which cubes (n, z, y, x) get brighter, over the voxels of `where`."""
    grid = np.indices(where.shape) - (np.reshape(where.shape, (3, 1, 1, 1)) - 1) / 2
    weight = where / where.sum()
    excess = (cubes - (cubes * weight).sum(axis=(1, 2, 3), keepdims=True)) * weight
    return np.einsum("nzyx,azyx->na", excess, grid)


def _cosine(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return ((a * b).sum(axis=1) / np.maximum(lengths, 1e-12)).astype(np.float32)


def _rms(difference: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.square(difference, dtype=np.float64).mean()))
