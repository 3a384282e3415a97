"""Files of trained weights (safetensors): one way to write and to read them, whatever the network.

Each kind of network states its schema once, as a `WeightsFormat`. Files are written whole or not at all, and refused
with the reason where they are wrong.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from napari_mits_gan.errors import WeightsError
from napari_mits_gan.files.replace import replaced_file

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Network = TypeVar("Network", bound="nn.Module")

SHIPPED_WEIGHTS = Path(__file__).parent / "weights"
"""The folder of the weights that come with the package."""

_NOT_STORED = "num_batches_tracked"
"""Batch norm's count of the batches it has seen, which only training could want."""


@dataclass(frozen=True)
class StoredWeights(Generic[Network]):
    """What a file of weights holds.

    Parameters
    ----------
    network : Module
        In single precision, ready for inference.
    header : dict of str
        The header's texts.
    training : dict
        How the network was trained.
    tensors : dict of str to Tensor
        What is stored beside the network.
    """

    network: Network
    header: dict[str, str]
    training: dict[str, Any]
    tensors: dict[str, Tensor]


@dataclass(frozen=True)
class WeightsFormat(Generic[Network]):
    """The schema of one kind of weights file.

    Parameters
    ----------
    name : str
        What the header says under "format".
    whose : str
        For the error's sentence: "an attacker's", "a protection's".
    build : callable
        Makes the network, untrained, as the header says.
    halved : callable
        Whether a tensor, by its name and values, is stored in half precision; else it is in single precision.
    prefix : str
        Before the names of the network's tensors, where others are stored beside them.
    """

    name: str
    whose: str
    build: Callable[[Mapping[str, str]], Network]
    halved: Callable[[str, Tensor], bool]
    prefix: str = ""

    def write(
        self,
        path: Path,
        network: Network,
        training: Mapping[str, Any],
        header: Mapping[str, str] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Write a network and what goes with it; the folder is made, and the file appears whole or not at all."""
        import torch

        stored = {
            self.prefix + name: value.to(torch.float16 if self.halved(name, value) else torch.float32)
            .detach()
            .cpu()
            .contiguous()
            for name, value in network.state_dict().items()
            if not name.endswith(_NOT_STORED)
        }
        texts = {"format": self.name, **(header or {}), "training": json.dumps(dict(training))}
        _write(path, stored | dict(tensors or {}), texts)

    def read(self, path: Path, device: torch.device | str = "cpu") -> StoredWeights[Network]:
        """Read what `write` wrote.

        Raises
        ------
        WeightsError
            If the file is missing, damaged, holds something else, or values that are no numbers.
        """
        header, tensors = _read(path, file_format=self.name, whose=self.whose)
        others = {}
        with self.parsing(path):
            network = self.build(header)
            state = {}
            for name, tensor in tensors.items():
                if name.startswith(self.prefix):
                    state[name.removeprefix(self.prefix)] = tensor.float()
                else:
                    others[name] = tensor
            missing, unexpected = network.load_state_dict(state, strict=False)
            training = json.loads(header["training"])
            if not isinstance(training, dict):
                raise TypeError("no mapping")
        if unexpected or any(not name.endswith(_NOT_STORED) for name in missing):
            raise WeightsError(f"'{path.name}' lacks layers of the network or has others; it is damaged.")
        network.to(device).eval().requires_grad_(False)
        return StoredWeights(network, header, training, others)

    @contextmanager
    def parsing(self, path: Path) -> Iterator[None]:
        """Whatever goes wrong in the block is told as a damaged file."""
        try:
            yield
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise WeightsError(f"'{path.name}' is damaged and cannot be read as {self.whose} weights.") from error


def _write(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, str]) -> None:
    from safetensors.torch import save_file

    with replaced_file(path) as part:
        save_file(dict(tensors), part, dict(header))
        # Safetensors writes files that only their owner may read.
        part.chmod(0o644)


def _read(path: Path, *, file_format: str, whose: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Header and tensors of a file of weights, as stored.

    Parameters
    ----------
    path : Path
        A safetensors file.
    file_format : str
        What the header must say under "format".
    whose : str
        For the error's sentence: "an attacker's", "a protection's".

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


def halved_matrices(name: str, value: Tensor) -> bool:
    """Half precision for all but vectors: biases and norms are few and stay as they are."""
    return value.ndim > 1


def digest(path: Path) -> str:
    """First 16 hexadecimal digits of the file's SHA-256: which weights made a volume."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
