"""Seals the scan that is shown, checks it and heals it, with the key in a file that the user chose."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_mits_gan.session.examination import examine, heal, make_sealed
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.widgets.layers.block_overlay import BlockOverlay
from napari_mits_gan.widgets.layers.overlays import BLOCKS
from napari_mits_gan.workflow.sealing import SealingOptions, signatures_broken

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_mits_gan.session import Examined, Sealed, Voxel

SEALING, CHECKING, HEALING = "Sealing the scan", "Checking the scan", "Healing the scan"
NO_KEY = "No key is chosen yet; choose a key file or make a new one first."
NO_SCAN = "No scan is open yet; load a CT scan first."


class Evidence(Controller):
    """Keeps the path of the key file; the key itself is read when it is needed, and kept nowhere that is seen."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self.key_file: Path | None = None
        """The file of the key; None until one is chosen."""
        self.bits = 1
        """Lowest bits of a value that the next seal may use."""
        self.mark_too = False
        """Whether the next seal marks the lungs as well."""
        self._marked: Examined | None = None

    def choose_key(self, path: str | Path) -> bool:
        """Use the key in a file; False where that is no key file."""
        from napari_mits_gan.evidence.key import read_key

        if self.parts.messages.attempt("Choosing the key", lambda: read_key(path)) is None:
            return False
        self.key_file = Path(path)
        self.parts.messages.say(f"The key in {self.key_file.name} seals, checks and heals from now on.")
        self.changed.emit()
        return True

    def make_key(self, path: str | Path) -> bool:
        """Make a new key and its public half, and use it; False where that could not be done."""
        from napari_mits_gan.evidence.key_files import make_key_files

        made = self.parts.messages.attempt("Making a key", lambda: make_key_files(path))
        if made is None:
            return False
        self.key_file = made[0]
        self.parts.messages.say(
            f"A new key is in {made[0].name}: keep a copy, and give it only to those who may seal; "
            f"{made[1].name} checks manifests and may be handed out."
        )
        self.changed.emit()
        return True

    def seal(self) -> None:
        """Seal the version that is shown, without the attacks on it; it is shown and attacked sealed from then on."""
        session, messages, key_file = self.parts.session, self.parts.messages, self._ready()
        if key_file is None:
            return
        version = session.shown
        if session.sealed(version) is not None:
            messages.complain(f"The {version} scan is sealed already; take that seal off before sealing it anew.")
            return
        bits = self.bits
        options = SealingOptions(key_file, bits, mark=self.mark_too)
        scan = session.original

        def compute(progress: Any) -> tuple[Sealed, int]:
            sealed = make_sealed(session, version, options, progress)
            return sealed, 0 if scan is None else signatures_broken(scan)

        def done(found: tuple[Sealed, int]) -> None:
            if session.original is not scan:
                return

            def accept() -> bool:
                session.accept_sealed(version, found[0])
                return True

            if messages.attempt(SEALING, accept):
                messages.say(_sealed_words(version, found[0], bits, found[1]))

        self._run(SEALING, compute, done)

    def take_seal_off(self) -> None:
        """Show the version without its seal again."""
        self.parts.session.take_seal_off(self.parts.session.shown)
        self.parts.messages.say("The seal is off.")

    def check(self) -> None:
        """Check what is shown, attacks and all."""
        self._examine(CHECKING, examine)

    def recover(self) -> None:
        """Heal what is shown; the healed scan gets a panel of its own."""
        self._examine(HEALING, heal)

    def clear(self) -> None:
        """Put away what was found."""
        self.parts.session.accept_examined(None)

    def go_to(self, number: int) -> None:
        """Look at the place of a finding, where it has one."""
        session, found = self.parts.session, self.parts.session.examined
        if found is None or not 0 <= number < len(found.verdict.findings):
            return
        finding = found.verdict.findings[number]
        if finding.box is not None:
            (z, _), *_ = finding.box
            middle: Voxel = tuple((first + stop - 1) // 2 for first, stop in finding.box)  # type: ignore[assignment]
            if found.changed is not None and not found.changed[middle]:
                middle = (z, *middle[1:])
            self.parts.panels.go_to(session.required(session.shown), middle, follow=True)
        self.parts.messages.say(finding.sentence)

    def mark(self) -> None:
        """Mark the blocks that are not what was sealed, as they are now."""
        found = self.parts.session.examined
        if found is self._marked:
            return
        self._marked = found
        self.parts.panels.set_overlay(BLOCKS, None if found is None else _overlay(found))
        self.changed.emit()

    # ---- inside

    def _ready(self) -> Path | None:
        """The key file; None, and a complaint, where there is no scan or no key."""
        if self.parts.session.original is None or self.key_file is None:
            self.parts.messages.complain(NO_SCAN if self.parts.session.original is None else NO_KEY)
            return None
        return self.key_file

    def _examine(self, title: str, function: Callable[..., Examined]) -> None:
        session, messages, key_file = self.parts.session, self.parts.messages, self._ready()
        if key_file is None:
            return
        version = session.shown

        def compute(progress: Any) -> Examined:
            from napari_mits_gan.evidence.key import read_key

            return function(session, version, read_key(key_file), progress)

        def done(found: Examined) -> None:
            session.accept_examined(found)
            if session.examined is not found:
                session.accept_examined(None)
                messages.say("The scan was changed meanwhile; check it again.")
                return
            messages.say(_examined_words(found))

        self._run(title, compute, done)

    def _run(self, title: str, compute: Callable[..., Any], done: Callable[[Any], None]) -> None:
        messages = self.parts.messages
        self.parts.slow.run(Work(title, compute, done, lambda error: messages.report(title, error), key=title))
        self.changed.emit()


def _overlay(found: Examined) -> BlockOverlay | None:
    if found.changed is None or not found.changed.any():
        return None
    healed = None
    if found.recovery is not None and found.recovery.volume.shape != found.base.shape:
        healed = (found.recovery.volume, found.recovery.healed)
    return BlockOverlay(found.changed, healed)


def _sealed_words(version: str, sealed: Sealed, bits: int, broken: int) -> str:
    words = f"The {version} scan is sealed in {bits} bit{'s' if bits > 1 else ''} a voxel"
    if sealed.copy_bytes:
        words += f", with a copy of {sealed.copy_bytes / 1000:.0f} kB to heal it from"
    else:
        words += " for detection only: it is too small to carry a copy"
    rms_hu = next((step.parameters["lungs_rms_hu"] for step in sealed.volume.history if step.kind == "mark"), None)
    if rms_hu is not None:
        words += f", and its lungs are marked with {rms_hu:.1f} HU RMS"
    words += "; exports of it carry the seal and a signed manifest."
    if broken:
        words += f" {broken} files of the source carry a digital signature, which no export carries over."
    return words


def _examined_words(found: Examined) -> str:
    if found.recovery is None:
        return found.headline
    share = 100 * float(found.recovery.healed.mean())
    return f"{found.headline} Healed: {share:.2g}\N{NO-BREAK SPACE}% of the scan comes from the copy in its seal."
