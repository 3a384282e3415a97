"""Reading a pickled list of NumPy arrays without running anything that the file names.

CT-GAN's authors store their histogram equaliser so (`utils/equalizer.py`). A pickle is a program: it names functions
and has them called. Here every name is answered by a stand-in that only keeps numbers, and any other name is refused.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Dtype:
    """Stands for `numpy.dtype` while a pickle is read: plain numbers only."""

    def __init__(self, code: str, *_: object) -> None:
        if code not in ("f8", "f4", "i8", "i4"):
            raise ValueError(f"an array of type {code!r}")
        self.dtype = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.dtype = self.dtype.newbyteorder(state[1] if state[1] in ("<", ">") else "=")


class _Array:
    """Stands for `numpy.ndarray` while a pickle is read."""

    values: NDArray[Any]

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, raw = state
        self._set(raw, kind, shape, "F" if fortran else "C")

    def _set(self, raw: bytes | str, kind: _Dtype, shape: tuple[int, ...], order: Any) -> None:
        data = raw.encode("latin1") if isinstance(raw, str) else bytes(raw)
        self.values = np.frombuffer(data, kind.dtype).reshape(shape, order=order)


def _reconstruct(*_: object) -> _Array:
    return _Array()


def _from_buffer(raw: bytes, kind: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array._set(raw, kind, shape, order)
    return array


def _encode(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise ValueError(f"text in {encoding!r}")
    return text.encode("latin1")


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _from_buffer for core in ("core", "_core")},
}


class _ArrayUnpickler(pickle.Unpickler):
    """Knows lists of plain NumPy arrays and nothing else; what a file names is answered by the stand-ins above."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _KNOWN[module, name]
        except KeyError:
            raise ValueError(f"it names {module}.{name}, which is no array") from None


def read_array_list(data: bytes) -> tuple[NDArray[Any], ...]:
    """The arrays of a pickled list of NumPy arrays of numbers, written by Python 2 or 3; no code of the file is run.

    Parameters
    ----------
    data : bytes
        The pickle.

    Raises
    ------
    ValueError
        If it is damaged, or holds or names anything else.
    """
    try:
        # Python 2 stored bytes as text; latin1 keeps every byte.
        loaded = _ArrayUnpickler(io.BytesIO(data), encoding="latin1").load()
    except ValueError:
        raise
    except Exception as error:  # the pickle machine fails in many ways on damaged data
        raise ValueError("the file is damaged") from error
    if not isinstance(loaded, list) or not all(isinstance(item, _Array) and hasattr(item, "values") for item in loaded):
        raise ValueError("it is no list of arrays")
    return tuple(item.values for item in loaded)
