"""The manifest that napari reads."""

from pathlib import Path

import pytest

from napari_mits_gan.ct.suffixes import READABLE_SUFFIXES

npe2 = pytest.importorskip("npe2", reason="npe2 comes with napari")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def manifest():
    return npe2.PluginManifest.from_distribution("napari-mits-gan")


def test_the_installed_manifest_is_the_file_at_the_top_level(manifest):
    assert manifest.model_dump() == npe2.PluginManifest.from_file(REPOSITORY / "napari.yaml").model_dump() | {
        "package_metadata": manifest.model_dump()["package_metadata"]
    }


def test_the_manifest_in_the_package_is_a_file_of_its_own_and_the_same_as_the_one_at_the_top_level():
    # A symbolic link becomes a text file with the link's target in it where Git checks out on Windows.
    inside, top = REPOSITORY / "src" / "napari_mits_gan" / "napari.yaml", REPOSITORY / "napari.yaml"
    assert not inside.is_symlink()
    assert not top.is_symlink()
    assert inside.read_bytes() == top.read_bytes()


def test_every_command_can_be_imported(manifest):
    pytest.importorskip("napari", reason="the window's modules need napari")
    manifest.validate_imports()


def test_every_command_is_used(manifest):
    used = {
        contribution.command
        for kind in (
            *(manifest.contributions.readers, manifest.contributions.widgets, manifest.contributions.sample_data),
            *manifest.contributions.menus.values(),
        )
        for contribution in kind or []
    }
    in_the_command_palette_only = {"napari-mits-gan.tour", "napari-mits-gan.help"}
    assert {command.id for command in manifest.contributions.commands} == used | in_the_command_palette_only


def test_the_reader_is_offered_for_every_kind_of_file_that_it_reads(manifest):
    (reader,) = manifest.contributions.readers
    assert reader.accepts_directories
    assert set(reader.filename_patterns) == {f"*{suffix}" for suffix in READABLE_SUFFIXES}
