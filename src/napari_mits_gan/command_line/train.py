"""`napari-mits-gan train`: train an attacker, the protection or one of the networks that judge, on own scans."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mits_gan.command_line.dataclass_options import add_options, given, instance
from napari_mits_gan.command_line.options import Commands, add_device, new_command
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar

if TYPE_CHECKING:
    from napari_mits_gan.ct.annotations import AnnotatedNodule
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.progress import Progress

    Volumes = Sequence[CTVolume]

ACTION_OF = {"injector": "inject", "remover": "remove"}
_RESUMES = "An interrupted training goes on where it was, unless told not to."
_OF_THE_NETWORK = ("base_filters", "mask", "fixed_window_hu")
"""What an attacker that goes on from another takes over from it."""


@dataclass(frozen=True)
class _Network:
    """One network that can be trained: what it is, its settings, found when they are needed, and its training."""

    summary: str
    settings: Callable[[], type]
    train: Callable[[argparse.Namespace, Volumes, Any, Progress], None]
    starts_from: str | None = None


def add_to(commands: Commands) -> None:
    """Add this command to the command line, with a command of its own for each network."""
    command = new_command(
        commands,
        "train",
        "train the injector, the remover, the protection, the detector, the texture network or the denoiser",
        _RESUMES,
    )
    networks = command.add_subparsers(dest="network", metavar="NETWORK", required=True)
    for name, network in _NETWORKS.items():
        _add_network(networks, name, network)


def run(options: argparse.Namespace) -> None:
    """Read the scans and train."""
    network = _NETWORKS[options.network]
    kind = network.settings()
    if options.network in ACTION_OF and options.start_from is not None:
        for name in given(options, kind):
            if name in _OF_THE_NETWORK:
                flag = "--" + name.replace("_", "-")
                options.command.error(f"{flag} cannot be changed where an attacker goes on from another")
    settings: Any = instance(options, kind)
    volumes = [read_with_bar(scan) for scan in options.scans]
    with progress_bar(f"Training the {options.network}") as progress:
        network.train(options, volumes, settings, progress)
    print(f"weights in {options.output}")


def _add_network(networks: Commands, name: str, network: _Network) -> None:
    command = new_command(networks, name, network.summary, _RESUMES)
    command.add_argument("scans", nargs="+", type=Path, metavar="SCAN", help="DICOM folders, NIfTI, MetaImage or NRRD")
    command.add_argument("--output", type=Path, required=True, metavar="FILE", help="the .safetensors file to write")
    if network.starts_from is not None:
        command.add_argument("--start-from", type=Path, metavar="FILE", help=network.starts_from)
    if name == "protection":
        command.add_argument(
            "--attackers", nargs="+", metavar="NAME", help="whom to train it against (default: inject remove)"
        )
    command.add_argument("--no-resume", action="store_true", help="begin anew even where an interrupted training lies")
    add_device(command)
    command.set_defaults(run=run, command=command)

    def add_settings(parser: argparse.ArgumentParser) -> None:
        add_options(parser, network.settings())

    # Settings stand beside what torch trains, and torch takes a second to load.
    command.late.append(add_settings)


def _common(options: argparse.Namespace) -> dict[str, Any]:
    return {"device": options.device, "resume": not options.no_resume}


def _nodules(options: argparse.Namespace, volumes: Volumes) -> list[Sequence[AnnotatedNodule]]:
    from napari_mits_gan.ct.annotations import nodules_beside

    return [nodules_beside(path, volume) for path, volume in zip(options.scans, volumes, strict=True)]


def _attack_settings() -> type:
    from napari_mits_gan.attack.ctgan.training_settings import AttackTraining

    return AttackTraining


def _train_attacker(
    options: argparse.Namespace, volumes: Sequence[CTVolume], settings: Any, progress: Progress
) -> None:
    from napari_mits_gan.attack.ctgan.attacker import CTGAN
    from napari_mits_gan.attack.ctgan.train import train_attack

    action: Any = ACTION_OF[options.network]
    common = _common(options)
    if options.start_from is not None:
        common["start_from"] = CTGAN.load(options.start_from, options.device, action=action).weights
    found = _nodules(options, volumes)
    nodules = {volume.name: known for volume, known in zip(volumes, found, strict=True)}
    train_attack(action, volumes, options.output, settings, nodules=nodules, **common, progress=progress)


def _protection_settings() -> type:
    from napari_mits_gan.protection.training_settings import ProtectionTraining

    return ProtectionTraining


def _train_protection(options: argparse.Namespace, volumes: Volumes, settings: Any, progress: Progress) -> None:
    from napari_mits_gan.attack.attackers import load_differentiable
    from napari_mits_gan.protection.train import train_protection

    common = _common(options) | {"start_from": options.start_from}
    if options.attackers is not None:
        common["attackers"] = [load_differentiable(name, options.device) for name in options.attackers]
    train_protection(volumes, options.output, settings, **common, progress=progress)


def _detector_settings() -> type:
    from napari_mits_gan.detection.training_settings import DetectorTraining

    return DetectorTraining


def _train_detector(
    options: argparse.Namespace, volumes: Sequence[CTVolume], settings: Any, progress: Progress
) -> None:
    from napari_mits_gan.detection.train import train_detector

    known = _nodules(options, volumes)
    train_detector(volumes, known, options.output, settings, **_common(options), progress=progress)


def _denoiser_settings() -> type:
    from napari_mits_gan.evaluation.robustness.train_denoiser import DenoiserTraining

    return DenoiserTraining


def _train_denoiser(
    options: argparse.Namespace, volumes: Sequence[CTVolume], settings: Any, progress: Progress
) -> None:
    from napari_mits_gan.evaluation.robustness.train_denoiser import train_denoiser

    train_denoiser(volumes, options.output, settings, **_common(options), progress=progress)


def _texture_settings() -> type:
    from napari_mits_gan.inspection.train_texture import TextureTraining

    return TextureTraining


def _train_texture(options: argparse.Namespace, volumes: Volumes, settings: Any, progress: Progress) -> None:
    from napari_mits_gan.inspection.train_texture import train_texture

    train_texture(volumes, options.output, settings, resume=not options.no_resume, progress=progress)


_NETWORKS = {
    "injector": _Network(
        "CT-GAN that puts nodules in", _attack_settings, _train_attacker, "an attacker's weights to go on from"
    ),
    "remover": _Network(
        "CT-GAN that takes nodules out", _attack_settings, _train_attacker, "an attacker's weights to go on from"
    ),
    "protection": _Network(
        "the network that perturbs scans",
        _protection_settings,
        _train_protection,
        "a protection's weights to go on from",
    ),
    "detector": _Network("the network that says whether a nodule is there", _detector_settings, _train_detector),
    "texture": _Network("the network that tells noise from another by its texture", _texture_settings, _train_texture),
    "denoiser": _Network("the network that purifies scans of a protection", _denoiser_settings, _train_denoiser),
}
