"""What importing the package may load; asked of a fresh interpreter."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import napari_mits_gan

WINDOW = {"napari", "qtpy", "PyQt5", "PyQt6", "PySide6", "magicgui", "superqt", "vispy"}


PACKAGES = ("ct", "phantom", "command_line")
"""Packages that need no network."""

# One interpreter for all questions: each would load most of the same again.
SCRIPT = """
import json, sys
for names in json.loads(sys.argv[1]):
    for name in names:
        __import__(name)
    print(json.dumps(sorted({module.split(".")[0] for module in sys.modules})))
"""


def core_modules() -> list[str]:
    package = Path(napari_mits_gan.__file__).parent
    files = [path.relative_to(package.parent).with_suffix("") for path in sorted(package.rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in files]
    return [name for name in names if ".widgets" not in name and not name.endswith("__main__")]


def modules_of(package: str) -> list[str]:
    return [name for name in core_modules() if name.startswith(f"napari_mits_gan.{package}")]


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """What is loaded after each of these, imported one after the other in a fresh interpreter."""
    steps = {"package": ["napari_mits_gan"], **{name: modules_of(name) for name in PACKAGES}, "core": core_modules()}
    command = [sys.executable, "-c", SCRIPT, json.dumps(list(steps.values()))]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    return {step: set(json.loads(line)) for step, line in zip(steps, result.stdout.splitlines(), strict=True)}


def test_importing_the_package_loads_neither_torch_nor_a_window(loaded):
    assert "napari_mits_gan" in loaded["package"]
    assert not loaded["package"] & (WINDOW | {"torch", "SimpleITK", "pydicom"})


def test_no_module_of_the_core_loads_a_window(loaded):
    assert "napari_mits_gan.ct.volume" in core_modules()
    assert "torch" in loaded["core"]
    assert not loaded["core"] & WINDOW


@pytest.mark.parametrize("package", PACKAGES)
def test_what_needs_no_network_does_not_load_torch(loaded, package):
    assert modules_of(package)
    assert "torch" not in loaded[package]
