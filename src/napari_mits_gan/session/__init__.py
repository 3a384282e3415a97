"""The model of what a user does to a scan. Knows neither napari nor Qt."""

from napari_mits_gan.session.attackers import BUILT_IN, Attacker
from napari_mits_gan.session.comparison import Difference, Figures, cuboid
from napari_mits_gan.session.model import Session, Version
from napari_mits_gan.session.replay import Action, Injection, ReplayError, Voxel
from napari_mits_gan.session.verdict import Verdict

__all__ = [
    "BUILT_IN",
    "Action",
    "Attacker",
    "Difference",
    "Figures",
    "Injection",
    "ReplayError",
    "Session",
    "Verdict",
    "Version",
    "Voxel",
    "cuboid",
]
