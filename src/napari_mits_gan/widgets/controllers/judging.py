"""Finds out in the background what became of every attack, and says it: place, detector, deviation, check."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_mits_gan.errors import Cancelled, WeightsError
from napari_mits_gan.progress import Progress
from napari_mits_gan.session import AttackVerdict, Injection, ReplayError, Version
from napari_mits_gan.session.analysis import detections
from napari_mits_gan.session.attack_verdicts import attack_verdicts, to_csv
from napari_mits_gan.widgets.background import Work, sentence
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controls.attack_words import (
    attack_words,
    detector_words,
    deviation_words,
    warning_words,
)
from napari_mits_gan.widgets.messages import Messages

ASKING, COMPARING = "Asking the detector", "Comparing the attacks"


class Judging(Controller):
    """Keeps the verdicts at what the session is; where there is no detector, it says so once."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._unavailable_on: set[str] = set()
        self._known: tuple[AttackVerdict, ...] = ()

    @property
    def verdicts(self) -> tuple[AttackVerdict, ...]:
        """One for each attack in the list, with what is known of it by now."""
        injections = self.parts.session.injections
        known = self._known
        if tuple(verdict.injection for verdict in known) == injections:
            return known
        kept = {verdict.injection: verdict for verdict in known}
        return tuple(kept.get(injection, AttackVerdict(injection)) for injection in injections)

    def forget(self) -> None:
        """Another scan was opened."""
        self._known = ()

    def ask(self, *, tell: bool, warn: bool = False) -> None:
        """Judge the attacks anew; what is known is not computed again.

        Parameters
        ----------
        tell : bool
            Whether to say what became of the newest attack.
        warn : bool
            Whether to say it where there is something to be warned of.
        """
        session, messages = self.parts.session, self.parts.messages
        injections, device, state = session.injections, session.networks.device, self._state()
        if not injections:
            self._known = ()
            return

        why_not: list[Exception] = []

        def judge(progress: Progress) -> tuple[AttackVerdict, ...]:
            if device not in self._unavailable_on:
                try:
                    for version in _versions(session.protected is not None):
                        detections(session, version, progress)
                except (Cancelled, ReplayError):
                    raise
                except Exception as error:  # attacks go on without a detector
                    why_not.append(error)
            return attack_verdicts(session, progress)

        def done(found: tuple[AttackVerdict, ...]) -> None:
            if why_not and device not in self._unavailable_on:
                self._unavailable_on.add(device)
                why = sentence(ASKING, why_not[0])
                messages.say(f"The detector is not available, and the attacks go on without it: {why}")
            if self._state() != state:
                return
            self._known = found
            self.changed.emit()
            if why_not:
                return
            if tell or (warn and warning_words(found[-1])):
                _tell(messages, injections, found[-1])
            if any(verdict.place is None for verdict in found):
                self._find_lungs()

        def failed(error: Exception) -> None:
            # What keeps an attack from being made is told by whoever wanted to show it.
            if not isinstance(error, Cancelled | ReplayError | WeightsError):
                messages.report(COMPARING, error)

        self.parts.quick.run(Work(COMPARING, judge, done, failed, key="judge"))

    def _find_lungs(self) -> None:
        """Find the lungs while nobody waits, and say where an attack lies outside of them."""
        scan = self.parts.session.original
        if scan is None:
            return

        def find(progress: Progress) -> None:
            from napari_mits_gan.ct.anatomy import anatomy_of

            anatomy_of(scan)

        def done(_: None) -> None:
            if self.parts.session.original is scan:
                self.ask(tell=False, warn=True)

        self.parts.ahead.run(Work("Finding the lungs", find, done, lambda error: None, key="lungs"))

    def save(self, path: str) -> bool:
        """Write the verdicts into a new CSV file; False where that could not be done."""
        from napari_mits_gan.files.new_file import write_new_text

        written = self.parts.messages.attempt("Saving", lambda: write_new_text(path, to_csv(self.verdicts)))
        if written is None:
            return False
        self.parts.messages.say(f"{len(self.verdicts)} verdicts are in {written.name}.")
        return True

    def _state(self) -> tuple[object, ...]:
        session = self.parts.session
        return (
            session.shown,
            session.injections,
            session.examined,
            id(session.volume("original")),
            id(session.volume("protected")),
        )


def _versions(there_is_protected: bool) -> tuple[Version, ...]:
    return ("original", "protected") if there_is_protected else ("original",)


def _tell(messages: Messages, injections: tuple[Injection, ...], verdict: AttackVerdict) -> None:
    """What became of the newest attack; a warning where it says less than it seems to."""
    parts = [part for part in (detector_words(verdict), deviation_words(verdict)) if part]
    text = attack_words(len(injections), verdict.injection)
    if parts:
        text += f" · {'; '.join(parts)}"
    warning = warning_words(verdict)
    if warning:
        messages.warn(f"{text}. {warning}")
    else:
        messages.say(f"{text}.")
