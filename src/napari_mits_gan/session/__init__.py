"""The model of what a user does to a scan. Knows neither napari nor Qt."""

from napari_mits_gan.session.attackers import BUILT_IN, Attacker
from napari_mits_gan.session.comparison import Difference, Figures, cuboid
from napari_mits_gan.session.detection import Detection
from napari_mits_gan.session.model import Session, Version
from napari_mits_gan.session.networks import Networks
from napari_mits_gan.session.replay import Injection, ReplayError, Voxel

__all__ = [
    "BUILT_IN",
    "Attacker",
    "Detection",
    "Difference",
    "Figures",
    "Injection",
    "Networks",
    "ReplayError",
    "Session",
    "Version",
    "Voxel",
    "cuboid",
]
