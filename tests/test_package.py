import importlib.metadata
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import napari_mits_gan as mg

REPOSITORY = Path(__file__).resolve().parents[1]


def test_every_public_name_can_be_had():
    for name in mg.__all__:
        assert getattr(mg, name) is not None
    assert set(mg.__all__) <= set(dir(mg))


def test_every_public_name_is_documented():
    for name in mg.__all__:
        if not name.startswith("__"):
            assert len(getattr(mg, name).__doc__ or "") > 200, f"{name} has no complete docstring"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'protekt'"):
        _ = mg.protekt


def test_the_version_is_the_installed_one():
    assert importlib.metadata.version("napari-mits-gan") == mg.__version__


def test_the_module_runs_as_the_command_does():
    result = subprocess.run([sys.executable, "-m", "napari_mits_gan", "--version"], capture_output=True, text=True)
    assert result.returncode == 0
    assert result.stdout.strip() == f"napari-mits-gan {mg.__version__}"


@pytest.fixture
def pyproject():
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


def test_the_build_asks_for_a_hatchling_that_knows_a_list_of_license_files(pyproject):
    assert isinstance(pyproject["project"]["license-files"], list)
    asked = [*pyproject["build-system"]["requires"], *pyproject["project"]["optional-dependencies"]["dev"]]
    (floors,) = {Requirement(r).specifier for r in asked if Requirement(r).name == "hatchling"}
    assert not floors.contains("1.26.3")
    assert floors.contains("1.27.0")


@pytest.mark.parametrize("binding", ["pyqt6", "pyside6"])
def test_a_qt_binding_comes_with_napari_s_own_exclusions(pyproject, binding):
    extras = pyproject["project"]["optional-dependencies"]
    asked = [Requirement(r) for r in extras[binding]]
    assert {"napari"} == {r.name for r in asked if binding in r.extras}
    own = [r for r in asked if r.name.lower() in ("pyqt6", "pyside6")]
    assert all(each.operator == "!=" for r in own for each in r.specifier), "a range of its own"
    everything = [Requirement(r) for r in extras["all" if binding == "pyqt6" else "all-pyside6"]]
    assert any(r.name == "napari-mits-gan" and binding in r.extras for r in everything)
