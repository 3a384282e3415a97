"""Protect a whole scan: one call, whichever method."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from napari_mits_gan.ct.anatomy import body_mask, lung_mask
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.progress import Progress, silent
from napari_mits_gan.protection.budget import apply_within_budget, checked_budget
from napari_mits_gan.protection.constant_shift import ConstantShift
from napari_mits_gan.protection.contract import Method, Request
from napari_mits_gan.protection.gaussian_noise import GaussianNoise
from napari_mits_gan.protection.key import seed_and_record
from napari_mits_gan.protection.mits_gan import MitsGan
from napari_mits_gan.protection.mits_gan_paper import MitsGanPaper
from napari_mits_gan.protection.pgd import Pgd
from napari_mits_gan.protection.slice_shift import SliceShift
from napari_mits_gan.protection.tafim import Tafim
from napari_mits_gan.protection.universal import Universal

METHODS: Mapping[str, type[Method]] = {
    "mits-gan": MitsGan,
    "universal": Universal,
    "pgd": Pgd,
    "tafim": Tafim,
    "mits-gan-paper": MitsGanPaper,
    "gaussian-noise": GaussianNoise,
    "constant-shift": ConstantShift,
    "slice-shift": SliceShift,
}
"""The methods by name; the default comes first. Each is a frozen dataclass, whose fields are its options."""


def protect(
    volume: CTVolume,
    method: str | Method = "mits-gan",
    max_change_hu: int = 20,
    seed: int = 0,
    device: str = "auto",
    progress: Progress = silent,
    key: str | None = None,
    *,
    without_lungs: bool = False,
    again: bool = False,
) -> CTVolume:
    """Protect a whole scan; where an attacker will click is not known and not needed.

    Parameters
    ----------
    volume : CTVolume
        The scan; it stays as it is.
    method : str or Method
        One of `METHODS`, or a method of your own.
    max_change_hu : int
        The budget: no voxel changes by more, in HU; 1 to 200.
    seed : int
        Not negative. The same scan, seed, budget, method and weights give the same protected scan.
    device : str
        "auto" (CUDA, else Apple's mps, else the CPU), "cpu", "cuda" or "mps".
    progress : Progress
        Told how many slices are done; it may raise `Cancelled` to stop.
    key : str or None
        A text that the seed is derived from, instead of `seed`; neither it nor that seed is written down anywhere.
    without_lungs : bool
        Whether to protect a scan in which no lung was found, too: the whole body then.
    again : bool
        Whether to protect a scan that is protected already, here or before it was read: both changes add up then.

    Returns
    -------
    CTVolume
        Whole HU that the scan's source can store and that differ from the scan by at most the budget, inside the body
        only, padding untouched.

    Raises
    ------
    ProtectionError
        If the method, the budget, the seed or the key is not valid, or the scan is tampered with or shows no body, or
        no lung and `without_lungs` is False, or is protected already and `again` is False.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> protected = mg.protect(mg.read_ct("chest/"), max_change_hu=20)  # doctest: +SKIP
    """
    budget = checked_budget(max_change_hu)
    if isinstance(method, str):
        if method not in METHODS:
            raise ProtectionError(f"there is no protection method '{method}'; choose one of {', '.join(METHODS)}.")
        name, chosen = method, METHODS[method]()
    else:
        known = {kind: name for name, kind in METHODS.items()}
        name, chosen = known.get(type(method), type(method).__name__), method
    drawn_from, seed_record = seed_and_record(seed, key)
    if volume.is_tampered:
        raise ProtectionError("the scan carries a simulated attack; protect the scan it was made from.")
    before = [step for step in (*volume.earlier, *volume.history) if step.kind == "protection"]
    if before and not again:
        raise ProtectionError(
            f"the scan is protected already: {before[-1].words}; protect the scan that it was made from, or ask for it "
            "all the same by the option “again”, and both changes add up to more than the budget."
        )
    progress(0, volume.shape[0])
    allowed = body_mask(volume)
    if not allowed.any():
        raise ProtectionError(
            f"no body was found in '{volume.name}'; the HU may be wrong, or it is not a CT of a patient."
        )
    if not (without_lungs or lung_mask(volume).any()):
        raise ProtectionError(
            f"no lung was found in '{volume.name}'; choose a chest CT, or ask for it all the same by the option "
            "“without lungs”, and the whole body is changed."
        )
    request = Request(budget, drawn_from, device)
    change = chosen.change(volume, allowed, request, progress)
    hu = np.empty_like(volume.hu)
    for z in range(volume.shape[0]):
        hu[z] = apply_within_budget(volume.hu[z], change[z], budget, allowed[z], volume.storable(z))
    parameters = {"method": name, "max_change_hu": budget, **seed_record, **chosen.record()}
    return volume.with_hu(hu, Step("protection", parameters))
