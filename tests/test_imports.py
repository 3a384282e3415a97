"""What importing the package may load; each question is asked in a fresh interpreter."""

import json
import pkgutil
import subprocess
import sys

import pytest

import napari_mits_gan

WINDOW = {"napari", "qtpy", "PyQt5", "PyQt6", "PySide6", "magicgui", "superqt", "vispy"}


def loaded_by(statements: str) -> set[str]:
    script = f"{statements}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


def core_modules() -> list[str]:
    found = pkgutil.walk_packages(napari_mits_gan.__path__, "napari_mits_gan.", onerror=lambda name: None)
    return [m.name for m in found if ".widgets" not in m.name and not m.name.endswith("__main__")]


def test_importing_the_package_loads_neither_torch_nor_a_window():
    assert not loaded_by("import napari_mits_gan") & (WINDOW | {"torch", "SimpleITK", "pydicom"})


def test_no_module_of_the_core_loads_a_window():
    modules = core_modules()
    assert "napari_mits_gan.ct.volume" in modules
    imports = "\n".join(f"import {name}" for name in modules)
    assert not loaded_by(imports) & WINDOW


@pytest.mark.parametrize("package", ["ct", "phantom", "command_line"])
def test_what_needs_no_network_does_not_load_torch(package):
    inside = [name for name in core_modules() if name.startswith(f"napari_mits_gan.{package}")]
    assert inside
    assert "torch" not in loaded_by("\n".join(f"import {name}" for name in inside))
