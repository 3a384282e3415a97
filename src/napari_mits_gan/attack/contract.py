"""The contract that every attacker keeps, and the duties that none may forget.

An attacker says what it paints at a site (`Attacker.paint`) and which box it may touch (`Attacker.touched`). The rest
is done here, once for all of them: sites are checked, HU rounded to int16, padding kept, and the result is recorded as
a simulated attack, which the DICOM writer refuses. One whose network gradients pass through keeps
`DifferentiableAttacker` as well; protections are trained against these.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.attack.cuboid import check_thickness
from napari_mits_gan.ct.constants import HU_MAX, HU_MIN, SIMULATED_ATTACK
from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import AttackError

if TYPE_CHECKING:
    import torch

Action = Literal["inject", "remove"]
"""What an attack does with a nodule."""

ACTIONS: tuple[Action, ...] = ("inject", "remove")

CORE_WINDOW_HU = (-1000.0, 400.0)
"""Window that becomes -0.5 to 0.5 for attackers without normalised units of their own."""


@dataclass(frozen=True, eq=False)
class Painted:
    """What an attacker paints at one site.

    Parameters
    ----------
    box : Box
        Where; inside the scan and inside the touched box.
    hu : ndarray of float or int, shape `box.shape`
        HU of the whole box after the attack; rounded to int16 later.
    core : ndarray of float32 or None
        The replaced core in the attacker's own normalised units, -0.5 to 0.5, of the same shape at every site; None
        has the core's HU taken instead (see `Attacker.cores`).
    """

    box: Box
    hu: NDArray[Any]
    core: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Tampered:
    """What an attack leaves at one site of a scan.

    Parameters
    ----------
    at : tuple of int
        The attacked voxel (z, y, x).
    box : Box
        The part of the scan that may differ.
    hu : ndarray of int16, shape `box.shape`
        Its HU after the attack, padding unchanged.
    core : ndarray of float32
        The replaced core, normalised to -0.5 to 0.5.
    """

    at: Voxel
    box: Box
    hu: NDArray[np.int16]
    core: NDArray[np.float32]


class Attacker(ABC):
    """Injects a nodule into a scan at a voxel, or removes one.

    A new attacker is one file with a subclass and one line in `attack.attackers.ATTACKERS`. It sets `name`, `action`
    and `family`, and implements `touched` and `paint`.

    Examples
    --------
    >>> class Air(Attacker):
    ...     '''Removes whatever is there.'''
    ...     name, action, family = "a cube of air", "remove", "air"
    ...
    ...     def touched(self, at, spacing):
    ...         return Box.around(at, (5, 5, 5))
    ...
    ...     def paint(self, volume, at):
    ...         box = self.touched(at, volume.spacing).inside(volume.shape)
    ...         return Painted(box, np.full(box.shape, -1000))
    """

    name: str
    """Which attacker this is, for the records: its weights' file name and digest, or its settings."""
    action: Action
    """What it does."""
    family: str
    """The kind of attack, for the records, such as "CT-GAN"."""
    needed_mm: float = 0.0
    """The scan's least extent along each axis."""
    local: bool = True
    """Whether a crop of the 32 mm around a site suffices for its core; False looks at the whole scan."""

    # ---- what an attacker says

    @abstractmethod
    def touched(self, at: Voxel, spacing: Spacing) -> Box:
        """The box outside which an attack at `at` changes nothing; it may reach outside the scan."""

    @abstractmethod
    def paint(self, volume: CTVolume, at: Voxel) -> Painted:
        """What the attack paints at one voxel of a scan, which stays as it is; `at` is checked already."""

    def core(self, at: Voxel, spacing: Spacing) -> Box:
        """The box whose content the attack replaces; attacks are compared by it. The touched box, unless told."""
        return self.touched(at, spacing)

    def cuboid(self, at: Voxel, spacing: Spacing) -> Box:
        """The box that is pasted, before any blending around it. The core, unless told."""
        return self.core(at, spacing)

    def record(self) -> dict[str, Any]:
        """What else recreates the attack, JSON-serialisable, for the volume's history."""
        return {}

    @property
    def device(self) -> str:
        """Where it computes."""
        return "cpu"

    def paint_all(self, volume: CTVolume, sites: Sequence[Voxel]) -> Iterator[Painted]:
        """Paint at several voxels, each on its own; replace it where together is faster."""
        for at in sites:
            yield self.paint(volume, at)

    def cores(self, scans: Sequence[tuple[CTVolume, Voxel]]) -> NDArray[np.float32]:
        """The core painted at one voxel of each of n scans.

        Parameters
        ----------
        scans : sequence of (CTVolume, tuple of int)
            Scans, or crops that show what the attacker looks at, each with the voxel (z, y, x) to attack.

        Returns
        -------
        ndarray of float32, shape (n, z, y, x)
            Normalised to -0.5 to 0.5. For an attacker that has no normalised units (`Painted.core` is None) these are
            the core's HU after the attack, the window from -1000 to 400 HU scaled to -0.5 to 0.5, with border voxels
            repeated outside the scan. A mean squared difference of 0.0125 is then an RMS of 157 HU. Deviations compare
            one attacker on two scans, not attackers of different families.
        """
        return np.stack([next(self.attacks(volume, [at])).core for volume, at in scans])

    # ---- what is done for every attacker

    @final
    def tamper(self, volume: CTVolume, at: Voxel, out: NDArray[np.int16] | None = None) -> CTVolume:
        """Tamper with a scan at one voxel.

        Parameters
        ----------
        volume : CTVolume
            The scan; it stays as it is.
        at : tuple of int
            The voxel (z, y, x) to inject a nodule at, or to remove one from.
        out : ndarray of int16, shape of the scan, optional
            Where to put the HU of the tampered scan; else new memory is taken.

        Returns
        -------
        CTVolume
            The tampered scan, its history saying so; it is never written as DICOM. Padding voxels, and all outside the
            touched box, are unchanged.

        Raises
        ------
        AttackError
            If the voxel lies outside the scan, or the scan is too thin for this attacker.
        """
        found = next(self.attacks(volume, [at]))
        hu = np.empty(volume.shape, np.int16) if out is None else out
        np.copyto(hu, volume.hu)
        hu[found.box.slices()] = found.hu
        step = {"label": SIMULATED_ATTACK, "attack": self.family, "action": self.action, "at": list(found.at)}
        return volume.with_hu(hu, Step("attack", {**step, "attacker": self.name, **self.record()}))

    @final
    def attacks(self, volume: CTVolume, sites: Sequence[Voxel]) -> Iterator[Tampered]:
        """What attacks at several voxels would leave, each on its own; the scan is never copied.

        Raises
        ------
        AttackError
            As `tamper`.
        """
        checked = [self._checked(volume, at) for at in sites]
        for at, painted in zip(checked, self.paint_all(volume, checked), strict=True):
            yield self._tampered(volume, at, painted)

    def _checked(self, volume: CTVolume, at: Voxel) -> Voxel:
        if len(at) != 3 or not all(float(c).is_integer() for c in at):
            raise AttackError(f"the site {tuple(at)} is not a voxel; give three whole numbers z, y, x.")
        site = (int(at[0]), int(at[1]), int(at[2]))
        if not all(0 <= c < n for c, n in zip(site, volume.shape, strict=True)):
            raise AttackError(f"the voxel {site} lies outside the scan of {volume.shape} voxels; choose one inside it.")
        check_thickness(volume.shape, volume.spacing, self.needed_mm)
        return site

    def _tampered(self, volume: CTVolume, at: Voxel, painted: Painted) -> Tampered:
        box, touched = painted.box, self.touched(at, volume.spacing).inside(volume.shape)
        if box.overlap(touched) != box or painted.hu.shape != box.shape:
            raise ValueError(f"{self.name} painted {painted.hu.shape} voxels in {box}; it may only touch {touched}")
        hu = np.clip(np.rint(painted.hu), HU_MIN, HU_MAX).astype(np.int16)
        slices = box.slices()
        if volume.padding is not None:
            hu = np.where(volume.padding[slices], volume.hu[slices], hu)
        core = painted.core
        if core is None:
            core = _normalised(_with_border(volume, self.core(at, volume.spacing), box, hu))
        return Tampered(at, box, hu, core)


class DifferentiableAttacker(Attacker):
    """An attacker that paints into a cube of 32 voxels of 1 mm, by a network that gradients pass through.

    Protections are trained against it, and its answer to single waves and to its surroundings can be measured.
    """

    @property
    @abstractmethod
    def core_in_cube(self) -> tuple[int, int]:
        """First and one past the last voxel, on each axis of the cube, of the core that is painted anew."""

    @abstractmethod
    def cubes(self, volume: CTVolume, sites: Sequence[Voxel]) -> torch.Tensor:
        """The cubes around n voxels of a scan, on the attacker's device; shape (n, 32, 32, 32), HU."""

    @abstractmethod
    def normalise(self, cubes_hu: torch.Tensor) -> torch.Tensor:
        """HU to the network's units, of which -0.5 to 0.5 is the usual range; shape (n, 32, 32, 32)."""

    @abstractmethod
    def paint_core(self, cubes_hu: torch.Tensor, *, clip: bool = True) -> torch.Tensor:
        """What the network paints into the cores of cubes (n, 32, 32, 32) in HU, differentiable.

        Parameters
        ----------
        cubes_hu : Tensor, shape (n, 32, 32, 32)
            HU.
        clip : bool
            Whether to clip to -0.5 to 0.5, as figures are given; training does not, so that gradients survive.

        Returns
        -------
        Tensor, shape (n, k, k, k)
            Normalised.
        """


def box_of_mm(at: Voxel, side_mm: float, spacing: Spacing) -> Box:
    """The box around `at` of all voxels whose centres lie within half of `side_mm` along each axis."""
    z, y, x = (math.floor(side_mm / 2 / s) for s in spacing)
    return Box((at[0] - z, at[1] - y, at[2] - x), (2 * z + 1, 2 * y + 1, 2 * x + 1))


def _with_border(volume: CTVolume, wanted: Box, box: Box, hu: NDArray[np.int16]) -> NDArray[np.int16]:
    """The scan's HU in `wanted` with `box` replaced by `hu`; border voxels are repeated outside the scan."""
    inside = wanted.inside(volume.shape)
    found = volume.hu[inside.slices()].copy()
    both = box.overlap(inside)
    found[both.slices(within=inside)] = hu[both.slices(within=box)]
    before = [i - w for i, w in zip(inside.low, wanted.low, strict=True)]
    after = [w - i for i, w in zip(inside.high, wanted.high, strict=True)]
    return np.pad(found, list(zip(before, after, strict=True)), mode="edge")


def _normalised(hu: NDArray[np.int16]) -> NDArray[np.float32]:
    low, high = CORE_WINDOW_HU
    return np.clip((hu.astype(np.float32) - low) / (high - low) - 0.5, -0.5, 0.5)
