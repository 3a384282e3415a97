"""Every attacker by its name: what the dock, the command line and the evaluation offer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_mits_gan.attack.contract import Action, Attacker, DifferentiableAttacker
from napari_mits_gan.attack.copy_paste import CopyPaste
from napari_mits_gan.attack.nodules.in_scan import DrawnNodule
from napari_mits_gan.errors import AttackError, WeightsError


@dataclass(frozen=True)
class AttackerEntry:
    """One attacker that can be chosen by its name.

    Parameters
    ----------
    action : {"inject", "remove"}
        What it does.
    description : str
        A few words for whoever chooses.
    make : callable
        Takes the name of a device ("auto", "cpu", "cuda" or "mps"), returns the attacker; it is called when the
        attacker is first needed, so that slow imports can wait until then.
    """

    action: Action
    description: str
    make: Callable[[str], Attacker]


def _ctgan(name: str) -> Callable[[str], Attacker]:
    def make(device: str) -> Attacker:
        from napari_mits_gan.attack.ctgan.attacker import CTGAN

        return CTGAN.load(name, device)

    return make


ATTACKERS: dict[str, AttackerEntry] = {
    "inject": AttackerEntry("inject", "CT-GAN", _ctgan("inject")),
    "remove": AttackerEntry("remove", "CT-GAN", _ctgan("remove")),
    "inject-other-seed": AttackerEntry("inject", "CT-GAN, another seed", _ctgan("inject-other-seed")),
    "inject-small-core": AttackerEntry("inject", "CT-GAN, 16 mm core", _ctgan("inject-small-core")),
    "inject-fixed-window": AttackerEntry("inject", "CT-GAN, no equalisation", _ctgan("inject-fixed-window")),
    "remove-small-core": AttackerEntry("remove", "CT-GAN, 16 mm core", _ctgan("remove-small-core")),
    "inject-copy-paste": AttackerEntry("inject", "copies a round structure", lambda _: CopyPaste("inject")),
    "remove-copy-paste": AttackerEntry("remove", "copies healthy lung", lambda _: CopyPaste("remove")),
    "inject-drawn-nodule": AttackerEntry("inject", "draws a nodule", lambda _: DrawnNodule()),
}
"""All attackers by name; a new one is one line here. The first of each action is what a user meets unless told."""


def load_attacker(which: str | Path, device: str = "auto", *, action: Action | None = None) -> Attacker:
    """Load an attacker by its name, or from CT-GAN weights of one's own.

    Parameters
    ----------
    which : str or path
        A name in `ATTACKERS` ("inject" and "remove" are the usual ones), a safetensors file written by training, or a
        folder in the layout of CT-GAN's authors.
    device : str
        "auto", "cpu", "cuda" or "mps".
    action : {"inject", "remove"} or None
        What the attacker has to do; needed only for a folder whose names do not tell.

    Returns
    -------
    Attacker
        Its `tamper(volume, at)` simulates an attack on a scan at a voxel.

    Raises
    ------
    WeightsError
        If there is no such attacker, its weights are missing or damaged, or it does not do `action`.

    Examples
    --------
    >>> import napari_mits_gan as mg
    >>> scan = mg.read_ct("chest/")                                            # doctest: +SKIP
    >>> tampered = mg.load_attacker("inject").tamper(scan, at=(70, 300, 180))  # doctest: +SKIP
    """
    entry = ATTACKERS.get(str(which))
    if entry is not None:
        if action not in (None, entry.action):
            raise WeightsError(f"the attacker '{which}' does {entry.action}, not {action}; choose another.")
        return entry.make(device)
    if isinstance(which, str) and not Path(which).suffix and not Path(which).exists():
        raise WeightsError(
            f"there is no attacker '{which}'; choose one of {', '.join(ATTACKERS)}, or a file or folder of weights."
        )
    from napari_mits_gan.attack.ctgan.attacker import CTGAN

    return CTGAN.load(which, device, action=action)


def load_differentiable(
    which: str | Path, device: str = "auto", *, action: Action | None = None
) -> DifferentiableAttacker:
    """Load an attacker for a protection that follows its gradients; parameters as for `load_attacker`.

    Raises
    ------
    WeightsError
        As `load_attacker`.
    AttackError
        If no gradients pass through it.
    """
    attacker = load_attacker(which, device, action=action)
    if not isinstance(attacker, DifferentiableAttacker):
        raise AttackError(f"no gradients pass through the attacker '{which}'; choose one of CT-GAN's.")
    return attacker
