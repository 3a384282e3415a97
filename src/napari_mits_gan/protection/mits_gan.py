"""MITS-GAN: a generator, trained through the attack, that makes tampering fail wherever it is tried.

After Pasqualino, Guarnera, Ortis, Battiato, 'MITS-GAN: Safeguarding medical imaging from tampering with generative
adversarial networks', Comput. Biol. Med. 183:109248, 2024. `docs/experiments.md` tells where and why this one differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.progress import Progress
from napari_mits_gan.protection.contract import Request
from napari_mits_gan.protection.lung_reach import lung_reach, reached, share_within
from napari_mits_gan.protection.networks import LOOK, PerturbationGenerator
from napari_mits_gan.protection.noise_map import sample_distance_mm, shift_of, white_noise
from napari_mits_gan.protection.perturbation import bounded, roi_reach
from napari_mits_gan.protection.weights import load_protector, shipped_protector
from napari_mits_gan.weights_file import digest

_PIXELS_AT_ONCE = {"cpu": 1, "cuda": 1_500_000, "mps": 1_500_000}
"""Slices are computed together up to this many pixels, at least one, which bounds the memory; on a CPU each by itself,
since what lies in its caches is computed three times as fast."""


@dataclass(frozen=True)
class MitsGan:
    """A generator trained through the attack, so that whatever it paints deviates; the default.

    Parameters
    ----------
    weights : Path or None
        A safetensors file written by training; None takes the weights that come with the package.
    """

    weights: Path | None = None
    adapts: ClassVar[bool] = True

    def change(
        self, volume: CTVolume, allowed: NDArray[np.bool_], request: Request, progress: Progress
    ) -> NDArray[np.number]:
        """See `Method.change`; in whole HU, which take half the memory."""
        device = choose_device(request.device)
        generator = load_protector(self.weights or shipped_protector(), device)
        # Channels last suit a processor's vector units, and are a fifth faster; single channels stay as they are.
        generator = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        change = np.zeros(volume.shape, dtype=np.int16)
        margin = LOOK + 4 * roi_reach(volume.spacing[1:])
        rows, columns = window_around(allowed, margin)
        if rows is None or columns is None:
            return change
        reach = lung_reach(volume)
        pixels = (rows.stop - rows.start) * (columns.stop - columns.start)
        step = max(1, _PIXELS_AT_ONCE[device.type] // pixels)
        try:
            for first in range(0, volume.shape[0], step):
                zs = range(first, min(first + step, volume.shape[0]))
                # What is far from the lungs stays as it is, and need not be computed.
                window = reached(reach, zs, volume.shape[1:], margin)
                if window is not None:
                    window = overlap(window[0], rows), overlap(window[1], columns)
                    part = perturb(generator, volume, allowed, zs, window, request, device, adapt=self.adapts)
                    part = part.cpu() * share_within(reach, zs, window, volume.shape[1:])
                    change[zs.start : zs.stop, window[0], window[1]] = part.round().numpy()
                progress(zs.stop, volume.shape[0])
        except torch.cuda.OutOfMemoryError as error:
            torch.cuda.empty_cache()
            raise ProtectionError("the graphics card has too little memory free; choose the device 'cpu'.") from error
        return change

    def record(self) -> dict[str, Any]:
        """See `Method.record`."""
        path = self.weights or shipped_protector()
        return {"weights": f"{path.name} {digest(path)}"}


def window_around(allowed: NDArray[np.bool_], margin: int) -> tuple[slice | None, slice | None]:
    """Rows and columns that hold all allowed voxels (z, y, x), and a margin of pixels; None where there is none.

    Air around the body need not be computed.
    """
    found: list[slice | None] = []
    for axes in ((0, 2), (0, 1)):
        used = np.flatnonzero(allowed.any(axis=axes))
        if len(used) == 0:
            return None, None
        size = allowed.shape[1 if axes == (0, 2) else 2]
        found.append(slice(max(0, int(used[0]) - margin), min(size, int(used[-1]) + margin + 1)))
    return found[0], found[1]


def overlap(a: slice, b: slice) -> slice:
    """What two ranges have in common."""
    start = max(a.start, b.start)
    return slice(start, max(start, min(a.stop, b.stop)))


@torch.inference_mode()
def perturb(
    generator: PerturbationGenerator,
    volume: CTVolume,
    allowed: NDArray[np.bool_],
    zs: range,
    window: tuple[slice, slice],
    request: Request,
    device: torch.device,
    *,
    adapt: bool = True,
) -> torch.Tensor:
    """The perturbation in HU, shape (len(zs), rows, columns), of consecutive slices within a window of each.

    In all tissue; without `adapt` the generator puts out its stripes as they are.
    """
    rows, columns = window
    neighbours = np.clip(np.arange(zs.start - 1, zs.stop + 1), 0, volume.shape[0] - 1)
    hu = torch.from_numpy(volume.hu[neighbours, rows, columns].astype(np.float32)).to(device)
    context = torch.stack([hu[:-2], hu[1:-1], hu[2:]], dim=1)
    noise = np.stack([white_noise(request.seed, z, volume.shape[1:])[rows, columns] for z in zs])
    y, x = (
        torch.as_tensor(
            np.arange(window.start, window.stop) * mm / distance + shift, dtype=torch.float32, device=device
        )
        for window, mm, distance, shift in zip(
            (rows, columns),
            volume.spacing[1:],
            sample_distance_mm(volume.spacing)[1:],
            shift_of(request.seed),
            strict=True,
        )
    )
    white = torch.from_numpy(noise)[:, None].to(device)
    raw = generator(context, white, (y, x), volume.spacing, request.max_change_hu, adapt=adapt)
    inside = torch.from_numpy(allowed[zs.start : zs.stop, rows, columns].astype(np.float32)).to(device)
    return bounded(raw, inside, volume.spacing[1:]) * request.max_change_hu
