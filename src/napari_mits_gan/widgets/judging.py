"""Asks the judge about every attack that is shown, in the background, and says what it answers."""

from __future__ import annotations

from qtpy.QtCore import QObject, Signal

from napari_mits_gan.errors import Cancelled
from napari_mits_gan.session import Injection, ReplayError, Session, Verdict, Version
from napari_mits_gan.widgets.attack_words import attack_words
from napari_mits_gan.widgets.background import Background, Work, sentence

TITLE = "Asking the judge"


class Judging(QObject):
    """Keeps the session's verdicts at what is shown; where there is no judge, it says so once.

    Parameters
    ----------
    session : Session
        Whose attacks are judged.
    work : Background
        Where the judge works.
    """

    judged = Signal()
    """There are verdicts that were not there before."""
    said = Signal(str)

    def __init__(self, session: Session, work: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._work = work
        self._unavailable_on: set[str] = set()

    def ask(self, *, tell: bool) -> None:
        """Ask about the attacks on the version that is shown.

        Parameters
        ----------
        tell : bool
            Whether to say the verdict on the newest attack.
        """
        session = self._session
        version, injections, device = session.shown, session.injections, session.device
        if not injections or device in self._unavailable_on:
            return

        def done(verdicts: tuple[Verdict, ...]) -> None:
            if (session.shown, session.injections) != (version, injections):
                return
            self.judged.emit()
            if tell:
                self.said.emit(_told(version, injections, verdicts))

        def failed(error: Exception) -> None:
            # What keeps an attack from being made is told by whoever wanted to show it.
            if isinstance(error, Cancelled | ReplayError) or device in self._unavailable_on:
                return
            self._unavailable_on.add(device)
            why = sentence(TITLE, error)
            self.said.emit(f"The judge is not available, and the attacks go on without it: {why}")

        self._work.run(Work(TITLE, lambda progress: session.detect(version, progress), done, failed, key="judge"))


def _told(version: Version, injections: tuple[Injection, ...], verdicts: tuple[Verdict, ...]) -> str:
    words = verdicts[-1].words
    seen = f"On the protected scan {words}" if version == "protected" else f"{words[0].upper()}{words[1:]}"
    return f"{attack_words(len(injections), injections[-1], verdicts[-1])}. {seen}."
