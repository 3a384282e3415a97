"""Every block of code in README and docs runs as a reader would run it, page by page, or says why it cannot here."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from code_blocks import REPOSITORY, RUN, SHOWN, Block, blocks_of, documents
from napari_mits_gan.archive import run as archive_run
from napari_mits_gan.archive.workers import run_in_this_process
from napari_mits_gan.command_line.main import main
from napari_mits_gan.ct.dicom.write import write_dicom
from napari_mits_gan.ct.read import read_ct

PROGRAM = "napari-mits-gan"
BLOCKS = {document: list(blocks_of(document)) for document in documents()}
NEEDS = ("hours", "display", "cluster", "installs", "background", "scans that are not part of the repository")
"""What a block may need that is not here: the reason for not running it has one of these words."""


@pytest.mark.parametrize("document", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_block_says_what_it_is(document: Path) -> None:
    for block in BLOCKS[document]:
        assert block.language in (*RUN, *SHOWN), f"{block.place}: a block of {block.language or 'no language'}"
        if block.reason:
            assert any(need in block.reason for need in NEEDS), f"{block.place}: “{block.reason}” is no reason"


def _is_run(block: Block) -> bool:
    return block.language in RUN and not block.reason


@pytest.mark.parametrize(
    "document",
    [document for document, blocks in BLOCKS.items() if any(map(_is_run, blocks))],
    ids=lambda path: str(path.relative_to(REPOSITORY)),
)
def test_the_blocks_of_a_page_run_one_after_the_other(document: Path, readers_folder: Path) -> None:
    if "INJ/" in document.read_text(encoding="utf-8"):
        _weights_of_authors(readers_folder / "INJ")
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in filter(_is_run, BLOCKS[document]):
        _run(block, names)


def test_a_command_with_another_exit_code_than_told_fails(readers_folder: Path) -> None:
    block = Block(REPOSITORY / "README.md", 1, "bash", f"{PROGRAM} info nothing/", "")
    with pytest.raises(AssertionError, match=r"README\.md, line 1: napari-mits-gan info nothing/ gave 1"):
        _run(block, {})
    _run(replace(block, text=f"{block.text}  # exit code 1: there is nothing"), {})


def test_a_command_of_the_shell_that_fails_is_told(readers_folder: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        _run(Block(REPOSITORY / "README.md", 1, "console", "$ ls nothing\nfiles", ""), {})


@pytest.fixture(scope="session")
def small_chest(sample_series: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Most of a lung of the sample scan, on which commands work for less than a second.

    Where the pages attack, at voxel (34, 110, 45), there is lung here as well as in the whole scan, and so there is
    where CT-GAN copies noise from.
    """
    scan = read_ct(sample_series)
    part = replace(scan, hu=scan.hu[44:90, 45:173, 15:99].copy(), padding=None, source=None)
    folder = tmp_path_factory.mktemp("page") / "chest"
    write_dicom(part, folder, series_description="Chest")
    return folder


@pytest.fixture
def readers_folder(small_chest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader sits, with the scans that the pages name: a chest, twice, the sample, an archive of one series."""
    for place in ("chest", "received", "sample_data/chest_phantom", "scans/patient/ct"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(small_chest, tmp_path / place)
    monkeypatch.chdir(tmp_path)
    # Processes that share the work take seconds to start; tests/archive has them.
    monkeypatch.setattr(archive_run, "run_here", lambda tasks, context, *_: run_in_this_process(tasks, context))
    return tmp_path


def _run(block: Block, names: dict[str, Any]) -> None:
    if block.language == "python":
        # As many lines before it as in the document, so that a traceback names the right one.
        exec(compile("\n" * block.line + block.text, block.place, "exec"), names)
        return
    for line in _commands(block):
        words = shlex.split(line, comments=True)
        if words and words[0] == PROGRAM:
            wanted = re.search(r"#.*\bexit code (\d+)", line)
            code = _exit_code(words[1:])
            assert code == int(wanted[1] if wanted else 0), f"{block.place}: {' '.join(words)} gave {code}"
        elif words:
            subprocess.run(["bash", "-e", "-c", line], check=True, capture_output=True)


def _commands(block: Block) -> Iterator[str]:
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "console":
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    yield from lines


def _exit_code(arguments: list[str]) -> int:
    try:
        return main(arguments)
    except SystemExit as stopped:  # --version and --help
        return stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)


def _weights_of_authors(folder: Path) -> None:
    """An injector in the authors' layout, small and untrained."""
    import torch

    from keras_folder import write_folder
    from napari_mits_gan.attack.ctgan.network import Generator

    torch.manual_seed(0)
    write_folder(folder, Generator(4).eval())
