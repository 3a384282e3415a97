"""`napari-mits-gan sites`: where attacks on a scan are plausible."""

from __future__ import annotations

import argparse

from napari_mits_gan.attack.contract import ACTIONS
from napari_mits_gan.command_line.options import (
    Commands,
    add_device,
    add_input,
    add_seed,
    new_command,
    whole_number,
)
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "sites",
        "propose places in a scan where a nodule could be injected, or seems to be and could be removed",
        "Each place is printed as Z,Y,X, as tamper takes it, with a score from 0 to 1, best first.",
    )
    add_input(command)
    command.add_argument(
        "--action", choices=(*ACTIONS, "both"), default="both", help="for which attack (default: both)"
    )
    command.add_argument("--n", type=whole_number, default=10, metavar="N", help="how many at most (default: 10)")
    add_seed(command)
    add_device(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, search, print a table."""
    volume = read_with_bar(options.input, options.series)
    from napari_mits_gan.detection.detector import NoduleDetector
    from napari_mits_gan.detection.sites import Site, injection_sites, removal_sites

    detector = NoduleDetector.load(device=options.device)
    found: list[Site] = []
    with progress_bar("Looking for places") as progress:
        if options.action != "remove":
            found += injection_sites(volume, options.n, seed=options.seed, detector=detector, progress=progress)
        if options.action != "inject":
            found += removal_sites(volume, options.n, detector=detector, progress=progress)
    print(f"{'action':<8}{'z,y,x':<16}score")
    for site in found:
        print(f"{site.action:<8}{','.join(map(str, site.at)):<16}{site.score:.2f}")
