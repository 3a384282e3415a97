"""Rings around the places that were attacked, and markers of suggested ones, as points of a napari layer.

A marker is drawn in the slices of one plane, a disc, diamond or square in each: the functions are told the array axis
that the slices lie across, or None for the 3-D view, where each marker is one point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.colormaps.standardize_color import transform_color
from numpy.typing import NDArray

from napari_mits_gan.ct.grid import Voxel
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Injection
from napari_mits_gan.widgets.layers.colors import USUAL, Colors
from napari_mits_gan.widgets.layers.volume_layer import SIMULATED_ATTACK

if TYPE_CHECKING:
    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.detection.sites import Site
    from napari_mits_gan.evaluation.vulnerability import VulnerabilityMap
    from napari_mits_gan.inspection.contract import Finding
    from napari_mits_gan.session.sealed_sites import SealedSites

RADIUS_MM = 14.0
"""Radius of the ball whose outline the rings draw; the in-painted core, 20 mm wide, lies inside."""
LINE_MM = 0.7
SUGGESTION_MM = 6.0
"""Half the width of the marker of a suggested site, in its middle slice."""
SUGGESTION_COLORS = {"inject": "#c8e08a", "remove": "#a9c8ff"}
CURRENT_COLOR = "#ffffff"
SITE = "site"
"""Name of the feature that says which suggestion a point belongs to, from 0 on."""
VULNERABILITY_MM = 5.0
"""Half the width of the marker of a site of the vulnerability map, in its middle slice."""
PLACE = "place"
"""Name of the feature that says which site of the vulnerability map a point belongs to, from 0 on."""
FOUND_COLOR, MISSED_COLOR = "#2b5fe3", "#d7301f"
"""Of a site where the check found the attack, and where it did not; the two ends of the vulnerability map's colours."""
INSPECTED_MM = 6.0
"""A click this near to the middle of a finding is one on its marker."""
FINDING_COLOR = "#ff3fb4"
"""That of changed blocks: here something is not as it was."""
DEVIATION_STEPS = (
    (-1.0, "#d7301f", "hardly"),
    (0.00625, "#fdae61", "somewhat"),
    (0.0125, "#67c7ee", "disrupted"),
    (0.05, "#2b5fe3", "strongly disrupted"),
)
"""Deviation above which a colour begins, the colour, and how far the attack deviates in words. It counts as disrupted
from 0.0125 on; red to blue, which all can tell apart, and not to green."""


def mark_options(
    volume: CTVolume, injections: Sequence[Injection], across: int | None = 0, colors: Colors = USUAL
) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_points` that draw, in each slice, the outline of a ball around each place.

    Parameters
    ----------
    volume : CTVolume
        The scan that was attacked; the points are in its voxels.
    injections : sequence of Injection
        Which places to mark.
    across : int or None
        The array axis that the slices lie across; None draws one ring for each place.
    colors : Colors
        What the rings are drawn in.
    """
    places = [injection.at for injection in injections]
    data, sizes, owners = _through_slices(
        volume, places, RADIUS_MM, lambda away_mm: float(np.sqrt(RADIUS_MM**2 - away_mm**2)), across
    )
    return {
        "data": data,
        "size": sizes if len(sizes) else 1.0,
        "symbol": "disc",
        "face_color": "transparent",
        "border_color": [colors.ring(injections[owner].action) for owner in owners] or colors.ring("inject"),
        "border_width": LINE_MM / volume.spacing[2],
        "border_width_is_relative": False,
    }


def set_points(layer: Any, options: Mapping[str, Any]) -> None:
    """Give a layer of rings other ones, the keyword arguments being those of `mark_options`.

    Only what differs is set: napari draws all points anew for each property.
    """
    layer.selected_data = set()
    layer.data = options["data"]
    count = len(options["data"])
    for name in ("size", "border_width"):
        _set_if_other(layer, name, np.broadcast_to(options[name], count))
    for name in ("border_color", "face_color"):
        _set_if_other(layer, name, np.broadcast_to(transform_color(options[name]), (count, 4)))
    if any(str(symbol) != options["symbol"] for symbol in layer.symbol):
        layer.symbol = options["symbol"]


def _set_if_other(layer: Any, name: str, values: NDArray[Any]) -> None:
    if not np.array_equal(getattr(layer, name), values):
        setattr(layer, name, values)


def _through_slices(
    volume: CTVolume,
    places: Sequence[Voxel],
    reach_mm: float,
    radius_mm: Callable[[float], float],
    across: int | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """Markers in every slice that they reach.

    Returns
    -------
    data : ndarray of float, shape (n, 3)
        Voxels.
    sizes : ndarray of float, shape (n,)
        Diameters, in voxels of the last axis: by that one napari scales them, whatever is drawn.
    owners : list of int
        To which place each belongs.
    """
    data, sizes, owners = [], [], []
    axis = 0 if across is None else across
    step_mm = volume.spacing[axis]
    steps = 0 if across is None else int(reach_mm / step_mm)
    for number, place in enumerate(places):
        for step in range(-steps, steps + 1):
            at = [float(value) for value in place]
            at[axis] += step
            if 0 <= at[axis] < volume.shape[axis]:
                data.append(at)
                sizes.append(2 * radius_mm(abs(step) * step_mm) / volume.spacing[2])
                owners.append(number)
    return np.array(data, dtype=float).reshape(-1, 3), np.array(sizes, dtype=float), owners


def suggestions_name(action: Action) -> str:
    """What the layers of suggested sites are called."""
    return f"Suggested sites to {action}"


def suggestion_options(
    volume: CTVolume, sites: Sequence[Site], current: int = -1, across: int | None = 0
) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_points` that draw a diamond at each suggested site, its score beside it.

    Parameters
    ----------
    volume : CTVolume
        The scan; the points are in its voxels.
    sites : sequence of Site
        What to mark.
    current : int
        The one that is looked at; -1 for none.
    across : int or None
        See `mark_options`.
    """
    dx = volume.spacing[2]
    data, sizes, owners = _through_slices(
        volume, [site.at for site in sites], SUGGESTION_MM, lambda away_mm: SUGGESTION_MM - 0.7 * away_mm, across
    )
    return {
        "data": data,
        "size": sizes if len(sizes) else 1.0,
        "symbol": "diamond",
        "face_color": "transparent",
        "border_color": suggestion_colors(sites, owners, current),
        "border_width": LINE_MM / dx,
        "border_width_is_relative": False,
        "features": {
            SITE: np.array(owners, dtype=int),
            "score": np.array([sites[owner].score for owner in owners], dtype=float),
        },
        "text": {
            "string": "{score:.2f}",
            "size": 9,
            "color": SUGGESTION_COLORS[sites[0].action] if sites else "white",
            "anchor": "upper_left",
            "translation": beside(SUGGESTION_MM, volume, across),
        },
    }


def suggestion_colors(sites: Sequence[Site], owners: Sequence[int], current: int) -> list[str]:
    """The colour of each point: that of its action, or of the suggestion that is looked at."""
    return [CURRENT_COLOR if owner == current else SUGGESTION_COLORS[sites[owner].action] for owner in owners]


def vulnerability_name(action: str) -> str:
    """What the layers of the vulnerability map are called; like every result of an attack they say so first."""
    return f"{SIMULATED_ATTACK} · vulnerability map ({action})"


def vulnerability_options(volume: CTVolume, found: VulnerabilityMap, across: int | None = 0) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_points` that draw a square at each place, coloured by its deviation.

    Parameters
    ----------
    volume : CTVolume
        The scan; the points are in its voxels.
    found : VulnerabilityMap
        What to draw. Squares are filled where the detector reports a nodule after the attack on the protected scan;
        where it was not asked there are discs instead. The features hold all figures of the site that a point belongs
        to.
    across : int or None
        See `mark_options`.
    """
    dx = volume.spacing[2]
    data, sizes, owners = _squares(volume, found.sites, across)
    records = found.records()
    names = [name for name in records[0] if name != "at"]
    colors = [deviation_color(found.deviations[owner]) for owner in owners]
    filled = found.seen_protected or (True,) * len(records)
    faces = [color if filled[owner] else "transparent" for color, owner in zip(colors, owners, strict=True)]
    return {
        "data": data,
        "size": sizes,
        "symbol": "square" if found.seen_protected else "disc",
        "face_color": faces,
        "border_color": colors,
        "border_width": 2 * LINE_MM / dx,
        "border_width_is_relative": False,
        "opacity": 0.75,
        "features": {PLACE: np.array(owners, dtype=int)}
        | {name: np.array([records[owner][name] for owner in owners]) for name in names},
        "text": {
            "string": "{deviation:.3f}",
            "size": 8,
            "color": "#ffd21f",
            "anchor": "upper_left",
            "translation": beside(VULNERABILITY_MM, volume, across),
        },
    }


def beside(size_mm: float, volume: CTVolume, across: int | None) -> NDArray[np.float64]:
    """How far, in voxels, a text stands beside a marker of that half width: along the axis that is drawn across."""
    translation = np.zeros(3)
    axis = 1 if across == 2 else 2
    translation[axis] = (size_mm + 1.0) / volume.spacing[axis]
    return translation


def _squares(
    volume: CTVolume, sites: Sequence[Voxel], across: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[int]]:
    """Squares around sites, smaller in the slices beside; see `_through_slices`."""
    return _through_slices(volume, sites, VULNERABILITY_MM, lambda away_mm: VULNERABILITY_MM - 0.7 * away_mm, across)


def deviation_color(deviation: float) -> str:
    """The colour of a deviation, as `DEVIATION_STEPS` explains them in words."""
    return next(color for above, color, _ in reversed(DEVIATION_STEPS) if deviation > above)


def sealed_sites_name(action: str) -> str:
    """What the layers of checked sites are called; like every result of an attack they say so first."""
    return f"{SIMULATED_ATTACK} · checked sites ({action})"


def sealed_sites_options(volume: CTVolume, found: SealedSites, across: int | None = 0) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_points` that draw a square at each site, coloured by what the check found."""
    dx = volume.spacing[2]
    data, sizes, owners = _squares(volume, found.sites, across)
    colors = [FOUND_COLOR if found.found[owner] else MISSED_COLOR for owner in owners]
    words = ["found" if found.found[owner] else "not found" for owner in owners]
    return {
        "data": data,
        "size": sizes,
        "symbol": "square",
        "face_color": "transparent",
        "border_color": colors,
        "border_width": 2 * LINE_MM / dx,
        "border_width_is_relative": False,
        "features": {PLACE: np.array(owners, dtype=int), "check": np.array(words)},
        "text": {
            "string": "{check}",
            "size": 8,
            "color": "#ffd21f",
            "anchor": "upper_left",
            "translation": beside(VULNERABILITY_MM, volume, across),
        },
    }


def findings_name() -> str:
    """What the layers of an inspection's findings are called."""
    return "Traces of tampering"


def findings_options(volume: CTVolume, findings: Sequence[Finding], across: int | None = 0) -> dict[str, Any]:
    """Keyword arguments of `viewer.add_points` that outline, in each slice, the ball that each finding covers."""
    dx = volume.spacing[2]
    balls = [_ball(volume, finding, across) for finding in findings]
    data = np.concatenate([np.zeros((0, 3)), *(points for points, _ in balls)])
    sizes = np.concatenate([np.zeros(0), *(diameters for _, diameters in balls)])
    owners = [number for number, (points, _) in enumerate(balls) for _ in points]
    return {
        "data": data,
        "size": sizes,
        "symbol": "disc",
        "face_color": "transparent",
        "border_color": FINDING_COLOR,
        "border_width": 2 * LINE_MM / dx,
        "border_width_is_relative": False,
        "features": {
            PLACE: np.array(owners, dtype=int),
            "score": np.array([findings[owner].score for owner in owners]),
            "kind": np.array([findings[owner].kind for owner in owners]),
        },
        "text": {
            "string": "{kind}",
            "size": 8,
            "color": "#ffd21f",
            "anchor": "upper_left",
            "translation": beside(INSPECTED_MM, volume, across),
        },
    }


def _ball(volume: CTVolume, finding: Finding, across: int | None) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    radius_mm = finding.radius_mm

    def here(away_mm: float) -> float:
        return float(np.sqrt(max(radius_mm**2 - away_mm**2, LINE_MM**2)))

    points, diameters, _ = _through_slices(volume, [finding.at], radius_mm, here, across)
    return points, diameters
