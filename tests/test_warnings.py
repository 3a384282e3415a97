"""Which warnings the tests let pass: those of other packages, and none of our own."""

from __future__ import annotations

import re
import warnings

import pytest


def warn_from(module: str, category: type[Warning]) -> None:
    warnings.warn_explicit("viewer.scene.camera is deprecated", category, "some_file.py", 1, module=module)


@pytest.mark.parametrize("category", [DeprecationWarning, FutureWarning])
@pytest.mark.parametrize("module", ["napari_mits_gan", "napari_mits_gan.widgets.layers.view"])
def test_our_own_deprecated_calls_are_errors(module, category):
    with pytest.raises(category):
        warn_from(module, category)


def test_those_of_napari_are_none():
    warn_from("napari", DeprecationWarning)
    warn_from("napari.layers.image", DeprecationWarning)


def test_a_module_is_named_to_its_end(pytestconfig):
    for line in pytestconfig.getini("filterwarnings"):
        pattern = line.split(":")[3]
        assert not re.match(pattern, "napari_mits_gan.widgets") or line.startswith("error"), line
