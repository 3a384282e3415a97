"""The model of what a user does to a scan. Knows neither napari nor Qt."""

from napari_mits_gan.session.comparison import Difference, Figures, cuboid
from napari_mits_gan.session.model import Attacker, Session, Version
from napari_mits_gan.session.replay import Action, Injection, ReplayError, Voxel

__all__ = [
    "Action",
    "Attacker",
    "Difference",
    "Figures",
    "Injection",
    "ReplayError",
    "Session",
    "Version",
    "Voxel",
    "cuboid",
]
