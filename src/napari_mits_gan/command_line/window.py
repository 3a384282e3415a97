"""`napari-mits-gan open`: napari with the docks arranged and a scan in it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.command_line.options import Commands, new_command
from napari_mits_gan.errors import MitsGanError

if TYPE_CHECKING:
    import napari

    from napari_mits_gan.widgets.main_dock import MitsGanDock


class NoWindowError(MitsGanError):
    """napari or its window toolkit is not installed."""


def add_to(commands: Commands) -> None:
    """Add this command to the command line."""
    command = new_command(commands, "open", "open napari with the MITS-GAN dock and, if told, a scan")
    command.add_argument(
        "input", type=Path, nargs="?", metavar="INPUT", help="DICOM folder or file, zip or tar, NIfTI, MetaImage, NRRD"
    )
    command.add_argument(
        "--series", metavar="UID", help="which series, where the folder holds several: `info` lists them"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Open the window and stay until it is closed."""
    require_window()
    import napari

    from napari_mits_gan.widgets.garbage import keep_what_is_loaded

    _, dock = open_window(options.input, options.series)  # reads later, once the window runs
    keep_what_is_loaded(dock.workspace)
    napari.run()


def open_window(path: Path | None, series: str | None = None) -> tuple[napari.Viewer, MitsGanDock]:
    """Open napari with the dock; a scan, where one is told, is read while the window is there already.

    Returns
    -------
    tuple of napari.Viewer and MitsGanDock
    """
    import napari

    from napari_mits_gan.widgets.main_dock import arrange_window, open_dock

    viewer = napari.Viewer(title="MITS-GAN")
    dock = open_dock(viewer)
    arrange_window(viewer, dock)
    if path is not None:
        dock.workspace.loading.open_path(str(path), series)
        dock.show_page("attack")
    return viewer, dock


def require_window() -> None:
    """Check that napari and a window toolkit are there.

    Raises
    ------
    NoWindowError
        If one of them is not, with what to install.
    """
    try:
        import napari  # noqa: F401
        import qtpy.QtWidgets  # noqa: F401
    except ImportError as error:  # qtpy raises a subclass of it where there is no binding
        raise NoWindowError(
            'napari and a Qt binding are not installed; install them with: pip install "napari-mits-gan[all]"'
        ) from error
