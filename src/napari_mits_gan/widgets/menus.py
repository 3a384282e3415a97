"""What the entries in napari's menus and in its command palette do: they act on the window that is used now."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_mits_gan.widgets.main_dock import MitsGanDock


def open_scan() -> None:
    """File > IO Utilities: ask for a folder, and open it in the dock."""
    from napari_mits_gan.widgets.sections.scan import ScanSection

    if (dock := _dock()) is not None:
        dock.show_page("scan")
        dock.section(ScanSection).choose_folder()


def protect_layer() -> None:
    """Layers > Filter: protect the scan that the selected layer shows, as it is set in the dock."""
    from napari_mits_gan.widgets.sections.protect import ProtectSection

    dock = _dock()
    if dock is not None and _take_selected_layer(dock):
        dock.show_page("protect")
        dock.section(ProtectSection).protect()


def inspect_layer() -> None:
    """Layers > Measure: look for traces of tampering in the scan that the selected layer shows."""
    dock = _dock()
    if dock is not None and _take_selected_layer(dock):
        dock.show_page("inspect")
        dock.workspace.inspecting.inspect()


def show_tour() -> None:
    """Command palette: begin the tour."""
    if (dock := _dock()) is not None:
        dock.tour.start()


def show_help() -> None:
    """Command palette: list mouse actions and keys."""
    if (dock := _dock()) is not None:
        dock.show_help()


def _dock() -> MitsGanDock | None:
    """The dock of the window that is used now, opened where it was not; None where there is no window."""
    import napari

    from napari_mits_gan.widgets.main_dock import open_dock

    viewer = napari.current_viewer()
    return None if viewer is None else open_dock(viewer)


def _take_selected_layer(dock: MitsGanDock) -> bool:
    """Open the scan of the selected layer, unless that is a panel already; False where that was refused."""
    from napari_mits_gan.widgets.sections.replacing import may_replace

    work = dock.workspace
    active = work.viewer.layers.selection.active
    if work.is_open and (active is None or work.panels.owns(active)):
        return True
    before = work.session.original
    work.loading.open_selected_layer(lambda: may_replace(work, dock))
    return work.session.original is not before
