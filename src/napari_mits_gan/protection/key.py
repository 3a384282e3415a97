"""A key instead of a seed: a text that only the user knows; what is written down of it gives no seed away.

It recognises a perturbation; it does not hide one: where the stripes lie can be measured in the scan itself.
"""

from __future__ import annotations

from typing import Any

from napari_mits_gan.errors import ProtectionError
from napari_mits_gan.protection.noise_map import seed_from_key


def seed_and_record(seed: int, key: str | None) -> tuple[int, dict[str, Any]]:
    """The seed to draw from, and what may be written down of it.

    Parameters
    ----------
    seed : int
        Not negative; 0 where a key is given.
    key : str or None
        Any text; None draws from `seed`.

    Returns
    -------
    seed : int
        Who has it can compute the perturbation and take it off, so a seed from a key is not written down.
    record : dict
        JSON-serialisable: the seed, or that there was a key. Nothing that is derived from the key: a short text could
        be guessed from it.

    Raises
    ------
    ProtectionError
        If the seed is negative, the key empty or no text, or both are given.
    """
    if seed < 0:
        raise ProtectionError(f"the seed must not be negative; it is {seed}.")
    if key is None:
        return int(seed), {"seed": int(seed)}
    if not key:
        raise ProtectionError("the key is empty; give a text, or no key at all.")
    try:
        key.encode()
    except UnicodeEncodeError:
        raise ProtectionError("the key holds bytes that are no text; give another one.") from None
    if seed != 0:
        raise ProtectionError("a key and a seed were given; the seed is derived from the key, so give one of the two.")
    return seed_from_key(key), {"seed": "from a key"}
