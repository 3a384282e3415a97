"""Sparing the user what vispy does again for each text that it draws for the first time.

A panel has seven texts: four letters, its name, the scale bar, the colour bar. Each is a shader program of its own with
the same source, 86 kB, which vispy 0.17 searches for variables each time, 20 to 50 ms long; with three panels that was
a third of the first click.
"""

from __future__ import annotations

from functools import wraps
from typing import Any

from vispy.gloo import Program

_MOST_SOURCES = 300
_PARSE, _FOUND = "_parse_variables_from_code", "_code_variables"


def search_each_source_once() -> None:
    """Let vispy keep which variables a source has. Where it works otherwise than known, it is left as it is."""
    original = getattr(Program, _PARSE, None)
    if original is None or hasattr(original, "__wrapped__"):
        return
    known: dict[tuple[str, ...], dict[str, Any]] = {}

    @wraps(original)
    def parse(program: Any, update_variables: bool = True) -> None:
        source = tuple(shader.code for shader in program.shaders)
        if source in known:
            setattr(program, _FOUND, dict(known[source]))
            if update_variables:
                program._process_pending_variables()
            return
        original(program, update_variables)
        if isinstance(found := getattr(program, _FOUND, None), dict) and len(known) < _MOST_SOURCES:
            known[source] = dict(found)

    setattr(Program, _PARSE, parse)
