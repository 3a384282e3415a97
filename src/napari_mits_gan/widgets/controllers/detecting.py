"""Asks the nodule detector about every attack that is shown, in the background, and says what it finds."""

from __future__ import annotations

from qtpy.QtCore import QObject

from napari_mits_gan.errors import Cancelled
from napari_mits_gan.session import Detection, Injection, ReplayError, Version
from napari_mits_gan.session.analysis import detections
from napari_mits_gan.widgets.background import Work, sentence
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.controls.attack_words import attack_words

TITLE = "Asking the detector"


class Detecting(Controller):
    """Keeps the session's detections at what is shown; where there is no detector, it says so once."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self._unavailable_on: set[str] = set()

    def ask(self, *, tell: bool) -> None:
        """Ask about the attacks on the version that is shown.

        Parameters
        ----------
        tell : bool
            Whether to say what was found of the newest attack.
        """
        session, messages = self.parts.session, self.parts.messages
        version, injections, device = session.shown, session.injections, session.networks.device
        if not injections or device in self._unavailable_on:
            return

        def done(found: tuple[Detection, ...]) -> None:
            if (session.shown, session.injections) != (version, injections):
                return
            self.changed.emit()
            if tell:
                messages.say(_told(version, injections, found))

        def failed(error: Exception) -> None:
            # What keeps an attack from being made is told by whoever wanted to show it.
            if isinstance(error, Cancelled | ReplayError) or device in self._unavailable_on:
                return
            self._unavailable_on.add(device)
            why = sentence(TITLE, error)
            messages.say(f"The detector is not available, and the attacks go on without it: {why}")

        self.parts.quick.run(
            Work(TITLE, lambda progress: detections(session, version, progress), done, failed, key="detect")
        )


def _told(version: Version, injections: tuple[Injection, ...], found: tuple[Detection, ...]) -> str:
    words = found[-1].words
    seen = f"On the protected scan {words}" if version == "protected" else f"{words[0].upper()}{words[1:]}"
    return f"{attack_words(len(injections), injections[-1], found[-1])}. {seen}."
