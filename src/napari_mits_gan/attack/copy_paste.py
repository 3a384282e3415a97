"""Copy and paste: an attacker without a network, which takes what it pastes from elsewhere in the same scan.

It is the oldest forgery of images and needs no training. What it pastes is real tissue of the same patient with the
same noise, so nothing that disrupts in-painting disrupts it. It blends nothing but the edge: a vessel that enters the
ball ends there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_mits_gan.attack.contract import Action, Attacker, Painted, box_of_mm
from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import AttackError

_FULL = 0.6
"""Up to this part of the radius the copy replaces the scan; from there it fades out along a cosine."""
_SEARCH_MM = 2.0
"""Sources are searched on about this grid."""
_BRIGHT_ABOVE_HU = -600
"""Vessels, nodules and walls, as they look on that grid."""
_LUNG_MEAN_HU = (-950.0, -700.0)
"""Mean of lung; air is darker."""
_MOST_BRIGHT = {"inject": 0.1, "remove": 0.02}
"""Largest share of bright structure in the shell around a round structure, and in healthy lung."""
_NODULE_ABOVE_HU = -500.0
"""Least mean of the middle of a round structure."""
_MIDDLE_MM = 5.0


@dataclass(frozen=True)
class CopyPaste(Attacker):
    """Copies a ball of the scan to the click and fades its edge.

    To inject it copies the round structure that stands out most from lung, a nodule or a vessel that looks like one; to
    remove it copies the nearest lung without bright structure.

    Parameters
    ----------
    action : {"inject", "remove"}
        What to copy.
    radius_mm : float
        Radius of the ball.
    source : tuple of int or None
        The voxel (z, y, x) to copy from; None searches for it, which takes a second or two.
    """

    action: Action
    radius_mm: float = 10.0
    source: Voxel | None = None

    name = "copy and paste"
    family = "copy and paste"
    local = False

    def touched(self, at: Voxel, spacing: Spacing) -> Box:
        """The box around the ball."""
        return box_of_mm(at, 2 * self.radius_mm, spacing)

    def core(self, at: Voxel, spacing: Spacing) -> Box:
        """The box around the part of the ball that is replaced entirely."""
        return box_of_mm(at, 2 * _FULL * self.radius_mm, spacing)

    def paint(self, volume: CTVolume, at: Voxel) -> Painted:
        """See `Attacker.paint`."""
        return next(self.paint_all(volume, [at]))

    def paint_all(self, volume: CTVolume, sites: Sequence[Voxel]) -> Iterator[Painted]:
        """See `Attacker.paint_all`; sources are searched once."""
        sources = np.array([self.source]) if self.source is not None else self._sources(volume)
        for at in sites:
            yield self._pasted(volume, at, self._source_for(volume, at, sources))

    def record(self) -> dict[str, Any]:
        """Radius and source."""
        return {"radius_mm": self.radius_mm, "source": None if self.source is None else list(self.source)}

    def _pasted(self, volume: CTVolume, at: Voxel, source: NDArray[np.int64]) -> Painted:
        box = self.touched(at, volume.spacing).inside(volume.shape)
        offsets = [np.arange(lo, hi) - c for lo, hi, c in zip(box.low, box.high, at, strict=True)]
        index = [np.clip(o + s, 0, n - 1) for o, s, n in zip(offsets, source, volume.shape, strict=True)]
        z, y, x = np.meshgrid(*(o * mm for o, mm in zip(offsets, volume.spacing, strict=True)), indexing="ij")
        away = np.sqrt(z**2 + y**2 + x**2) / self.radius_mm
        weight = 0.5 + 0.5 * np.cos(np.pi * np.clip((away - _FULL) / (1 - _FULL), 0, 1))
        before = volume.hu[box.slices()].astype(np.float64)
        return Painted(box, before + weight * (volume.hu[np.ix_(*index)] - before))

    def _source_for(self, volume: CTVolume, at: Voxel, sources: NDArray[np.int64]) -> NDArray[np.int64]:
        away_mm = np.linalg.norm((sources - at) * np.asarray(volume.spacing), axis=1)
        far = away_mm >= 2 * self.radius_mm
        if self.source is None and not far.any():
            what = "round structure in lung" if self.action == "inject" else "lung without bright structure"
            raise AttackError(
                f"'{volume.name}' shows no {what} to copy away from the voxel {at}; choose another attacker."
            )
        if self.source is not None or self.action == "inject":
            return np.asarray(sources[int(np.argmax(far))])
        return np.asarray(sources[int(np.argmin(np.where(far, away_mm, np.inf)))])

    def _sources(self, volume: CTVolume) -> NDArray[np.int64]:
        """Voxels, shape (n, 3), around which the ball can be copied; for an injection, most contrast first."""
        fz, fy, fx = (max(1, min(round(_SEARCH_MM / s), n)) for s, n in zip(volume.spacing, volume.shape, strict=True))
        grid = volume.coarsen((fz, fy, fx))
        hu, side = grid.hu.astype(np.float32), 2 * self.radius_mm
        bright = (hu > _BRIGHT_ABOVE_HU).astype(np.float32)
        fits = np.ones(grid.shape, dtype=bool)
        for axis, (n, mm) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
            room = (np.minimum(np.arange(n), np.arange(n)[::-1]) + 0.5) * mm >= self.radius_mm
            fits &= room.reshape([-1 if a == axis else 1 for a in range(3)])
        if grid.padding is not None:
            fits &= _cube_mean(grid.padding.astype(np.float32), side, grid.spacing) < 1e-6
        mean, share = _cube_mean(hu, side, grid.spacing), _cube_mean(bright, side, grid.spacing)
        if self.action == "inject":
            inner = _FULL * side
            full, part = _voxels(side, grid.spacing), _voxels(inner, grid.spacing)
            shell = np.prod(full) - np.prod(part)
            mean, share = (
                (whole * np.prod(full) - _cube_mean(values, inner, grid.spacing) * np.prod(part)) / shell
                for whole, values in ((mean, hu), (share, bright))
            )
        fits &= (mean > _LUNG_MEAN_HU[0]) & (mean < _LUNG_MEAN_HU[1]) & (share <= _MOST_BRIGHT[self.action])
        if self.action == "inject":
            middle = _cube_mean(hu, _MIDDLE_MM, grid.spacing)
            fits &= (middle > _NODULE_ABOVE_HU) & (middle == ndimage.maximum_filter(middle, full))
        found = np.argwhere(fits)
        if self.action == "inject":
            found = found[np.argsort((mean - middle)[tuple(found.T)], kind="stable")]
        voxels: NDArray[np.int64] = found * (fz, fy, fx) + (np.array((fz, fy, fx)) - 1) // 2
        return voxels


def _voxels(side_mm: float, spacing: Spacing) -> list[int]:
    """Size of a cube, an odd number of voxels along each axis."""
    return [2 * int(side_mm / s / 2) + 1 for s in spacing]


def _cube_mean(values: NDArray[np.float32], side_mm: float, spacing: Spacing) -> NDArray[np.floating]:
    mean: NDArray[np.floating] = ndimage.uniform_filter(values, _voxels(side_mm, spacing), mode="nearest")
    return mean
