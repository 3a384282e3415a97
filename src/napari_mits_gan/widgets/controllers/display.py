"""Keeps the panels and the figures at what the session is now; what is missing is computed in the background."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, QTimer, Signal

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.session import Difference, Examined, Figures, Injection, Version
from napari_mits_gan.session.analysis import difference_hu
from napari_mits_gan.session.analysis import figures as measured
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.contents import Contents
from napari_mits_gan.widgets.layers.view import voxel_at

if TYPE_CHECKING:
    from napari_mits_gan.evidence.recover import Recovery

FIGURES_DELAY_MS = 150
"""Figures follow the slice only when the user stays on one for this long."""
VERSIONS: tuple[Version, ...] = ("original", "protected")
NO_ATTACK = "no attack yet"
"""What the difference is called before the first one."""
NICE_LIMITS_HU = (5, 10, 20, 30, 40, 50, 100, 200, 300, 500, 750, 1000)


@dataclass(frozen=True)
class Request:
    """What is to be computed for the panels; an answer to another request than the newest is thrown away."""

    scan: CTVolume
    base: CTVolume
    version: Version
    injections: tuple[Injection, ...]
    kind: Difference | None
    examined: Examined | None


class Display(Controller):
    """The panels and the figures of one session."""

    figures_ready = Signal(object)
    """`Figures`."""
    failed = Signal(str, object)
    """What was being done, and the exception."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self.selected: Injection | None = None
        """The injection that figures and close-ups are about."""
        self.figures = Figures()
        """What was measured last."""
        self._viewer = parts.viewer
        self._session = parts.session
        self._panels = parts.panels
        self._wanted: Difference | None = None
        self._difference: NDArray[np.int16] | None = None
        self._made: dict[Version, tuple[CTVolume, tuple[Injection, ...], CTVolume]] = {}
        self._closed = self._awaits_attack = False
        self._figures_timer = QTimer(self)
        self._figures_timer.setSingleShot(True)
        self._figures_timer.setInterval(FIGURES_DELAY_MS)
        self._figures_timer.timeout.connect(self.update_figures)
        self._viewer.dims.events.current_step.connect(self._on_slice_changed)

    def close(self) -> None:
        """The window goes away: touch it no more."""
        self._closed = True
        self._figures_timer.stop()
        self._viewer.dims.events.current_step.disconnect(self._on_slice_changed)

    def forget(self) -> None:
        """Another scan was opened: what was chosen for the last one is of no use."""
        self._wanted = self.selected = self._difference = None
        self._made.clear()

    @property
    def _recovery(self) -> Recovery | None:
        found = self._session.examined
        return None if found is None else found.recovery

    @property
    def kinds(self) -> tuple[Difference, ...]:
        """Which differences there are now."""
        attacked, protected = bool(self._session.injections), self._session.protected is not None
        there_is = {
            Difference.ATTACK: attacked,
            Difference.PROTECTION: protected,
            Difference.EFFECT: attacked and protected,
            Difference.HEALED: self._recovery is not None,
        }
        return tuple(kind for kind in Difference if there_is[kind])

    @property
    def kind(self) -> Difference | None:
        """Which difference is shown: the one that was asked for where there is one, else the first there is."""
        kinds = self.kinds
        return self._wanted if self._wanted in kinds else kinds[0] if kinds else None

    def choose_difference(self, kind: Difference | str) -> None:
        """Show another difference, given by itself or by its value: PySide6's boxes make strings of enumerations."""
        self._wanted = Difference(kind)
        self.refresh()

    def await_attack(self, on: bool) -> None:
        """Have the panels of the first attack stand ready, or not: making them lasts longer than the attack."""
        if on != self._awaits_attack:
            self._awaits_attack = on
            if not self._session.injections:
                self.refresh()

    def refresh(self) -> None:
        """Show the session as it is now; what is not computed yet is computed in the background."""
        request = self._request()
        if request is None:
            self._panels.clear()
            return
        if not request.injections and request.kind is None:
            self._show(request, None, None)
            return
        session = self._session
        without_effect = request.kind is not Difference.EFFECT

        def compute(progress: Any) -> tuple[CTVolume | None, NDArray[np.int16] | None]:
            attacked = session.attacked(request.version, progress) if request.injections else None
            if without_effect and request.kind is not None:
                return attacked, difference_hu(session, request.kind, request.version)
            return attacked, None

        def done(found: tuple[CTVolume | None, NDArray[np.int16] | None]) -> None:
            if request == self._request():
                self._show(request, *found)

        self.parts.quick.run(
            Work("Attacking" if request.injections else "Comparing", compute, done, self._fail, key="refresh")
        )

    def _show(self, request: Request, attacked: CTVolume | None, difference: NDArray[np.int16] | None) -> None:
        pending = request.kind is Difference.EFFECT
        if pending and self._difference is not None and self._difference.shape == request.scan.shape:
            difference = self._difference
        self._difference = difference
        self._keep(request.version, request.injections, attacked)
        label = f"{request.kind}" + (" (computing…)" if pending else "")
        self._put(request, attacked, self._other_attacked(request), difference, label)
        if request.injections and self._session.protected is not None:
            self._follow_up(request, attacked)
            return
        self.update_figures()
        self.changed.emit()

    def _follow_up(self, request: Request, attacked: CTVolume | None) -> None:
        """The other version's attack, for the figures, the next switch, and the difference between the two."""
        session = self._session

        def compute(progress: Any) -> tuple[CTVolume, NDArray[np.int16] | None]:
            both = {version: session.attacked(version, progress) for version in VERSIONS}
            other = both[_other(request.version)]
            if request.kind is not Difference.EFFECT:
                return other, None
            return other, difference_hu(session, Difference.EFFECT, request.version)

        def done(found: tuple[CTVolume, NDArray[np.int16] | None]) -> None:
            if request != self._request():
                return
            other, difference = found
            self._keep(_other(request.version), request.injections, other)
            if difference is not None:
                self._difference = difference
            self._put(request, attacked, other, self._difference, "" if request.kind is None else str(request.kind))
            self.update_figures()
            self.changed.emit()

        self.parts.quick.run(Work("Attacking the other version", compute, done, self._fail, key="follow up"))

    def _fail(self, error: Exception) -> None:
        self.failed.emit("Attacking", error)

    def _keep(self, version: Version, injections: tuple[Injection, ...], attacked: CTVolume | None) -> None:
        """Keep what was made of a version, to show it at once when it is the other one."""
        base = self._session.volume(version)
        if attacked is None or base is None:
            self._made.pop(version, None)
        else:
            self._made[version] = (base, injections, attacked)

    def _other_attacked(self, request: Request) -> CTVolume | None:
        """The same attacks on the other version, where they were made already."""
        other = _other(request.version)
        base, injections, attacked = self._made.get(other, (None, (), None))
        up_to_date = base is self._session.volume(other) and injections == request.injections
        return attacked if up_to_date and request.injections else None

    def _put(
        self,
        request: Request,
        attacked: CTVolume | None,
        other_attacked: CTVolume | None,
        difference: NDArray[np.int16] | None,
        label: str,
    ) -> None:
        recovery = None if request.examined is None else request.examined.recovery
        other = _other(request.version)
        awaits_attack = self._awaits_attack and not request.injections
        if awaits_attack and difference is None:
            difference, label = np.broadcast_to(np.int16(0), request.base.shape), NO_ATTACK
        contents = Contents(
            scan=request.base,
            scan_label=self._label(request.version),
            attacked=request.base if awaits_attack else attacked,
            other=self._session.volume(other),
            other_attacked=other_attacked,
            other_label=self._label(other),
            healed=None if recovery is None else recovery.volume,
            difference=difference,
            difference_label=label,
            difference_on=recovery.volume if recovery is not None and request.kind is Difference.HEALED else None,
            injections=request.injections,
            awaits_attack=awaits_attack,
        )
        if difference is not None and label != NO_ATTACK:
            contents = replace(contents, difference_limit_hu=_limit_hu(difference))
        self._panels.show(contents)

    def _label(self, version: Version) -> str:
        return version + (", sealed" if self._session.sealed(version) else "")

    def _request(self) -> Request | None:
        scan, base = self._session.original, self._session.volume(self._session.shown)
        if scan is None or base is None or self._closed:
            return None
        return Request(scan, base, self._session.shown, self._session.injections, self.kind, self._session.examined)

    def update_figures(self) -> None:
        """Measure anew, in the slice that is shown and the cuboid of the selected injection."""
        if self._session.protected is None or self._closed:
            self._tell(Figures())
            return
        z = self._slice_shown()
        at = self.selected.at if self.selected is not None else None
        session = self._session
        self.parts.quick.run(
            Work(
                "Measuring",
                lambda progress: measured(session, z, at),
                self._tell,
                lambda error: self._tell(Figures()),
                key="figures",
            )
        )

    def select(self, row: int) -> None:
        """Go to one of the injections; a close-up moves there too."""
        if 0 <= row < len(self._session.injections) and self._session.original is not None:
            self.selected = self._session.injections[row]
            self._panels.go_to(self._session.original, self.selected.at, follow=True)
            self.update_figures()

    def zoom(self) -> None:
        """A closer look at the selected injection."""
        scan = self._session.original
        if self.selected is not None and scan is not None and self._panels.shown:
            self._panels.view.zoom_to(scan, self.selected.at)

    def _tell(self, figures: Figures) -> None:
        self.figures = figures
        self.figures_ready.emit(figures)

    def _slice_shown(self) -> int:
        scan = self._session.original
        if scan is None or not self._panels.shown:
            return 0
        z = round(voxel_at(scan, self._viewer.dims.point)[0])
        return min(max(z, 0), scan.shape[0] - 1)

    def _on_slice_changed(self) -> None:
        if self._session.protected is not None:
            self._figures_timer.start()


def _other(version: Version) -> Version:
    return "original" if version == "protected" else "protected"


def _limit_hu(difference: NDArray[np.int16]) -> float:
    """A round limit, the same on both sides of 0, that the difference seldom exceeds."""
    largest = max(abs(int(difference.min())), abs(int(difference.max())))
    return float(next((limit for limit in NICE_LIMITS_HU if limit >= largest), NICE_LIMITS_HU[-1]))
