"""Orders and masks that only the key tells: a stream cipher's output, sorted or taken as it is."""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from numpy.typing import NDArray


def keystream(key: bytes, length: int) -> bytes:
    """`length` bytes of ChaCha20 output under a 32-byte key that serves this one stream."""
    return Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor().update(bytes(length))


def keyed_order(key: bytes, count: int) -> NDArray[np.intp]:
    """The numbers 0 to count - 1 in an order that depends on the key alone.

    Item i is the number with the i-th smallest 64-bit little-endian word of the keystream; equal words keep the order
    of their numbers. (NumPy's generators promise no stable streams, a file format needs one.)
    """
    words = np.frombuffer(keystream(key, 8 * count), "<u8")
    return np.argsort(words, kind="stable")


def keyed_orders(key: bytes, orders: int, count: int) -> NDArray[np.intp]:
    """Several orders of the numbers 0 to count - 1, shape (orders, count), each of the next `count` words."""
    words = np.frombuffer(keystream(key, 8 * orders * count), "<u8").reshape(orders, count)
    return np.argsort(words, axis=1, kind="stable")
