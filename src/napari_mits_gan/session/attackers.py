"""Which attackers a session works with: those of the package, or weights that the user chose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import WeightsError

if TYPE_CHECKING:
    from napari_mits_gan.attack.action import Action
    from napari_mits_gan.ct.grid import Voxel

BUILT_IN = ""
"""Stands for the attackers that come with the package, where an attacker's name is asked for."""


class Attacker(Protocol):
    """What a session asks of an attack."""

    def tamper(self, volume: CTVolume, at: Voxel) -> CTVolume:
        """The volume with something injected or removed at voxel (z, y, x)."""
        ...


class NamedAttacker(Attacker, Protocol):
    """What is asked of an attacker that the user chose."""

    @property
    def name(self) -> str:
        """Which weights these are: a file name and a digest."""
        ...


class Attackers:
    """Loads attackers, each once for each device, and knows which ones the next attacks are made with.

    Parameters
    ----------
    load : callable
        Called with an action and the name of a device, and, for weights that the user chose, with their path.

    Notes
    -----
    Attackers that were chosen are told apart by their name, which has a digest of the file: the same file written anew
    is another attacker, and what was made with the old one is never mixed up with it.
    """

    def __init__(self, load: Callable[..., Attacker]) -> None:
        self._load = load
        self._loaded: dict[tuple[Action, str, str], Attacker] = {}
        self._paths: dict[tuple[Action, str], Path] = {}
        self._prepared: dict[tuple[Action, Path, str], str] = {}
        self._chosen: dict[Action, str] = {}
        self._lock = Lock()

    def chosen(self, action: Action) -> str:
        """The name of the attacker that the next attack is made with; `BUILT_IN` for the package's own."""
        return self._chosen.get(action, BUILT_IN)

    def prepare(self, action: Action, path: Path, device: str) -> str:
        """Load weights that the user wants to choose, and keep them for `use`; takes a while.

        Returns
        -------
        str
            The attacker's name.

        Raises
        ------
        WeightsError
            If they are missing, damaged, or do another action; the attacker in use stays.
        """
        path = path.absolute()
        attacker: NamedAttacker = self._load(action, device, path)  # type: ignore[assignment]
        name = attacker.name
        with self._lock:
            self._loaded[action, name, device] = attacker
            self._paths[action, name] = path
            self._prepared[action, path, device] = name
        return name

    def use(self, action: Action, path: Path | None, device: str) -> str:
        """Make the next attacks with these weights, or with the package's own; loads what was not prepared.

        Raises
        ------
        WeightsError
            As `prepare`.
        """
        if path is None:
            self._chosen.pop(action, None)
        else:
            with self._lock:
                name = self._prepared.pop((action, path.absolute(), device), None)
            self._chosen[action] = name if name is not None else self.prepare(action, path, device)
        return self.chosen(action)

    def get(self, action: Action, name: str, device: str) -> Attacker:
        """An attacker by its name.

        Raises
        ------
        WeightsError
            If it has to be loaded for another device and cannot be, or its file is no longer the same.
        """
        key = (action, name, device)
        with self._lock:
            if key in self._loaded:
                return self._loaded[key]
            if name == BUILT_IN:
                attacker = self._load(action, device)
            else:
                path = self._paths[action, name]
                attacker = self._load(action, device, path)
                if getattr(attacker, "name", None) != name:
                    raise WeightsError(
                        f"'{path.name}' was changed since it was chosen as attacker; choose it again, and make its "
                        "attacks anew."
                    )
            self._loaded[key] = attacker
            return attacker
