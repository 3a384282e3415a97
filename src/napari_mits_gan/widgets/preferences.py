"""What the user set for this plugin in napari's Preferences; the settings themselves stand in the manifest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

PLUGIN = "napari-mits-gan"


@dataclass(frozen=True)
class Preferences:
    """As the manifest has them, under `configurations`, and with the same defaults.

    Parameters
    ----------
    device : str
        Where networks are computed to begin with.
    budget_hu : int
        The budget that the slider begins with.
    window : str
        Name of the window in HU that a scan is shown in to begin with.
    inject_color, remove_color : str
        Names of the colours of rings around injections and removals.
    difference_colors : str
        Name of the colours of differences.
    folder : str
        Where file dialogs begin; empty for the home folder.
    tour : bool
        Whether the tour is offered when the window opens.
    """

    device: str = "auto"
    budget_hu: int = 20
    window: str = "Lung"
    inject_color: str = "yellow"
    remove_color: str = "cyan"
    difference_colors: str = "blue to orange"
    folder: str = ""
    tour: bool = True

    @property
    def start_folder(self) -> Path:
        """Where file dialogs begin."""
        chosen = Path(self.folder).expanduser() if self.folder else Path.home()
        return chosen if chosen.is_dir() else Path.home()


def preferences() -> Preferences:
    """What is set now.

    Where napari does not know this plugin's settings these are the defaults, and no tour: it could not be put away for
    ever.
    """
    settings = _settings()
    if settings is None:
        return Preferences(tour=False)
    protecting, viewing = settings.protecting, settings.viewing
    return Preferences(
        device=protecting.device,
        budget_hu=protecting.budget_hu,
        window=viewing.window,
        inject_color=viewing.inject_color,
        remove_color=viewing.remove_color,
        difference_colors=viewing.difference_colors,
        folder=settings.files.folder,
        tour=settings.first_start.tour,
    )


def offer_tour(on: bool) -> None:
    """Set whether the tour is offered when the window opens; napari saves it at once."""
    settings = _settings()
    if settings is not None and settings.first_start.tour != on:
        settings.first_start.tour = on


def _settings() -> Any:
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings(PLUGIN)
    except KeyError:  # the plugin is switched off, or was not found by napari
        return None
