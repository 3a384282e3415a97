"""The model of what a user does to a scan. Knows neither napari nor Qt."""

from napari_mits_gan.attack.contract import Action, Attacker
from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.session.attack_verdicts import AttackVerdict
from napari_mits_gan.session.attackers import BUILT_IN, Choice
from napari_mits_gan.session.comparison import Difference, Figures, cuboid
from napari_mits_gan.session.detection import Detection
from napari_mits_gan.session.evidence import Examined, Sealed
from napari_mits_gan.session.model import Session, Version
from napari_mits_gan.session.networks import Networks
from napari_mits_gan.session.replay import Injection, ReplayError

__all__ = [
    "BUILT_IN",
    "Action",
    "AttackVerdict",
    "Attacker",
    "Choice",
    "Detection",
    "Difference",
    "Examined",
    "Figures",
    "Injection",
    "Networks",
    "ReplayError",
    "Sealed",
    "Session",
    "Version",
    "Voxel",
    "cuboid",
]
