"""The detector as others meet it: load one, and have voxels of a scan scored by how likely a nodule lies there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.attack.resample import cut_at_1mm
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.detection.network import CUBE_MM
from napari_mits_gan.detection.weights import DetectorWeights, load_detector
from napari_mits_gan.device import choose_device
from napari_mits_gan.errors import DetectionError
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS, digest

_SHIPPED = SHIPPED_WEIGHTS / "detector.safetensors"
_CUBES_AT_ONCE = 16


def score_cubes(network: torch.nn.Module, cubes_hu: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scores (n,), 0 to 1, of cubes at 1 mm in HU, shape (n, S, S, S), by what lies in the middle of each."""
    device = next(network.parameters()).device
    scores = []
    with torch.inference_mode():
        for start in range(0, len(cubes_hu), _CUBES_AT_ONCE):
            some = torch.from_numpy(np.ascontiguousarray(cubes_hu[start : start + _CUBES_AT_ONCE], dtype=np.float32))
            # Apple's mps has no double precision, so the logits are brought to the CPU first.
            scores.append(torch.sigmoid(network(some.to(device)).cpu().double()).numpy())
    return np.concatenate(scores) if scores else np.zeros(0)


@dataclass(frozen=True, eq=False)
class NoduleDetector:
    """Says how likely the centre of a lung nodule lies within about 5 mm of a voxel.

    It shares neither network nor drawn nodules with the attackers. A tool of this project's measurements, trained on a
    handful of scans; not a medical device. Make one with `NoduleDetector.load`.

    Parameters
    ----------
    weights : DetectorWeights
        The trained network with its threshold.
    name : str
        Which weights these are, for the records: a file name and a digest.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> scan = mg.read_ct("chest/")                                      # doctest: +SKIP
    >>> NoduleDetector.load().scores(scan, [(70, 300, 180)])             # doctest: +SKIP
    """

    weights: DetectorWeights
    name: str

    @classmethod
    def load(cls, which: Path | None = None, device: str = "auto") -> NoduleDetector:
        """Load a detector.

        Parameters
        ----------
        which : Path or None
            A safetensors file written by training; None for the one that comes with the package.
        device : str
            "auto", "cpu", "cuda" or "mps".

        Raises
        ------
        WeightsError
            If the file is missing, damaged or holds something else.
        """
        path = _SHIPPED if which is None else Path(which)
        weights = load_detector(path, choose_device(device))
        return cls(weights, f"{path.name} {digest(path)}")

    @property
    def threshold(self) -> float:
        """The score, 0 to 1, from which on the detector says "nodule"."""
        return self.weights.threshold

    def score_cubes(self, cubes_hu: NDArray[np.floating]) -> NDArray[np.float64]:
        """Score cubes that were cut already.

        Parameters
        ----------
        cubes_hu : ndarray, shape (n, S, S, S)
            HU at 1 mm; best of 48 mm or more. Of smaller ones the outer voxels are repeated.

        Returns
        -------
        ndarray of float64, shape (n,)
            0 to 1: how likely a nodule's centre lies in the middle of each.
        """
        if cubes_hu.ndim != 4 or len(set(cubes_hu.shape[1:])) != 1:
            raise ValueError(f"cubes must have the shape (n, S, S, S); theirs is {cubes_hu.shape}")
        return score_cubes(self.weights.network, cubes_hu)

    def scores(self, volume: CTVolume, voxels: Sequence[Voxel]) -> NDArray[np.float64]:
        """Score voxels of a scan.

        Parameters
        ----------
        volume : CTVolume
            A chest CT.
        voxels : sequence of tuple of int
            (z, y, x); near the scan's border its outer voxels are repeated.

        Returns
        -------
        ndarray of float64, shape (n,)
            0 to 1.

        Raises
        ------
        DetectionError
            If one lies outside the scan.
        """
        scores = [np.zeros(0)]
        for start in range(0, len(voxels), _CUBES_AT_ONCE):
            cubes = [
                cut_at_1mm(volume, self._checked(volume, at), CUBE_MM) for at in voxels[start : start + _CUBES_AT_ONCE]
            ]
            scores.append(self.score_cubes(np.stack(cubes)))
        return np.concatenate(scores)

    def finds(self, volume: CTVolume, at: Voxel) -> bool:
        """Whether the detector calls what lies there a nodule: its score reaches the threshold."""
        return bool(self.scores(volume, [at])[0] >= self.threshold)

    @staticmethod
    def _checked(volume: CTVolume, at: Voxel) -> NDArray[np.int64]:
        if len(at) != 3 or not all(float(c).is_integer() and 0 <= c < n for c, n in zip(at, volume.shape, strict=True)):
            raise DetectionError(
                f"the position {tuple(at)} is no voxel of the scan of {volume.shape} voxels; give three whole numbers "
                "z, y, x inside it."
            )
        return np.array([int(c) for c in at])
