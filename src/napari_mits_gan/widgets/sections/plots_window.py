"""A small window beside the main one with the profile through the chosen attack and a histogram of the changes."""

from __future__ import annotations

from napari.utils.theme import get_theme
from qtpy.QtWidgets import QComboBox, QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Voxel
from napari_mits_gan.session.profile import ChangeHistogram, Profile, change_histogram, profile_through
from napari_mits_gan.widgets.controls.attack_plots import AttackPlots
from napari_mits_gan.widgets.controls.rows import note
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.panel_names import ATTACK, OTHER_ATTACK, OTHER_SCAN, SCAN
from napari_mits_gan.widgets.layers.planes import axes_of
from napari_mits_gan.widgets.workspace import Workspace

DIRECTIONS = ("right to left", "front to back", "foot to head")
"""Along the world's x, y and z."""
_CHANGES = (
    ("Attack on {0}", SCAN, ATTACK),
    ("Attack on {1}", OTHER_SCAN, OTHER_ATTACK),
)
EXPLANATION = (
    "Left: HU along a line through the middle of the attack, one curve for each panel that is shown. Right: by how "
    "much voxels of the cuboid of 32 mm around it changed; those that did not are left out."
)


class PlotsWindow(QDialog):
    """Shows the plots of the chosen attack while it is open."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("MITS-GAN: profile and changes")
        self.resize(1000, 420)
        self.workspace = workspace
        self.plots: AttackPlots | None = None
        self.place = note()
        self.direction = QComboBox()
        self.direction.addItems([direction.capitalize() for direction in DIRECTIONS])
        self.direction.setAccessibleName("Direction of the profile")
        self.direction.setToolTip("Which way the line of the profile runs through the patient")
        self._layout = QVBoxLayout(self)
        row = QHBoxLayout()
        row.addWidget(self.place, 1)
        row.addWidget(QLabel("Profile"))
        row.addWidget(self.direction)
        self._layout.addLayout(row)
        self._layout.addWidget(note(EXPLANATION))
        self._contents: Contents | None = None
        self._state: tuple[object, ...] = ()
        self.direction.currentIndexChanged.connect(self.refresh)
        workspace.changed.connect(self.refresh)
        workspace.display.figures_ready.connect(self.refresh)

    def open_plots(self) -> None:
        """Show the window with what there is."""
        if self.plots is None:
            theme = get_theme(self.workspace.viewer.theme)
            self.plots = AttackPlots(theme.background.as_hex(), theme.text.as_hex())
            self._layout.insertWidget(1, self.plots, 1)
        self.show()
        self.raise_()
        self.refresh()

    def refresh(self, _: object = None) -> None:
        """The plots of the attack that is chosen now."""
        plots, display, panels = self.plots, self.workspace.display, self.workspace.panels
        if plots is None or not self.isVisible():
            return
        contents, selected = panels.contents, display.selected
        state = (selected, panels.shown, self.direction.currentIndex())
        if contents is self._contents and state == self._state:
            return
        self._contents, self._state = contents, state
        if contents is None or selected is None:
            self.place.setText("No attack is chosen; attack somewhere, or choose one in the list.")
            plots.show_profiles({})
            plots.show_changes({})
            return
        z, y, x = selected.at
        self.place.setText(f"{selected.action.capitalize()} at z {z}, y {y}, x {x}")
        axis = axes_of(contents.scan)[self.direction.currentIndex()]
        plots.show_profiles(self._profiles(contents, selected.at, axis))
        plots.show_changes(_changes(contents, selected.at))

    def _profiles(self, contents: Contents, at: Voxel, axis: int) -> dict[str, Profile]:
        panels = self.workspace.panels
        volumes = {panels.short_title(role): contents.volume(role) for role in panels.shown}
        return {
            name: profile_through(volume, at, axis)
            for name, volume in volumes.items()
            if volume is not None and volume.shape == contents.scan.shape
        }


def _changes(contents: Contents, at: Voxel) -> dict[str, ChangeHistogram]:
    """What the attack changes on either version, and what the protection does."""
    found: dict[str, ChangeHistogram] = {}
    original_first = contents.scan_label.startswith("original")
    for name, before, after in _CHANGES if original_first else _CHANGES[::-1]:
        pair = contents.volume(before), contents.volume(after)
        _put(found, name.format(contents.scan_label, contents.other_label), pair, at)
    versions = (contents.scan, contents.other)
    _put(found, "Protection", versions if original_first else versions[::-1], at)
    return found


def _put(
    found: dict[str, ChangeHistogram], name: str, pair: tuple[CTVolume | None, CTVolume | None], at: Voxel
) -> None:
    before, after = pair
    if before is not None and after is not None and before.shape == after.shape:
        found[name] = change_histogram(before, after, at)
