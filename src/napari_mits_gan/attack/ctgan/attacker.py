"""CT-GAN as a user meets it: load an attacker, tamper with a volume at a voxel."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_mits_gan.attack.contract import Action, DifferentiableAttacker, Painted
from napari_mits_gan.attack.ctgan.pipeline import MENDED, Mode, Tampering
from napari_mits_gan.attack.ctgan.weights import AttackerWeights, load_attacker
from napari_mits_gan.attack.cuboid import CUBOID_MM
from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.device import choose_device
from napari_mits_gan.errors import WeightsError
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS, digest

SHIPPED_ATTACKERS: Mapping[str, str] = {
    "inject": "injector.safetensors",
    "remove": "remover.safetensors",
    "inject-other-seed": "injector_other_seed.safetensors",
    "inject-small-core": "injector_small_core.safetensors",
    "inject-fixed-window": "injector_fixed_window.safetensors",
    "remove-small-core": "remover_small_core.safetensors",
}
"""The attackers that come with the package, by name.

The first two are those that a user meets. The others differ from them in seed, width, blanked core or calibration, and
no protection is trained against them: they show what transfers.
"""


def scan_tensor(volume: CTVolume) -> torch.Tensor:
    """The volume's HU, shape (z, y, x), as a tensor that shares its memory where it can; never write into it."""
    # PyTorch knows no axes that run backwards through memory.
    hu = volume.hu if min(volume.hu.strides) >= 0 else volume.hu.copy()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(hu)


_BATCH = 8
"""Cubes in-painted at once: enough to keep a CPU busy, little enough for any memory."""


@dataclasses.dataclass(frozen=True, eq=False)
class CTGAN(DifferentiableAttacker):
    """An attacker that injects a lung nodule at a voxel, or removes one.

    CT-GAN (Mirsky, Mahler, Shelef, Elovici, USENIX Security 2019). Make one with `CTGAN.load`.

    Parameters
    ----------
    weights : AttackerWeights
        The trained network with its calibration.
    name : str
        Which weights these are, for the records: a file name and a digest.
    mode : Mode
        `MENDED` (default), or `REFERENCE` for the published behaviour to the voxel.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> scan = mg.read_ct("chest/")                                         # doctest: +SKIP
    >>> tampered = mg.CTGAN.load("inject").tamper(scan, at=(70, 300, 180))  # doctest: +SKIP
    """

    weights: AttackerWeights
    name: str
    mode: Mode = MENDED
    action: Action = dataclasses.field(init=False)

    family = "CT-GAN"
    needed_mm = float(CUBOID_MM)

    def __post_init__(self) -> None:
        object.__setattr__(self, "action", self.weights.action)

    @classmethod
    def load(
        cls, which: str | Path, device: str = "auto", *, action: Action | None = None, mode: Mode = MENDED
    ) -> CTGAN:
        """Load an attacker.

        Parameters
        ----------
        which : str or path
            One of `SHIPPED_ATTACKERS` ("inject" and "remove" are the usual ones), a safetensors file written by
            training, or a folder in the layout of CT-GAN's authors (`G_model.h5`, `normalization.npy`,
            `equalization.pkl`).
        device : str
            "auto", "cpu", "cuda" or "mps".
        action : {"inject", "remove"} or None
            What the attacker does; needed only for a folder whose names do not tell.
        mode : Mode
            `MENDED` or `REFERENCE`.

        Raises
        ------
        WeightsError
            If a file is missing, damaged or holds something else, or the attacker does not do `action`.
        """
        shipped = SHIPPED_ATTACKERS.get(str(which))
        path = SHIPPED_WEIGHTS / shipped if shipped else Path(which)
        if path.is_dir():
            from napari_mits_gan.attack.ctgan.keras_weights import find_keras_files, load_keras_attacker

            weights = load_keras_attacker(path, action, choose_device(device))
            path = find_keras_files(path, action).model
        elif path.suffix == ".h5" and path.is_file():
            raise WeightsError(
                f"'{path.name}' lacks its calibration by itself; choose the folder that holds all of it."
            )
        else:
            weights = load_attacker(path, choose_device(device))
        if action not in (None, weights.action):
            raise WeightsError(f"the attacker in '{path.name}' does {weights.action}, not {action}; choose another.")
        return cls(weights, f"{path.name} {digest(path)}", mode)

    @property
    def device(self) -> str:
        """Where it computes."""
        return str(next(self.weights.generator.parameters()).device)

    @cached_property
    def tampering(self) -> Tampering:
        """The stages of the attack, differentiable, on tensors."""
        w = self.weights
        return Tampering(w.action, w.generator, w.calibration, w.mask, self.mode)

    def touched(self, at: Voxel, spacing: Spacing) -> Box:
        """See `Attacker.touched`."""
        return self.tampering.touched(at, spacing)

    def cuboid(self, at: Voxel, spacing: Spacing) -> Box:
        """The 32 mm that are in-painted and pasted."""
        return self.tampering.cuboid(at, spacing)

    def core(self, at: Voxel, spacing: Spacing) -> Box:
        """The voxels that the blanked core covers."""
        return self.tampering.core_box(at, spacing)

    def paint(self, volume: CTVolume, at: Voxel) -> Painted:
        """See `Attacker.paint`."""
        return next(self.paint_all(volume, [at]))

    def paint_all(self, volume: CTVolume, sites: Sequence[Voxel]) -> Iterator[Painted]:
        """See `Attacker.paint_all`; several cubes are in-painted at once."""
        tampering, spacing = self.tampering, volume.spacing
        scan = scan_tensor(volume).to(self.device)
        low, high = self.core_in_cube
        for start in range(0, len(sites), _BATCH):
            some, painted = sites[start : start + _BATCH], []
            with torch.inference_mode():
                found = tampering.cut_at_1mm(scan, some, spacing)
                cubes = tampering.in_paint(tampering.masked(found))
                cores = cubes[:, low:high, low:high, low:high].clamp(-0.5, 0.5).float().cpu().numpy()
                for at, cube, found_hu, core in zip(some, cubes, found, cores, strict=True):
                    cuboid_hu = tampering.to_scan_grid(tampering.to_hu(cube, found_hu), spacing)
                    box, hu = tampering.finish(scan, cuboid_hu, at, spacing)
                    painted.append(Painted(box, hu.cpu().numpy(), core))
            # Outside of inference mode, which must not stay on while the caller works.
            yield from painted

    def cores(self, scans: Sequence[tuple[CTVolume, Voxel]]) -> NDArray[np.float32]:
        """See `Attacker.cores`; a crop has to show the 32 mm cuboid, less where the scan ends."""
        found = []
        with torch.inference_mode():
            for start in range(0, len(scans), _BATCH):
                cubes = torch.cat([self.cubes(volume, [at]) for volume, at in scans[start : start + _BATCH]])
                found.append(self.paint_core(cubes).float().cpu().numpy())
        return np.concatenate(found)

    @property
    def core_in_cube(self) -> tuple[int, int]:
        """See `DifferentiableAttacker.core_in_cube`."""
        return self.weights.mask

    def cubes(self, volume: CTVolume, sites: Sequence[Voxel]) -> torch.Tensor:
        """See `DifferentiableAttacker.cubes`."""
        return self.tampering.cut_at_1mm(scan_tensor(volume).to(self.device), sites, volume.spacing)

    def normalise(self, cubes_hu: torch.Tensor) -> torch.Tensor:
        """See `DifferentiableAttacker.normalise`."""
        return self.weights.calibration.normalise(cubes_hu)

    def paint_core(self, cubes_hu: torch.Tensor, *, clip: bool = True) -> torch.Tensor:
        """See `DifferentiableAttacker.paint_core`."""
        return self.tampering.painted_core(cubes_hu, clip=clip)

    def record(self) -> dict[str, Any]:
        """The mode; the weights are the name."""
        return {"mode": dataclasses.asdict(self.mode)}
