"""The page of the command line is what the command line says of itself."""

from __future__ import annotations

from scripts.make_command_reference import DOCUMENT, reference


def test_the_page_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == reference(), "run python scripts/make_command_reference.py"
