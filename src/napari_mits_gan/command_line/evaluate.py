"""`napari-mits-gan evaluate`: how far a protection disrupts attacks on a scan, and what it costs."""

from __future__ import annotations

import argparse

from napari_mits_gan.attack.contract import ACTIONS
from napari_mits_gan.command_line.options import (
    Commands,
    add_device,
    add_input,
    add_method,
    add_seed_or_key,
    attacker_names,
    chosen_key,
    chosen_method,
    new_command,
    whole_number,
)
from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.command_line.scan import read_with_bar

TABLES = ("robustness", "outcomes", "diagnostic")
"""As in `evaluation.evaluate`, which is imported only when the command runs."""


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(
        commands,
        "evaluate",
        "measure how far a protection disrupts attacks on a scan, and how much it changes it",
        "Attacks the scan at random sites in the lungs, unknown to the protection, before and after protecting.",
    )
    add_input(command)
    add_method(command)
    command.add_argument("--clicks", type=whole_number, default=40, metavar="N", help="number of sites (default: 40)")
    command.add_argument("--actions", nargs="+", choices=ACTIONS, default=ACTIONS, help="which attacks (default: both)")
    command.add_argument(
        "--attackers",
        nargs="+",
        metavar="NAME",
        help=f"other attackers than the usual two, by their names ({attacker_names()}) or files",
    )
    command.add_argument(
        "--controls",
        nargs="*",
        default=["gaussian-noise"],
        metavar="NAME",
        help="what to hold the protection against, at the same RMS where it is attacked (default: gaussian-noise)",
    )
    command.add_argument(
        "--tables",
        nargs="+",
        choices=TABLES,
        default=(),
        help="what else to measure: what purification leaves of the protection (robustness), what becomes of attacks "
        "(outcomes), what is left of the scan's diagnostic value (diagnostic); each takes minutes",
    )
    add_seed_or_key(command)
    add_device(command)
    command.add_argument(
        "--format", choices=("text", "markdown", "json"), default="text", help="of the report on stdout"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Read, evaluate, print the report."""
    method = chosen_method(options)
    volume = read_with_bar(options.input, options.series)
    from napari_mits_gan.detection.detector import NoduleDetector
    from napari_mits_gan.evaluation.evaluate import evaluate, load_attackers

    attackers = load_attackers(options.attackers or options.actions, options.device)
    with progress_bar("Evaluating") as progress:
        report = evaluate(
            volume,
            method=method,
            max_change_hu=options.max_change_hu,
            clicks=options.clicks,
            seed=options.seed,
            key=chosen_key(options),
            attackers=attackers,
            controls=options.controls,
            device=options.device,
            detector=NoduleDetector.load(device=options.device),
            tables=options.tables,
            progress=progress,
        )
    print({"text": report.to_text, "markdown": report.to_markdown, "json": report.to_json}[options.format]())
