"""The label that image files of this package carry, so that a tampered scan is known as one wherever it goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_mits_gan.ct.constants import SIMULATED_ATTACK
from napari_mits_gan.ct.volume import Step

PACKAGE = "napari-mits-gan"
PROTECTION_LABEL = "protected"


def label_of(history: Sequence[Step]) -> str:
    """The text for the header field, at most 79 ASCII characters (the room that NIfTI has)."""
    words = [PACKAGE]
    if any(step.kind == "attack" for step in history):
        words.append(f"{SIMULATED_ATTACK}, not a real scan")
    if any(step.kind == "protection" for step in history):
        words.append(PROTECTION_LABEL)
    return "; ".join(words)


def sidecar_of(history: Sequence[Step]) -> dict[str, Any]:
    """The content of the file beside the image: label and full history."""
    steps = [{"kind": step.kind, "parameters": dict(step.parameters)} for step in history]
    return {"label": label_of(history), "history": steps}


def _label_in(labels: Mapping[str, str]) -> str:
    return next((text for text in labels.values() if text.startswith(PACKAGE)), "")


def is_ours(labels: Mapping[str, str]) -> bool:
    """Whether header fields say that this package wrote the file."""
    return bool(_label_in(labels))


def history_of(labels: Mapping[str, str], sidecar: Mapping[str, Any]) -> tuple[Step, ...]:
    """The history behind an image file; header and sidecar are both heard, and either suffices to know an attack."""
    steps = []
    for item in sidecar.get("history") or [] if str(sidecar.get("label", "")).startswith(PACKAGE) else []:
        if isinstance(item, dict) and item.get("kind") in ("attack", "protection", "mark", "seal", "recovery"):
            parameters = item.get("parameters")
            steps.append(Step(item["kind"], parameters if isinstance(parameters, dict) else {}))
    label = _label_in(labels)
    for kind, word in (("protection", PROTECTION_LABEL), ("attack", SIMULATED_ATTACK)):
        if word in label and all(step.kind != kind for step in steps):
            steps.append(Step(kind))  # type: ignore[arg-type]
    return tuple(steps)
