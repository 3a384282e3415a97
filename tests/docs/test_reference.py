"""The pages of the reference hold all that they have to, and are up to date."""

from __future__ import annotations

import napari_mits_gan as mg
from scripts.make_command_reference import DOCUMENT, reference


def test_the_page_of_the_command_line_is_what_it_says_of_itself() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == reference(), "run python scripts/make_command_reference.py"


def test_the_page_of_python_has_every_name_of_the_package() -> None:
    page = (DOCUMENT.parent / "python.md").read_text(encoding="utf-8")
    names = [getattr(mg, name) for name in mg.__all__ if name != "__version__"]
    assert [found for found in names if f"::: {found.__module__}.{found.__name__}\n" not in page] == []
