"""Which attackers a session works with: the usual ones, others of the list, or weights that the user chose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock

from napari_mits_gan.attack.contract import Action, Attacker
from napari_mits_gan.errors import WeightsError

BUILT_IN = ""
"""Stands for the attacker that is in use unless another is chosen, where an attacker's name is asked for."""

Choice = str | Path
"""A name in the list of attackers, or the path of weights."""


class Attackers:
    """Loads attackers, each once for each device, and knows which ones the next attacks are made with.

    Parameters
    ----------
    load : callable
        Called with an action and the name of a device, and with the name or the path that the user chose, if any.

    Notes
    -----
    Attackers that were chosen are told apart by their name, which has a digest of the file: the same file written anew
    is another attacker, and what was made with the old one is never mixed up with it.
    """

    def __init__(self, load: Callable[..., Attacker]) -> None:
        self._load = load
        self._loaded: dict[tuple[Action, str, str], Attacker] = {}
        self._choices: dict[tuple[Action, str], Choice] = {}
        self._prepared: dict[tuple[Action, Choice, str], str] = {}
        self._chosen: dict[Action, str] = {}
        self._lock = Lock()

    def chosen(self, action: Action) -> str:
        """The name of the attacker that the next attack is made with; `BUILT_IN` for the usual one."""
        return self._chosen.get(action, BUILT_IN)

    def choice_of(self, action: Action, name: str) -> Choice | None:
        """What an attacker was chosen by; None for the usual one."""
        return self._choices.get((action, name))

    def prepare(self, action: Action, choice: Choice, device: str) -> str:
        """Load the attacker that the user wants to choose, and keep it for `use`; takes a while.

        Returns
        -------
        str
            The attacker's name.

        Raises
        ------
        WeightsError
            If there is no such attacker, its weights are missing or damaged, or it does another action; the attacker
            in use stays.
        """
        choice = _lasting(choice)
        attacker = self._load(action, device, choice)
        name = attacker.name
        with self._lock:
            self._loaded[action, name, device] = attacker
            self._choices[action, name] = choice
            self._prepared[action, choice, device] = name
        return name

    def use(self, action: Action, choice: Choice | None, device: str) -> str:
        """Make the next attacks with this attacker, None being the usual one; loads what was not prepared.

        Raises
        ------
        WeightsError
            As `prepare`.
        """
        if choice is None:
            self._chosen.pop(action, None)
        else:
            with self._lock:
                name = self._prepared.pop((action, _lasting(choice), device), None)
            self._chosen[action] = name if name is not None else self.prepare(action, choice, device)
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
                choice = self._choices[action, name]
                attacker = self._load(action, device, choice)
                if attacker.name != name:
                    raise WeightsError(
                        f"'{Path(choice).name}' was changed since it was chosen as attacker; choose it again, and make "
                        "its attacks anew."
                    )
            self._loaded[key] = attacker
            return attacker


def _lasting(choice: Choice) -> Choice:
    """The same choice, whatever becomes of the working directory."""
    return choice.absolute() if isinstance(choice, Path) else choice
