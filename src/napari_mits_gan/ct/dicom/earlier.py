"""Reading back what this software wrote into a series of its own about how that was made."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from napari_mits_gan.ct.dicom.provenance import PRODUCT
from napari_mits_gan.ct.step import Step
from napari_mits_gan.files.quiet import quiet

_WRITTEN = re.compile(rf"^Pixel values changed by {re.escape(PRODUCT)} [^:]*: (.*)$", re.DOTALL)
_KINDS = ("protection", "seal", "recovery")
_STEP = re.compile(rf"(?:^|; )({'|'.join(_KINDS)})(?: \(([^()]*)\))?")
_TAGS: list[Any] = ["DerivationDescription", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"]


def earlier_steps(path: Path) -> tuple[Step, ...]:
    """What was done to the series of a DICOM file, by this software's own account; empty where that says nothing.

    Parameters
    ----------
    path : Path
        One file of the series: all say the same.
    """
    try:
        with quiet():
            ds = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=_TAGS)
            return next((steps for text in _descriptions(ds) if (steps := steps_of(text))), ())
    except Exception:  # what cannot be understood says nothing; whether the file can be read is told elsewhere
        return ()


def steps_of(description: str) -> tuple[Step, ...]:
    """The steps that `provenance.describe` wrote into a text; empty where the text is not its own.

    Examples
    --------
    >>> [step.kind for step in steps_of("Pixel values changed by napari-mits-gan 1: protection (method=pgd); seal.")]
    ['protection', 'seal']
    """
    written = _WRITTEN.match(description.strip())
    if written is None:
        return ()
    return tuple(Step(kind, _settings(settings or "")) for kind, settings in _STEP.findall(written[1]))  # type: ignore[arg-type]


def _descriptions(ds: Dataset) -> Iterator[str]:
    yield str(ds.get("DerivationDescription") or "")
    for keyword in _TAGS[1:]:
        for group in (ds.get(keyword) or [])[:1]:
            for item in group.get("DerivationImageSequence") or []:
                yield str(item.get("DerivationDescription") or "")


def _settings(text: str) -> dict[str, Any]:
    pairs = (part.partition("=") for part in text.split(", "))
    return {name: _value(value) for name, separator, value in pairs if separator}


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"True": True, "False": False}.get(text, text)
