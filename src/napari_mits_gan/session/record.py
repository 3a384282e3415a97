"""What was done to a scan, written down so that it can be done again: a JSON file without the scan and without keys."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.session.attack_verdicts import as_rows
from napari_mits_gan.session.attackers import BUILT_IN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_mits_gan.attack.contract import Action
    from napari_mits_gan.ct.grid import Voxel
    from napari_mits_gan.session.attack_verdicts import AttackVerdict
    from napari_mits_gan.session.model import Session
    from napari_mits_gan.workflow.protect_series import ProtectionOptions

FORMAT, VERSION = "napari-mits-gan session", 1
ACTIONS = ("inject", "remove")


class RecordError(MitsGanError):
    """A file is no session of this software, or of a newer one."""


@dataclass(frozen=True)
class RecordedAttack:
    """One attack.

    Parameters
    ----------
    action : {"inject", "remove"}
        What it does.
    at : tuple of int
        Voxel (z, y, x).
    attacker : str
        Name in the list of attackers, or the path of weights; empty for the usual one.
    """

    action: Action
    at: Voxel
    attacker: str = ""


@dataclass(frozen=True)
class RecordedProtection:
    """How the scan was protected.

    Parameters
    ----------
    method : str
        One of the methods.
    max_change_hu : int
        The budget.
    seed : int
        What the pattern was drawn from, unless a key was.
    with_key : bool
        Whether a key was; it is not written down.
    options : mapping
        Settings of the method that are not its defaults.
    without_lungs, again : bool
        See `ProtectionOptions`.
    """

    method: str
    max_change_hu: int
    seed: int = 0
    with_key: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    without_lungs: bool = False
    again: bool = False


@dataclass(frozen=True)
class Record:
    """What was done to a scan, and what it gave.

    Parameters
    ----------
    path : str
        What was opened: a folder or a file.
    series : str or None
        Which series, where one was chosen.
    shape : tuple of int
        Voxels (z, y, x): tells another scan at the same place.
    attacks : tuple of RecordedAttack
        Oldest first.
    protection : RecordedProtection or None
        None where there is no protected version.
    protection_on : bool
        Whether it is the one that is looked at.
    view : mapping
        How it is looked at: plane, voxel, window in HU, panels. The window's own affair.
    figures : sequence of mapping
        What became of each attack; see `attack_verdicts.as_rows`.
    """

    path: str
    series: str | None
    shape: tuple[int, int, int]
    attacks: tuple[RecordedAttack, ...] = ()
    protection: RecordedProtection | None = None
    protection_on: bool = False
    view: Mapping[str, Any] = field(default_factory=dict)
    figures: Sequence[Mapping[str, Any]] = ()

    def to_json(self) -> str:
        """As a JSON text."""
        told = {"format": FORMAT, "version": VERSION, **dataclasses.asdict(self)}
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Record:
        """Read a JSON text.

        Raises
        ------
        RecordError
            If it is none of `to_json`.
        """
        try:
            told = json.loads(text)
            if not isinstance(told, dict) or told.get("format") != FORMAT:
                raise RecordError("this file is no session of napari-mits-gan; choose one that was saved by it.")
            if told["version"] != VERSION:
                raise RecordError(
                    "this session was saved by another version of napari-mits-gan, which this cannot read."
                )
            protection = told["protection"]
            return cls(
                path=str(told["path"]),
                series=None if told["series"] is None else str(told["series"]),
                shape=_voxel(told["shape"]),
                attacks=tuple(_attack(attack) for attack in told["attacks"]),
                protection=None if protection is None else RecordedProtection(**protection),
                protection_on=bool(told["protection_on"]),
                view=dict(told["view"]),
                figures=tuple(dict(row) for row in told["figures"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            raise RecordError("this session file is damaged; save the session anew.") from None


def record_of(
    session: Session,
    path: Path,
    series: str | None,
    made_with: ProtectionOptions | None,
    verdicts: Sequence[AttackVerdict],
    view: Mapping[str, Any],
) -> Record:
    """What was done in a session.

    Parameters
    ----------
    session : Session
        With a scan.
    path, series
        What was opened.
    made_with : ProtectionOptions or None
        How the protected version was made.
    verdicts : sequence of AttackVerdict
        What became of the attacks.
    view : mapping
        JSON-serialisable.
    """
    attacks = tuple(
        RecordedAttack(i.action, i.at, str(session.networks.choice_of(i.action, i.attacker) or BUILT_IN))
        for i in session.injections
    )
    has_protection = session.protected is not None and made_with is not None
    return Record(
        path=str(path.absolute()),
        series=series,
        shape=session.required("original").shape,
        attacks=attacks,
        protection=_protection(made_with) if has_protection and made_with is not None else None,
        protection_on=session.protection_on,
        view=view,
        figures=tuple(as_rows(verdicts)),
    )


def protection_options(recorded: RecordedProtection, key: str | None, device: str = "auto") -> ProtectionOptions:
    """How to protect as it was recorded.

    Parameters
    ----------
    recorded : RecordedProtection
        What was recorded.
    key : str or None
        The key, which is not recorded.
    device : str
        Where to compute.

    Raises
    ------
    RecordError
        If a key was used and none is given, or there is no such method.
    OptionError
        If a setting of the method is not valid.
    """
    from napari_mits_gan.options import made, options_of
    from napari_mits_gan.protection.protect import METHODS
    from napari_mits_gan.workflow.protect_series import ProtectionOptions

    if recorded.method not in METHODS:
        raise RecordError(f"the session was protected by {recorded.method!r}, which this installation does not have.")
    if recorded.with_key and not key:
        raise RecordError(
            "the session was protected with a key, which is not saved; type it in and load the session again."
        )
    kind = METHODS[recorded.method]
    paths = {option.name for option in options_of(kind) if option.kind is Path}
    settings = {name: Path(value) if name in paths and value else value for name, value in recorded.options.items()}
    settings = {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}
    return ProtectionOptions(
        method=made(kind, settings) if settings else recorded.method,
        max_change_hu=recorded.max_change_hu,
        seed=recorded.seed,
        key=key if recorded.with_key else None,
        device=device,
        without_lungs=recorded.without_lungs,
        again=recorded.again,
    )


def _protection(options: ProtectionOptions) -> RecordedProtection:
    from napari_mits_gan.protection.protect import METHODS

    settings: dict[str, Any] = {}
    if isinstance(options.method, str):
        name = options.method
    else:
        kinds = {kind: name for name, kind in METHODS.items()}
        name = kinds.get(type(options.method), type(options.method).__name__)
        default = type(options.method)()
        for f in dataclasses.fields(options.method):  # type: ignore[arg-type]
            value = getattr(options.method, f.name)
            if value != getattr(default, f.name):
                settings[f.name] = str(value) if isinstance(value, Path) else value
    return RecordedProtection(
        method=name,
        max_change_hu=options.max_change_hu,
        seed=options.seed,
        with_key=options.key is not None,
        options=settings,
        without_lungs=options.without_lungs,
        again=options.again,
    )


def _attack(told: Mapping[str, Any]) -> RecordedAttack:
    if told["action"] not in ACTIONS:
        raise ValueError(told["action"])
    return RecordedAttack(told["action"], _voxel(told["at"]), str(told["attacker"]))


def _voxel(values: Sequence[Any]) -> tuple[int, int, int]:
    z, y, x = (int(value) for value in values)
    return (z, y, x)
