"""Keeping names of files out of sentences: what a report says of a series must not name a patient."""

from __future__ import annotations

import re
from collections.abc import Iterable

_LEFT_OUT = "a file"
_SHORTEST, _SHORTEST_WITHOUT_LETTERS = 4, 5
"""Shorter names, such as IM1 or 17, name nobody, and are words and numbers of other meaning."""


def without_names(sentence: str, names: Iterable[str]) -> str:
    """A sentence with names of files left out."""
    naming = sorted({name for name in names if _may_name_someone(name) and name in sentence}, key=len, reverse=True)
    for name in naming:
        sentence = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", _LEFT_OUT, sentence)
    return sentence


def _may_name_someone(name: str) -> bool:
    return len(name) >= (_SHORTEST if any(c.isalpha() for c in name) else _SHORTEST_WITHOUT_LETTERS)
