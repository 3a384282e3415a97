"""CT-GAN as a user meets it: load an attacker, tamper with a volume at a voxel."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_mits_gan.attack.ctgan.cuboid import check_thickness
from napari_mits_gan.attack.ctgan.pipeline import MENDED, Mode, Tampering
from napari_mits_gan.attack.ctgan.weights import Action, AttackerWeights, load_attacker
from napari_mits_gan.ct.grid import Box, Spacing, Voxel
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.device import choose_device
from napari_mits_gan.errors import AttackError, WeightsError
from napari_mits_gan.weights_file import SHIPPED_WEIGHTS, digest

ATTACK_LABEL = "SIMULATED ATTACK"
"""Stands in the name of every layer and in the metadata of every file that carries a tampered volume."""

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


@dataclasses.dataclass(frozen=True, eq=False)
class CTGAN:
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
    def action(self) -> Action:
        """What this attacker does: "inject" or "remove"."""
        return self.weights.action

    @cached_property
    def tampering(self) -> Tampering:
        """The stages of the attack, differentiable, on tensors."""
        w = self.weights
        return Tampering(w.action, w.generator, w.calibration, w.mask, self.mode)

    def touched(self, at: Voxel, spacing: Spacing) -> Box:
        """The box of voxels that an attack at `at` may change; it may reach outside the scan."""
        return self.tampering.touched(at, spacing)

    def tamper(self, volume: CTVolume, at: Voxel) -> CTVolume:
        """Tamper with a scan at one voxel.

        Parameters
        ----------
        volume : CTVolume
            At least 32 mm thick along each axis; it stays as it is.
        at : tuple of int
            The voxel (z, y, x) to inject a nodule at, or to remove one from.

        Returns
        -------
        CTVolume
            The tampered scan, its history saying so. Padding voxels, and all outside the touched box, are unchanged.

        Raises
        ------
        AttackError
            If the voxel lies outside the scan, or the scan is thinner than the cuboid.
        """
        place = self._checked(volume, at)
        device = next(self.weights.generator.parameters()).device
        with torch.inference_mode():
            box, changed = self.tampering.tamper_box(scan_tensor(volume).to(device), place, volume.spacing)
        values = changed.round().clamp(np.iinfo(np.int16).min, np.iinfo(np.int16).max).to(torch.int16).cpu().numpy()
        hu = volume.hu.copy()
        slices = box.slices()
        if volume.padding is not None:
            values = np.where(volume.padding[slices], hu[slices], values)
        hu[slices] = values
        return volume.with_hu(hu, Step("attack", self._record(place)))

    def _checked(self, volume: CTVolume, at: Voxel) -> Voxel:
        if len(at) != 3 or not all(float(c).is_integer() for c in at):
            raise AttackError(f"the place {tuple(at)} is not a voxel; give three whole numbers z, y, x.")
        place = (int(at[0]), int(at[1]), int(at[2]))
        if not all(0 <= c < n for c, n in zip(place, volume.shape, strict=True)):
            raise AttackError(
                f"the voxel {place} lies outside the scan of {volume.shape} voxels; choose a place inside it."
            )
        check_thickness(volume.shape, volume.spacing)
        return place

    def _record(self, place: Voxel) -> dict[str, Any]:
        return {
            "label": ATTACK_LABEL,
            "attack": "CT-GAN",
            "action": self.action,
            "at": list(place),
            "weights": self.name,
            "mode": dataclasses.asdict(self.mode),
        }
