"""`napari-mits-gan info`: what a scan is."""

from __future__ import annotations

import argparse

from napari_mits_gan.command_line.options import Commands, add_input, new_command
from napari_mits_gan.command_line.scan import read_with_bar
from napari_mits_gan.ct.constants import SIMULATED_ATTACK
from napari_mits_gan.ct.dicom.survey import SurveyedSeries, survey
from napari_mits_gan.ct.read import SeveralSeriesError, is_archive
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import ReadError
from napari_mits_gan.files.archive import unpacked


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(commands, "info", "tell what a scan is: size, spacing, range of HU, what was done to it")
    add_input(command)
    command.add_argument(
        "--recursive",
        action="store_true",
        help="list every series below the folder INPUT, from headers alone: whether it can be read, else why not",
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print the facts; where there are several series, print a list to choose from."""
    if options.recursive:
        kept = unpacked(options.input) if is_archive(options.input) else None
        folder = options.input if kept is None else kept.folder
        if not folder.is_dir():
            raise ReadError(f"{options.input.name} is no folder; --recursive lists the series below a folder.")
        for surveyed in survey(folder):
            print(line(surveyed), flush=True)
        return
    try:
        volume = read_with_bar(options.input, options.series)
    except SeveralSeriesError as error:
        for number, series in zip(error.numbers, error.series, strict=True):
            told = [series.uid, series.modality, f"{series.number_of_images} images", series.description]
            told += [series.patient_words] if series.patient_words else []
            print("  ".join([str(number), *told]))
        raise
    for name, value in facts(volume).items():
        print(f"{name + ':':<12}{value}")


def line(series: SurveyedSeries) -> str:
    """One surveyed series on one line."""
    told = [series.folder, series.uid, series.modality, f"{series.images} images", series.description]
    if series.shape is not None and series.spacing is not None:
        told.append(" x ".join(map(str, series.shape)))
        told.append(" x ".join(f"{s:.4g}" for s in series.spacing) + " mm")
    told += [series.kernel] if series.kernel else []
    told += [f"tilt {series.tilt_degrees:.1f} degrees"] if series.tilt_degrees else []
    told.append(", ".join(series.transfer_syntaxes))
    if series.refusal:
        told.append(f"cannot be read: {series.refusal}")
    elif series.export_refusal:
        told.append(f"can be read, not exported: {series.export_refusal}")
    else:
        told.append("can be read and exported")
    return "  ".join("".join(c if c.isprintable() else " " for c in part) for part in told)


def facts(volume: CTVolume) -> dict[str, str]:
    """What there is to say about a volume, ready to print; nothing about the patient."""
    millimetres = [n * s for n, s in zip(volume.shape, volume.spacing, strict=True)]
    told = {
        "name": volume.name,
        "voxels": " x ".join(str(n) for n in volume.shape) + " (z, y, x)",
        "spacing": " x ".join(f"{s:.4g}" for s in volume.spacing) + " mm",
        "size": " x ".join(f"{s:.0f}" for s in millimetres) + " mm",
        "HU": f"{int(volume.hu.min())} to {int(volume.hu.max())}",
        "padding": "none" if volume.padding is None else f"{int(volume.padding.sum())} voxels",
        "source": "DICOM" if volume.source is not None else "image file",
    }
    for number, note in enumerate(volume.notes, start=1):
        told[f"note {number}"] = note
    for number, step in enumerate((*volume.earlier, *volume.history), start=1):
        is_attack = step.kind == "attack"
        told[f"step {number}"] = step.words.replace(step.kind, SIMULATED_ATTACK, 1) if is_attack else step.words
    return told
