"""Files of trained weights (safetensors): written whole or not at all, refused with the reason where they are wrong."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from napari_mits_gan.errors import WeightsError

if TYPE_CHECKING:
    from torch import Tensor

SHIPPED_WEIGHTS = Path(__file__).parent / "weights"
"""The folder of the weights that come with the package."""


def write_weights(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    """Write tensors and a header; the folder is made, and the file appears whole or not at all."""
    from safetensors.torch import save_file

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    save_file(dict(tensors), part, dict(header))
    # Safetensors writes files that only their owner may read.
    part.chmod(0o644)
    os.replace(part, path)


def read_weights(path: Path, *, file_format: str, whose: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Read what `write_weights` wrote.

    Parameters
    ----------
    path : Path
        A safetensors file.
    file_format : str
        What the header must say under "format".
    whose : str
        For the error's sentence: "an attacker's", "a protection's".

    Returns
    -------
    dict of str
        The header.
    dict of Tensor
        The tensors, as stored.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, holds something else, or values that are no numbers.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise WeightsError(f"there is no file '{path.name}' with {whose} weights; train them or reinstall the package.")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            if header.get("format") != file_format:
                raise WeightsError(f"'{path.name}' does not hold {whose} weights; choose another file.")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"'{path.name}' is damaged and cannot be read as {whose} weights.") from error
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise WeightsError(f"'{path.name}' holds values that are no numbers; it is damaged.")
    return header, tensors


def digest(path: Path) -> str:
    """First 16 hexadecimal digits of the file's SHA-256: which weights made a volume."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
