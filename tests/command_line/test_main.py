"""What every command has in common: exit codes, and one sentence instead of a traceback."""

import subprocess
import sys

import pytest

from napari_mits_gan.command_line import info
from napari_mits_gan.command_line.main import main
from napari_mits_gan.errors import Cancelled

COMMANDS = ("demo", "open", "info", "protect", "tamper", "evaluate", "train", "convert", "sites")


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    told = capsys.readouterr().out
    assert all(command in told for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    assert f"napari-mits-gan {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["info"],
        ["protect", "scan"],
        ["protect", "scan", "out", "--max-change-hu", "many"],
        ["protect", "scan", "out", "--seed", "-1"],
        ["tamper", "scan", "out.nii.gz", "--at", "1,2", "--action", "inject"],
        ["tamper", "scan", "out.nii.gz", "--at", "1,2,3", "--action", "destroy"],
        ["train", "nothing", "scan", "--output", "w.safetensors"],
        ["train", "protection", "scan", "--output", "w.safetensors", "--base-filters", "4"],
    ],
)
def test_a_command_line_that_makes_no_sense_exits_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_what_cannot_be_done_exits_with_1_and_says_why_in_one_sentence(tmp_path):
    command = [sys.executable, "-m", "napari_mits_gan", "info", str(tmp_path / "missing")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    (sentence,) = result.stderr.strip().splitlines()
    assert sentence.startswith("napari-mits-gan: There is no file or folder called missing")


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Cancelled])
def test_an_interrupted_command_exits_with_130(stop, monkeypatch, capsys):
    def interrupted(*arguments):
        raise stop

    monkeypatch.setattr(info, "read_with_bar", interrupted)
    assert main(["info", "scan"]) == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["demo", "open"])
def test_without_napari_the_window_commands_say_what_to_install(command):
    # None in sys.modules makes Python refuse the import, as in an environment without the package.
    script = (
        "import sys; sys.modules['napari'] = None\n"
        "from napari_mits_gan.command_line.main import main\n"
        f"sys.exit(main(['{command}']))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 1
    assert 'pip install "napari-mits-gan[all]"' in result.stderr
    assert "Traceback" not in result.stderr
