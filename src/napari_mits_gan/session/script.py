"""What was done in a session, as a command line and as Python, ready to be pasted."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_mits_gan.session.record import Record, RecordedAttack, RecordedProtection

COMMAND = "napari-mits-gan"
PROTECTED_FOLDER = "protected/"


def command_lines(record: Record) -> str:
    """The commands that protect the scan, and that make each attack on it and on the protected series.

    Each attack is made on its own: a file for every one.
    """
    scan = shlex.quote(record.path)
    series = [] if record.series is None else ["--series", shlex.quote(record.series)]
    lines = []
    if record.protection is not None:
        lines.append(
            " ".join([COMMAND, "protect", scan, PROTECTED_FOLDER, *series, *_protect_options(record.protection)])
        )
    for number, attack in enumerate(record.attacks, start=1):
        options = ["--action", attack.action, "--at", ",".join(map(str, attack.at)), *_attacker_option(attack)]
        lines.append(" ".join([COMMAND, "tamper", scan, f"attack_{number}_original.nii.gz", *series, *options]))
        if record.protection is not None:
            name = f"attack_{number}_protected.nii.gz"
            lines.append(" ".join([COMMAND, "tamper", PROTECTED_FOLDER, name, *options]))
    return "\n".join(lines) + "\n" if lines else f"{COMMAND} open {scan} {' '.join(series)}".rstrip() + "\n"


def python_lines(record: Record) -> str:
    """The same in Python; attacks follow one another, as in the window."""
    chosen = "" if record.series is None else f", series={record.series!r}"
    lines = ["import napari_mits_gan as mg", "", f"scan = mg.read_ct({record.path!r}{chosen})"]
    versions = ["scan"]
    if record.protection is not None:
        lines += _protect_in_python(record.protection)
        versions.append("protected")
    if record.attacks:
        names = {version: f"attacked_{version}" for version in versions}
        lines.append("")
        lines += [f"{name} = {version}" for version, name in names.items()]
        for attack in record.attacks:
            lines.append(f"attacker = mg.load_attacker({attack.attacker or attack.action!r})")
            lines += [f"{name} = attacker.tamper({name}, at={attack.at})" for name in names.values()]
    return "\n".join(lines) + "\n"


def _protect_options(protection: RecordedProtection) -> list[str]:
    told = ["--method", protection.method, "--max-change-hu", str(protection.max_change_hu)]
    told += ["--key-from", "-"] if protection.with_key else ["--seed", str(protection.seed)]
    for name, value in protection.options.items():
        told += [f"--{protection.method}-{name.replace('_', '-')}", *_words(value)]
    told += ["--without-lungs"] if protection.without_lungs else []
    return told + (["--again"] if protection.again else [])


def _words(value: Any) -> list[str]:
    values = value if isinstance(value, list | tuple) else [value]
    return [shlex.quote(str(each)) for each in values]


def _attacker_option(attack: RecordedAttack) -> list[str]:
    if not attack.attacker:
        return []
    is_path = Path(attack.attacker).is_absolute()
    return ["--weights" if is_path else "--attacker", shlex.quote(attack.attacker)]


def _protect_in_python(protection: RecordedProtection) -> list[str]:
    imports, method = [], repr(protection.method)
    if protection.options:
        from napari_mits_gan.protection.protect import METHODS

        kind = METHODS[protection.method]
        imports = [f"from {kind.__module__} import {kind.__name__}"]
        method = f"{kind.__name__}({_keywords(protection.options)})"
    drawn_from = "key=input('Key: ')" if protection.with_key else f"seed={protection.seed}"
    more = "".join(f", {name}=True" for name in ("without_lungs", "again") if getattr(protection, name))
    return [*imports, f"protected = mg.protect(scan, {method}, {protection.max_change_hu}, {drawn_from}{more})"]


def _keywords(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={tuple(v) if isinstance(v, list) else v!r}" for name, v in options.items())
