"""Tampering, from the scan's voxels to the tampered voxels, as one differentiable function in stages.

CT-GAN (Mirsky, Mahler, Shelef, Elovici, USENIX Security 2019), section 5.3; published code
`procedures/attack_pipeline.py`. Every stage can be called alone, on any tensors of floats.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from napari_mits_gan.attack.contract import Action
from napari_mits_gan.attack.ctgan.calibration import Calibration
from napari_mits_gan.attack.ctgan.cuboid import cut, paste, with_blank_core
from napari_mits_gan.attack.ctgan.touch_up import blend, blend_kernel, noise_from, noise_spot, repair, touched_shape
from napari_mits_gan.attack.ctgan.weights import PUBLISHED_MASK
from napari_mits_gan.attack.cuboid import CUBOID_MM, cuboid_shape
from napari_mits_gan.attack.resample import resample
from napari_mits_gan.ct.grid import Box, Spacing, Voxel


@dataclass(frozen=True)
class Mode:
    """Where the published code has defects, which way to go.

    Parameters
    ----------
    pad_hu : float or None
        HU outside the scan; None repeats its border voxels.
    cubic_reach : bool
        True touches a box of as many voxels along z as within the slice, which is 147 mm at 2.5 mm slices, and fades
        within the slice only; False touches 1.3 times the cuboid along each axis and fades along z as well.
    brightest_new_hu : float or None
        No painted voxel gets brighter than this where the scan was not. The network's output saturates (its last
        hundredth spans a thousand HU), so a small slip paints metal into soft tissue. None leaves that.
    """

    pad_hu: float | None
    cubic_reach: bool
    brightest_new_hu: float | None


REFERENCE = Mode(pad_hu=0.0, cubic_reach=True, brightest_new_hu=None)
"""As published, to the voxel."""

MENDED = Mode(pad_hu=None, cubic_reach=False, brightest_new_hu=300.0)
"""The default: the same attack without the published code's slips at borders, with thick slices and in soft tissue."""


@dataclass(frozen=True, eq=False)
class Tampering:
    """CT-GAN's stages with one generator.

    Parameters
    ----------
    action : {"inject", "remove"}
        What the generator was trained for.
    generator : callable
        Takes and returns cubes of shape (n, 1, 32, 32, 32), normalised.
    calibration : Calibration
        Between HU and normalised units.
    mask : tuple of int
        First and one past the last voxel of the blanked core, on each axis.
    mode : Mode
        `MENDED` (default) or `REFERENCE`.
    """

    action: Action
    generator: Callable[[Tensor], Tensor]
    calibration: Calibration
    mask: tuple[int, int] = PUBLISHED_MASK
    mode: Mode = MENDED

    def cuboid(self, at: Voxel, spacing: Spacing) -> Box:
        """The 32 mm cuboid around a voxel."""
        return Box.around(at, cuboid_shape(spacing))

    def touched(self, at: Voxel, spacing: Spacing) -> Box:
        """The box outside which the attack changes nothing; it may reach outside the scan."""
        return Box.around(at, touched_shape(spacing, cubic=self.mode.cubic_reach))

    def core_box(self, at: Voxel, spacing: Spacing) -> Box:
        """The scan's voxels that the blanked core covers around `at`; the box may reach outside the scan."""
        cuboid = self.cuboid(at, spacing)
        # The first and the last voxel of the 1 mm cube lie on those of the cuboid.
        first, last = (voxel / (CUBOID_MM - 1) for voxel in (self.mask[0], self.mask[1] - 1))
        low = [c + math.ceil(first * (n - 1)) for c, n in zip(cuboid.low, cuboid.shape, strict=True)]
        high = [c + math.floor(last * (n - 1)) + 1 for c, n in zip(cuboid.low, cuboid.shape, strict=True)]
        high = [max(h, lo + 1) for h, lo in zip(high, low, strict=True)]
        return Box((low[0], low[1], low[2]), (high[0] - low[0], high[1] - low[1], high[2] - low[2]))

    def cut_at_1mm(self, scan: Tensor, at: Sequence[Voxel], spacing: Spacing) -> Tensor:
        """Cut the cuboids around `at` and resample them to 1 mm; shape (n, 32, 32, 32), HU."""
        cuboids = torch.stack([self._cut(scan, self.cuboid(site, spacing)) for site in at])
        return resample(cuboids, (CUBOID_MM, CUBOID_MM, CUBOID_MM))

    def masked(self, cubes_hu: Tensor) -> Tensor:
        """Equalise, normalise and blank the core; shape (n, 32, 32, 32)."""
        return self.blanked(self.calibration.normalise(cubes_hu))

    def blanked(self, normalised: Tensor) -> Tensor:
        """Copy with the core set to 0; shape (n, 32, 32, 32)."""
        return with_blank_core(normalised, self.mask)

    def in_paint(self, masked: Tensor) -> Tensor:
        """Run the generator; shape (n, 32, 32, 32), normalised, not clipped."""
        return self.generator(masked[:, None])[:, 0]

    def core(self, scan: Tensor, at: Sequence[Voxel], spacing: Spacing) -> Tensor:
        """What the generator paints into the blanked cores, clipped to plus and minus 0.5, normalised.

        Its change under a protection, squared and averaged, is the deviation that the evaluation reports.
        """
        return self.painted_core(self.cut_at_1mm(scan, at, spacing))

    def painted_core(self, cubes_hu: Tensor, *, clip: bool = True) -> Tensor:
        """The same for cubes at 1 mm, shape (n, 32, 32, 32), HU; training does not clip, so that gradients survive."""
        low, high = self.mask
        core = self.in_paint(self.masked(cubes_hu))[:, low:high, low:high, low:high]
        return core.clamp(-0.5, 0.5) if clip else core

    def to_hu(self, painted: Tensor, found_hu: Tensor) -> Tensor:
        """De-normalise and repair one painted cube; `found_hu` is what was there. Both (32, 32, 32); returns HU."""
        cube_hu = repair(self.calibration.denormalise(painted))
        if self.mode.brightest_new_hu is None:
            return cube_hu
        return torch.minimum(cube_hu, found_hu.clamp(min=self.mode.brightest_new_hu))

    def to_scan_grid(self, cube_hu: Tensor, spacing: Spacing) -> Tensor:
        """Resample a tampered 1 mm cube (32, 32, 32) back to the scan's voxels."""
        return resample(cube_hu, cuboid_shape(spacing))

    def tamper_box(self, scan: Tensor, at: Voxel, spacing: Spacing) -> tuple[Box, Tensor]:
        """Tamper at one voxel, computing only what changes.

        Parameters
        ----------
        scan : Tensor, shape (z, y, x)
            HU; any type, computed in float32 unless it is float64.
        at : tuple of int
            Voxel (z, y, x) of the click.
        spacing : tuple of float
            mm (z, y, x).

        Returns
        -------
        Box
            The part of the scan that the attack touches.
        Tensor
            Its HU after the attack.
        """
        found = self.cut_at_1mm(scan, [at], spacing)
        tampered = self.to_scan_grid(self.to_hu(self.in_paint(self.masked(found))[0], found[0]), spacing)
        return self.finish(scan, tampered, at, spacing)

    def finish(self, scan: Tensor, cuboid_hu: Tensor, at: Voxel, spacing: Spacing) -> tuple[Box, Tensor]:
        """Paste a tampered cuboid (voxels of the scan, HU), add noise and blend; returns as `tamper_box` does."""
        touched, cuboid = self.touched(at, spacing), self.cuboid(at, spacing)
        scan_box = Box((0, 0, 0), (scan.shape[0], scan.shape[1], scan.shape[2]))
        # Only what lies in the scan is pasted, so where the box reaches outside it shows the padding, as published.
        pasted = cuboid.inside(scan.shape)
        piece = cuboid_hu[pasted.slices(within=cuboid)]
        original = self._cut(scan, touched)
        tampered = paste(original, touched, piece, pasted)
        noise = self._noise(scan, touched, piece, pasted)
        kernel = blend_kernel(touched.shape, self.action, original, fade_in_z=not self.mode.cubic_reach)
        blended = blend(tampered, noise, original, kernel, self.action)
        changed = touched.overlap(scan_box)
        return changed, blended[changed.slices(within=touched)]

    def tamper(self, scan: Tensor, at: Voxel, spacing: Spacing) -> Tensor:
        """The whole scan after an attack at one voxel; shape (z, y, x), HU, float."""
        box, hu = self.tamper_box(scan, at, spacing)
        out = scan.to(hu.dtype).clone()
        out[box.slices()] = hu
        return out

    def _cut(self, scan: Tensor, box: Box) -> Tensor:
        # Converted after cutting: the scan may be large and of integers.
        return _as_float(cut(scan, box, self.mode.pad_hu))

    def _noise(self, scan: Tensor, touched: Box, piece: Tensor, pasted: Box) -> Tensor:
        source = Box.around(noise_spot(tuple(scan.shape)), touched.shape)
        # The original looks there after pasting, so a click nearby copies from its own nodule.
        there = paste(self._cut(scan, source), source, piece, pasted)
        for candidate in (there, self._cut(scan, touched)):
            noise = noise_from(candidate)
            if noise is not None:
                return noise
        return torch.zeros_like(there)


def _as_float(hu: Tensor) -> Tensor:
    return hu if hu.is_floating_point() else hu.to(torch.float32)
