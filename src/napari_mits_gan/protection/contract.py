"""What every protection method promises, so that methods are interchangeable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.progress import Progress


@dataclass(frozen=True)
class Request:
    """What a protection is asked for.

    Parameters
    ----------
    max_change_hu : int
        The budget.
    seed : int
        Decides all that is drawn; the same seed gives the same perturbation.
    device : str
        "auto", "cpu", "cuda" or "mps".
    """

    max_change_hu: int
    seed: int
    device: str


class Method(Protocol):
    """A protection method: computes a perturbation; the budget is enforced by the caller.

    A new method is one file with one class like this and one line in `protect.METHODS`.
    """

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.number]:
        """The change in HU that the method asks for.

        Parameters
        ----------
        volume : CTVolume
            The scan.
        allowed : ndarray of bool, shape (z, y, x)
            Voxels that may change; what is asked for elsewhere is dropped.
        request : Request
            Budget, seed and device.
        progress : Progress
            Told how many slices are done; may raise to stop.

        Returns
        -------
        ndarray, shape (z, y, x)
        """
        ...

    def record(self) -> dict[str, Any]:
        """What recreates the perturbation beside the request: weights and settings, JSON-serialisable."""
        ...
