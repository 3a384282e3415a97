"""Options of the protection methods on the command line, made from their dataclasses."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from napari_mits_gan.command_line.main import main, parser
from napari_mits_gan.command_line.options import chosen_method
from napari_mits_gan.ct.read import read_ct
from napari_mits_gan.options import options_of
from napari_mits_gan.protection.gaussian_noise import GaussianNoise
from napari_mits_gan.protection.pgd import Pgd
from napari_mits_gan.protection.protect import METHODS, protect


def test_an_option_of_the_method_reaches_it(image_file, short_scan, tmp_path):
    given = ["--method", "gaussian-noise", "--gaussian-noise-sigma", "0.2", "--seed", "5"]
    assert main(["protect", str(image_file), str(tmp_path / "out"), *given]) == 0
    expected = protect(short_scan, GaussianNoise(sigma=0.2), seed=5)
    np.testing.assert_array_equal(read_ct(tmp_path / "out").hu, expected.hu)


def test_steps_visits_click_and_attackers_of_pgd_can_be_given():
    given = "--method pgd --pgd-steps 7 --pgd-visits 2.5 --pgd-at 3 4 5 --pgd-attackers inject other.safetensors"
    options = parser().parse_args(["protect", "in", "out", *given.split()])
    assert chosen_method(options) == Pgd((3, 4, 5), ("inject", "other.safetensors"), steps=7, visits=2.5)
    assert chosen_method(parser().parse_args(["protect", "in", "out", "--method", "pgd"])) == "pgd"


@pytest.mark.parametrize("command", ["protect", "evaluate", "vulnerability"])
def test_help_names_every_option_of_every_method(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    told = "".join(capsys.readouterr().out.split())  # lines are broken at hyphens
    for name, kind in METHODS.items():
        assert name in told
        for option in options_of(kind):
            assert f"--{name}-{option.name}" in told


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["--pgd-steps", "9"], "--pgd-steps goes with --method pgd only"),
        (["--method", "pgd", "--pgd-steps", "0"], "steps must be at least 1"),
        (["--method", "pgd", "--pgd-steps", "x"], "steps must be a whole number"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_read(given, says, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["protect", "nowhere", "out", *given])
    assert ended.value.code == 2
    assert says in capsys.readouterr().err


def test_commands_without_a_method_do_not_load_torch():
    code = "import sys; from napari_mits_gan.command_line.main import main\n"
    code += "try: main(['info', '--help'])\nexcept SystemExit: pass\nprint('torch' in sys.modules, file=sys.stderr)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stderr.strip() == "False"
