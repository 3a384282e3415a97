"""Protect chest CT against tampering by generative networks, and watch the protection work.

>>> import napari_mits_gan as mg
>>> scan = mg.read_ct("folder/of/a/series")  # doctest: +SKIP
>>> protected = mg.protect(scan, method="mits-gan", max_change_hu=20, seed=0)  # doctest: +SKIP
>>> mg.write_dicom(protected, "protected_series")  # doctest: +SKIP
>>> sealed = mg.seal(scan, mg.read_key("hospital.key"))  # doctest: +SKIP
>>> print(mg.verify(sealed, mg.read_key("hospital.key")).text())  # doctest: +SKIP
>>> print(mg.inspect(scan).text())  # doctest: +SKIP
>>> attacked = mg.load_attacker("inject").tamper(protected, at=(60, 250, 150))  # doctest: +SKIP
>>> print(mg.evaluate(scan, tables=["robustness"]).to_text())  # doctest: +SKIP

Importing the package loads neither PyTorch nor napari nor Qt: each name is fetched when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_mits_gan.attack.attackers import load_attacker
    from napari_mits_gan.attack.ctgan.attacker import CTGAN
    from napari_mits_gan.ct.dicom.write import write_dicom
    from napari_mits_gan.ct.read import read_ct
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.evaluation.evaluate import evaluate
    from napari_mits_gan.evidence.check import verify
    from napari_mits_gan.evidence.key import new_key, read_key, write_key
    from napari_mits_gan.evidence.mark.settings import MarkSettings
    from napari_mits_gan.evidence.recover import recover
    from napari_mits_gan.evidence.seal import seal
    from napari_mits_gan.inspection.inspect import inspect
    from napari_mits_gan.protection.protect import protect

__version__ = "0.1.0"

__all__ = [
    "CTGAN",
    "CTVolume",
    "MarkSettings",
    "__version__",
    "evaluate",
    "inspect",
    "load_attacker",
    "new_key",
    "protect",
    "read_ct",
    "read_key",
    "recover",
    "seal",
    "verify",
    "write_dicom",
    "write_key",
]

_HOME = {
    "CTGAN": "napari_mits_gan.attack.ctgan.attacker",
    "CTVolume": "napari_mits_gan.ct.volume",
    "MarkSettings": "napari_mits_gan.evidence.mark.settings",
    "evaluate": "napari_mits_gan.evaluation.evaluate",
    "inspect": "napari_mits_gan.inspection.inspect",
    "new_key": "napari_mits_gan.evidence.key",
    "load_attacker": "napari_mits_gan.attack.attackers",
    "protect": "napari_mits_gan.protection.protect",
    "read_ct": "napari_mits_gan.ct.read",
    "read_key": "napari_mits_gan.evidence.key",
    "recover": "napari_mits_gan.evidence.recover",
    "seal": "napari_mits_gan.evidence.seal",
    "verify": "napari_mits_gan.evidence.check",
    "write_dicom": "napari_mits_gan.ct.dicom.write",
    "write_key": "napari_mits_gan.evidence.key",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
