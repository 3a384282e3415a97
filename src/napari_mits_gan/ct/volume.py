"""The CT volume: HU on a regular grid, with its geometry, where it came from and what was done to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari_mits_gan.ct.dicom_source import DicomSource

HU_MIN, HU_MAX = -32768, 32767
"""Range of the HU array (int16)."""


@dataclass(frozen=True)
class Step:
    """One thing that was done to a volume, with all that is needed to do it again.

    Parameters
    ----------
    kind : {"protection", "attack", "seal", "recovery"}
        What was done. A volume with an "attack" step is never exported as DICOM.
    parameters : mapping
        JSON-serialisable names and values: method, weights digest, seed, place in voxels, budget in HU.
    """

    kind: Literal["protection", "attack", "seal", "recovery"]
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))


@dataclass(frozen=True, eq=False)
class CTVolume:
    """A CT scan in HU on a regular grid.

    Parameters
    ----------
    hu : ndarray of int16, shape (z, y, x)
        Intensities in HU; the array is made read-only. Slice 0 is the one lowest along `direction[:, 0]`
        (for an axial scan: the one nearest to the feet).
    spacing : tuple of float
        Distance in mm between voxel centres along (z, y, x).
    origin : tuple of float
        Centre of voxel (0, 0, 0) in world coordinates (x, y, z), LPS, mm, as DICOM and ITK have them.
    direction : ndarray of float, shape (3, 3)
        Column i is the unit vector, in world coordinates (x, y, z) LPS, of array axis i of (z, y, x).
    padding : ndarray of bool, shape (z, y, x), or None
        True where the scanner stored its padding value and measured nothing; None where there is no such voxel.
    dicom : DicomSource or None
        What is needed to write a derived DICOM series; None for scans that did not come from DICOM.
    name : str
        What to call the scan on screen: a series description or a file name, never a patient's name or identifier.
    history : tuple of Step
        What was done to the scan since it was read, oldest first.

    Raises
    ------
    ValueError
        If the shapes, the spacing or the direction do not describe a regular grid.
    """

    hu: NDArray[np.int16]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: NDArray[np.float64] = field(
        default_factory=lambda: np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    )
    padding: NDArray[np.bool_] | None = None
    dicom: DicomSource | None = None
    name: str = "CT"
    history: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        if self.hu.ndim != 3 or 0 in self.hu.shape:
            raise ValueError(f"hu must have three axes (z, y, x), none of them empty; its shape is {self.hu.shape}")
        if self.hu.dtype != np.int16:
            raise ValueError(f"hu must be int16; it is {self.hu.dtype}: round to whole HU first")
        if len(self.spacing) != 3 or not all(np.isfinite(s) and s > 0 for s in self.spacing):
            raise ValueError(f"spacing must be three positive distances in mm (z, y, x); it is {self.spacing}")
        direction = np.asarray(self.direction, dtype=np.float64)
        if direction.shape != (3, 3) or not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
            raise ValueError("direction must be a 3 x 3 matrix of orthogonal unit vectors")
        if self.padding is not None and self.padding.shape != self.hu.shape:
            raise ValueError(f"padding has the shape {self.padding.shape}, hu has {self.hu.shape}")
        object.__setattr__(self, "spacing", tuple(float(s) for s in self.spacing))
        object.__setattr__(self, "origin", tuple(float(o) for o in self.origin))
        for name, array in (("hu", self.hu), ("direction", direction), ("padding", self.padding)):
            if array is not None:
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (z, y, x)."""
        return self.hu.shape  # type: ignore[return-value]

    @property
    def is_tampered(self) -> bool:
        """Whether a simulated attack is part of this volume."""
        return any(step.kind == "attack" for step in self.history)

    @property
    def is_protected(self) -> bool:
        """Whether a protection is part of this volume."""
        return any(step.kind == "protection" for step in self.history)

    def with_hu(self, hu: NDArray[np.int16], step: Step) -> CTVolume:
        """The same scan with other HU of the same shape, and `step` added to its history."""
        if hu.shape != self.shape:
            raise ValueError(f"the new HU have the shape {hu.shape}, the scan has {self.shape}")
        return replace(self, hu=hu, history=(*self.history, step))

    def world_from_voxel(self, voxel: tuple[float, float, float]) -> tuple[float, float, float]:
        """World coordinates (x, y, z), LPS, mm, of a place (z, y, x) in voxels."""
        world = np.asarray(self.origin) + self.direction @ (np.asarray(voxel, dtype=float) * np.asarray(self.spacing))
        return (float(world[0]), float(world[1]), float(world[2]))

    def voxel_from_world(self, world: tuple[float, float, float]) -> tuple[float, float, float]:
        """Place (z, y, x) in voxels, not rounded, of world coordinates (x, y, z), LPS, mm."""
        voxel = self.direction.T @ (np.asarray(world, dtype=float) - np.asarray(self.origin)) / np.asarray(self.spacing)
        return (float(voxel[0]), float(voxel[1]), float(voxel[2]))
