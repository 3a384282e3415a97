"""Protects the scan in the background, and switches between the original and the protected version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.widgets.background import Work
from napari_mits_gan.widgets.controllers.controller import Controller, Parts
from napari_mits_gan.workflow.protect_series import ProtectionOptions

PROTECTING = "Protecting the scan"


class Protecting(Controller):
    """Makes the protected version."""

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parts, parent)
        self.made_with: ProtectionOptions | None = None
        """How the protected version was made; None while there is none."""

        self.typed_key: str | None = None
        """The key that stands in the form; None for none."""

    def forget(self) -> None:
        """Another scan was opened."""
        self.made_with = None

    @property
    def words(self) -> str:
        """How the protected version was made, in words; empty where there is none."""
        record = self.parts.session.protection_record
        if record is None:
            return ""
        keyed = self.made_with is not None and self.made_with.key is not None
        seed = "with a key" if keyed else f"seed {record.get('seed', 0)}"
        return f"{record.get('method')}, at most {record.get('max_change_hu')} HU, {seed}"

    def protect(self, options: ProtectionOptions, then: Callable[[], None] | None = None) -> None:
        """Protect the scan in the background, and show the protected version; `then` is called once it is there."""
        session, messages = self.parts.session, self.parts.messages
        scan = session.original
        if scan is None:
            messages.complain("No scan is open yet; load a CT scan first.")
            return

        def compute(progress: Any) -> CTVolume:
            return session.make_protected(options, progress)

        def done(volume: CTVolume) -> None:
            if session.original is scan:
                self.made_with = options
                session.accept_protected(volume)
                messages.say(f"Protected: no voxel changed by more than {options.max_change_hu} HU.")
                if then is not None:
                    then()

        self.parts.slow.run(Work(PROTECTING, compute, done, lambda error: messages.report(PROTECTING, error)))
        self.changed.emit()

    def switch(self, on: bool) -> None:
        """Show and attack the protected or the original version."""

        def switch() -> None:
            self.parts.session.protection_on = on

        self.parts.messages.attempt("Switching", switch)
        self.changed.emit()
