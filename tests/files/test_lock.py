"""A file that one process holds at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from napari_mits_gan.files.lock import held

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files cannot be held on Windows")

HOLD = """
import sys
from pathlib import Path
from napari_mits_gan.files.lock import held
with held(Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    sys.stdin.read()
"""


def test_what_a_process_holds_no_other_does_until_that_one_is_gone(tmp_path) -> None:
    path = tmp_path / "a" / "lock"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "True\n"
        with held(path) as ours:
            assert not ours
        process.kill()
    with held(path) as ours, held(path) as again:
        assert ours
        assert not again
