import importlib.metadata
import subprocess
import sys

import pytest

import napari_mits_gan as mg


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
