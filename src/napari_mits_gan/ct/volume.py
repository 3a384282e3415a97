"""The CT volume: HU on a regular grid, with its geometry, where it came from and what was done to it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.source import Source
from napari_mits_gan.ct.step import Step as Step
from napari_mits_gan.ct.storable import EVERY_HU, StorableHU


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
    padding : ndarray of bool, shape (z, y, x), or (1, y, x) if all slices share it, or None
        True where the scanner stored its padding value and measured nothing; None where there is no such voxel.
    source : Source or None
        Where the scan came from, which limits the HU that it can store; for a scan read from DICOM what is needed to
        write a derived series. None for scans that came from elsewhere.
    name : str
        What to call the scan on screen: a series description or a file name, never a patient's name or identifier.
    history : tuple of Step
        What was done to the scan since it was read, oldest first.
    notes : tuple of str
        What a user should know of how the volume was made from its file, each in one sentence: what was left out, that
        slices were moved.

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
    source: Source | None = None
    name: str = "CT"
    history: tuple[Step, ...] = ()
    notes: tuple[str, ...] = ()

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
        padding = self.padding
        if padding is not None and padding.shape == (1, *self.hu.shape[1:]):
            padding = np.broadcast_to(padding, self.hu.shape)
        if padding is not None and padding.shape != self.hu.shape:
            raise ValueError(f"padding has the shape {padding.shape}, hu has {self.hu.shape}")
        object.__setattr__(self, "spacing", tuple(float(s) for s in self.spacing))
        object.__setattr__(self, "origin", tuple(float(o) for o in self.origin))
        for name, array in (("hu", self.hu), ("direction", direction), ("padding", padding)):
            if array is not None:
                view = array.view()
                view.flags.writeable = False
                object.__setattr__(self, name, view)

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the constructor, so that arrays are read-only again. Padding that all slices share stays one slice.
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        if self.padding is not None and self.padding.strides[0] == 0:
            values["padding"] = self.padding[:1]
        return _volume, (type(self), values)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along (z, y, x)."""
        return self.hu.shape  # type: ignore[return-value]

    @property
    def dicom(self) -> Source | None:
        """`source`, under the name that it had when volumes came from DICOM only."""
        return self.source

    @property
    def is_tampered(self) -> bool:
        """Whether a simulated attack is part of this volume."""
        return any(step.kind == "attack" for step in self.history)

    @property
    def is_protected(self) -> bool:
        """Whether a protection is part of this volume."""
        return any(step.kind == "protection" for step in self.history)

    @property
    def earlier(self) -> tuple[Step, ...]:
        """What this software did to the scan before it was read, oldest first, by the source's own account."""
        return () if self.source is None else self.source.earlier

    @property
    def is_sealed(self) -> bool:
        """Whether a seal is part of this volume, and nothing was done to it afterwards."""
        return bool(self.history) and self.history[-1].kind == "seal"

    def with_hu(self, hu: NDArray[np.int16], step: Step) -> CTVolume:
        """The same scan with other HU of the same shape, and `step` added to its history."""
        if hu.shape != self.shape:
            raise ValueError(f"the new HU have the shape {hu.shape}, the scan has {self.shape}")
        return replace(self, hu=hu, history=(*self.history, step))

    def storable(self, z: int) -> StorableHU:
        """The HU that slice `z` can have and still be exported as it is: those that the scan's source can store."""
        return EVERY_HU if self.source is None else self.source.storable(z)

    def same_grid(self, other: CTVolume, tolerance_mm: float = 0.01) -> bool:
        """Whether both scans have the same voxels at the same positions.

        Parameters
        ----------
        other : CTVolume
            Another scan.
        tolerance_mm : float
            How far apart the corners of the two grids may lie.
        """
        if self.shape != other.shape:
            return False
        corners = [
            (z, y, x) for z in (0, self.shape[0] - 1) for y in (0, self.shape[1] - 1) for x in (0, self.shape[2] - 1)
        ]
        return all(
            np.linalg.norm(np.subtract(self.world_from_voxel(c), other.world_from_voxel(c))) <= tolerance_mm
            for c in corners
        )

    def crop(self, box: Box) -> CTVolume:
        """The part of the scan inside `box`, with its own origin and without a source; history is kept.

        Raises
        ------
        ValueError
            If the box reaches outside the scan or is empty.
        """
        if box.inside(self.shape) != box or 0 in box.shape:
            raise ValueError(
                f"the box from {box.low} to {box.high} does not lie inside the scan of {self.shape} voxels"
            )
        padding = None if self.padding is None else self.padding[box.slices()]
        return replace(
            self, hu=self.hu[box.slices()], padding=padding, origin=self.world_from_voxel(box.low), source=None
        )

    def coarsen(self, factors: tuple[int, int, int]) -> CTVolume:
        """The scan in larger voxels: means of blocks of `factors` (z, y, x) voxels; what is left at the end is dropped.

        A block with any padding in it counts as padding. Without a source; history is kept.

        Raises
        ------
        ValueError
            If a factor is less than one, or larger than the scan.
        """
        if any(f < 1 or f > n for f, n in zip(factors, self.shape, strict=True)):
            raise ValueError(f"blocks of {factors} voxels do not fit into a scan of {self.shape}")
        fz, fy, fx = factors
        nz, ny, nx = (n // f for n, f in zip(self.shape, factors, strict=True))
        hu = np.empty((nz, ny, nx), dtype=np.int16)
        padding = None if self.padding is None else np.zeros(hu.shape, dtype=bool)
        for z in range(nz):  # slab by slab, so that no wide copy of the scan is made
            slab = (slice(z * fz, (z + 1) * fz), slice(0, ny * fy), slice(0, nx * fx))
            blocks = self.hu[slab].reshape(fz, ny, fy, nx, fx)
            hu[z] = np.rint(blocks.mean(axis=(0, 2, 4), dtype=np.float32))
            if padding is not None and self.padding is not None:
                padding[z] = self.padding[slab].reshape(fz, ny, fy, nx, fx).any(axis=(0, 2, 4))
        spacing = (self.spacing[0] * fz, self.spacing[1] * fy, self.spacing[2] * fx)
        first = ((fz - 1) / 2, (fy - 1) / 2, (fx - 1) / 2)
        origin = self.world_from_voxel(first)
        return replace(self, hu=hu, padding=padding, spacing=spacing, origin=origin, source=None)

    def world_from_voxel(self, voxel: tuple[float, float, float]) -> tuple[float, float, float]:
        """World coordinates (x, y, z), LPS, mm, of a place (z, y, x) in voxels."""
        world = np.asarray(self.origin) + self.direction @ (np.asarray(voxel, dtype=float) * np.asarray(self.spacing))
        return (float(world[0]), float(world[1]), float(world[2]))

    def voxel_from_world(self, world: tuple[float, float, float]) -> tuple[float, float, float]:
        """Place (z, y, x) in voxels, not rounded, of world coordinates (x, y, z), LPS, mm."""
        voxel = self.direction.T @ (np.asarray(world, dtype=float) - np.asarray(self.origin)) / np.asarray(self.spacing)
        return (float(voxel[0]), float(voxel[1]), float(voxel[2]))


def _volume(made_by: type[CTVolume], values: dict[str, Any]) -> CTVolume:
    """A volume from a copy or a pickle."""
    return made_by(**values)
