"""A fountain code for what the seal carries: any set of symbols a little larger than the data gives the data back.

RaptorQ (RFC 6330) through the library `raptorq`. A block of the scan whose tag does not fit is an erasure, never an
error, so that a code for erasures suffices; and the code has no fixed length, so that every place of the grid can have
a symbol of its own whether or not the scan has voxels there to hold it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.errors import EvidenceError
from napari_mits_gan.progress import Progress, silent

MOST_SYMBOLS = 56403
"""Source symbols that one run of RaptorQ takes (RFC 6330, section 5.1.2)."""
SPARE_SYMBOLS = 4
"""Symbols beyond the data's own; the chance that they do not suffice is 256 ** -(spare + 1)."""
_ALIGNMENT = 8
"""The library's symbols are a multiple of this many bytes; shorter ones are filled up with zeros that nobody sends."""
_PARTS_AT_ONCE = 3
"""Parts encoded in one run, which takes half a second or so, during which nothing else runs in the interpreter."""


class NotEnoughSymbolsError(EvidenceError):
    """Too few symbols are left to give the data back."""


def source_symbols(length: int, symbol_bytes: int) -> int:
    """How many symbols `length` bytes make before any is added."""
    return _parts(length, symbol_bytes)[0] * _parts(length, symbol_bytes)[1]


def symbols_needed(length: int, symbol_bytes: int) -> int:
    """How many symbols of those encoded give `length` bytes back, but for a chance of 1e-12 or so.

    With several parts the symbols that are left are not shared out evenly: seven standard deviations are added.
    """
    parts, per_part = _parts(length, symbol_bytes)
    if parts == 1:
        return per_part + SPARE_SYMBOLS
    return parts * (per_part + SPARE_SYMBOLS + int(np.ceil(7 * np.sqrt(per_part / 4))))


def most_bytes(symbols: int, symbol_bytes: int) -> int:
    """The longest data that `symbols` symbols are enough for."""
    low, high = 0, symbols * symbol_bytes
    while low < high:
        middle = (low + high + 1) // 2
        if symbols_needed(middle, symbol_bytes) <= symbols:
            low = middle
        else:
            high = middle - 1
    return low


def encode(data: bytes, symbol_bytes: int, count: int, progress: Progress = silent) -> NDArray[np.uint8]:
    """The first `count` symbols of the data, as many as are wanted.

    Parameters
    ----------
    data : bytes
        Anything, not empty.
    symbol_bytes : int
        Length of a symbol.
    count : int
        How many symbols.

    Returns
    -------
    ndarray of uint8, shape (count, symbol_bytes)
    """
    import raptorq

    parts, per_part = _parts(len(data), symbol_bytes)
    out = np.empty((count, symbol_bytes), np.uint8)
    wide = _wide(symbol_bytes)
    # One run for several parts: they have as many symbols each, so the library works its plan out once.
    for first in range(0, parts, _PARTS_AT_ONCE):
        run = range(first, min(first + _PARTS_AT_ONCE, parts))
        progress(first, parts)
        repairs = max(0, max(len(range(part, count, parts)) for part in run) - per_part)
        encoder = raptorq.Encoder.with_defaults(_source(data, symbol_bytes, run), wide)
        packets = encoder.get_encoded_packets(repairs)
        del encoder
        table = np.frombuffer(b"".join(packets), np.uint8).reshape(len(packets), 4 + wide)
        del packets
        place = run.start + table[:, 0].astype(np.int64) + parts * _numbers(table)
        fits = place < count
        out[place[fits]] = table[fits, 4 : 4 + symbol_bytes]
    progress(parts, parts)
    return out


def decode(
    length: int,
    symbol_bytes: int,
    numbers: NDArray[np.integer],
    symbols: NDArray[np.uint8],
    progress: Progress = silent,
) -> bytes:
    """The data behind some of its symbols.

    Parameters
    ----------
    length : int
        Bytes of the data.
    symbol_bytes : int
        Length of a symbol.
    numbers : ndarray of int, shape (n,)
        Which symbols there are, each once.
    symbols : ndarray of uint8, shape (n, symbol_bytes)
        Their bytes; all of them right.

    Returns
    -------
    bytes

    Raises
    ------
    NotEnoughSymbolsError
        If they do not suffice.
    """
    import raptorq

    parts, per_part = _parts(length, symbol_bytes)
    wide = _wide(symbol_bytes)
    found = []
    for part in range(parts):
        mine = np.flatnonzero(numbers % parts == part)
        if len(mine) < per_part:
            raise NotEnoughSymbolsError(f"{len(mine)} of the {per_part} symbols needed are left.")
        within = (numbers[mine] // parts).astype(np.int64)
        packets = np.zeros((len(mine), 4 + wide), np.uint8)
        for byte in range(3):
            packets[:, 1 + byte] = (within >> (8 * (2 - byte))) & 0xFF
        packets[:, 4 : 4 + symbol_bytes] = symbols[mine]
        decoder = raptorq.Decoder.with_defaults(per_part * wide, wide)
        whole = memoryview(packets.tobytes())
        size = 4 + wide
        result = None
        for at in range(0, len(whole), size):
            if at % (size << 13) == 0:
                progress(part, parts)
            result = decoder.decode(bytes(whole[at : at + size]))
            if result is not None:
                break
        if result is None:
            raise NotEnoughSymbolsError(f"The {len(mine)} symbols that are left do not give the data back.")
        found.append(np.frombuffer(result, np.uint8).reshape(per_part, wide)[:, :symbol_bytes].tobytes())
        progress(part + 1, parts)
    return b"".join(found)[:length]


def _parts(length: int, symbol_bytes: int) -> tuple[int, int]:
    """Number of runs of the code, and source symbols in each; symbol i belongs to run i % parts."""
    needed = max(1, -(-length // symbol_bytes))
    parts = -(-needed // MOST_SYMBOLS)
    return parts, -(-needed // parts)


def _wide(symbol_bytes: int) -> int:
    return -(-symbol_bytes // _ALIGNMENT) * _ALIGNMENT


def _source(data: bytes, symbol_bytes: int, run: range) -> bytes:
    """The data of some runs of the code, each symbol filled up to the library's alignment."""
    _, per_part = _parts(len(data), symbol_bytes)
    size = per_part * symbol_bytes
    filled = np.frombuffer(data[run.start * size : run.stop * size].ljust(len(run) * size, b"\0"), np.uint8)
    table = np.zeros((len(run) * per_part, _wide(symbol_bytes)), np.uint8)
    table[:, :symbol_bytes] = filled.reshape(-1, symbol_bytes)
    return table.tobytes()


def _numbers(packets: NDArray[np.uint8]) -> NDArray[np.int64]:
    wide = packets[:, 1:4].astype(np.int64)
    return (wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2]
