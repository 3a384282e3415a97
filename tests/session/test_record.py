"""A session written down: read back as it was, as commands and Python that can be run, as a page with pictures."""

from __future__ import annotations

import ast
import base64
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_mits_gan.attack.contract import Attacker, Painted
from napari_mits_gan.command_line.main import parser
from napari_mits_gan.ct.grid import Box
from napari_mits_gan.ct.volume import CTVolume, Step
from napari_mits_gan.protection.gaussian_noise import GaussianNoise
from napari_mits_gan.session import AttackVerdict, Injection, Session
from napari_mits_gan.session.attack_verdicts import as_rows
from napari_mits_gan.session.record import (
    Record,
    RecordedAttack,
    RecordedProtection,
    RecordError,
    protection_options,
    record_of,
)
from napari_mits_gan.session.report import session_report
from napari_mits_gan.session.script import command_lines, python_lines
from napari_mits_gan.workflow.protect_series import ProtectionOptions

RECORD = Record(
    path="/scans/a b",
    series="1.2.3",
    shape=(40, 90, 120),
    attacks=(
        RecordedAttack("inject", (20, 45, 34)),
        RecordedAttack("remove", (1, 2, 3), "/weights/my remover.safetensors"),
    ),
    protection=RecordedProtection("gaussian-noise", 11, 0, True, {"sigma": 0.25}, without_lungs=True),
    protection_on=True,
    view={"plane": "coronal", "voxel": [1, 2, 3]},
    figures=tuple(as_rows([AttackVerdict(Injection("inject", (20, 45, 34)), "lung", deviation=0.5, disrupted=True)])),
)


def test_it_is_read_back_as_it_was():
    assert Record.from_json(RECORD.to_json()) == RECORD
    assert Record.from_json(Record("scan.nii", None, (1, 2, 3)).to_json()) == Record("scan.nii", None, (1, 2, 3))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "another"}', RECORD.to_json()[:-40], "\0"])
def test_what_is_no_session_is_refused(text):
    with pytest.raises(RecordError):
        Record.from_json(text)


def test_damage_and_other_versions_are_told_apart():
    with pytest.raises(RecordError, match="damaged"):
        Record.from_json(RECORD.to_json().replace('"inject"', '"explode"'))
    with pytest.raises(RecordError, match="another version"):
        Record.from_json(RECORD.to_json().replace('"version": 1', '"version": 2'))


def test_the_key_is_not_written_and_is_asked_for():
    options = ProtectionOptions(GaussianNoise(sigma=0.25), 11, key="ward 7", without_lungs=True)
    session = Session(protector=lambda volume, given, progress: volume)
    volume = CTVolume(np.zeros((4, 4, 4), np.int16), (1, 1, 1))
    session.open(volume)
    session.accept_protected(volume.with_hu(volume.hu, Step("protection", {"method": "gaussian-noise"})))
    record = record_of(session, Path("scan"), None, options, (), {})
    assert "ward 7" not in record.to_json()
    with pytest.raises(RecordError, match="key"):
        protection_options(record.protection, None)
    assert protection_options(Record.from_json(record.to_json()).protection, "ward 7") == options


def test_the_commands_are_understood_by_the_command_line():
    lines = command_lines(RECORD).splitlines()
    assert len(lines) == 5
    parsed = [parser().parse_args(shlex.split(line)[1:]) for line in lines]
    assert str(parsed[0].input) == "/scans/a b"
    assert (parsed[0].method, parsed[0].max_change_hu, parsed[0].without_lungs) == ("gaussian-noise", 11, True)
    assert [options.at for options in parsed[1:]] == [(20, 45, 34)] * 2 + [(1, 2, 3)] * 2
    assert str(parsed[3].weights) == "/weights/my remover.safetensors"
    assert command_lines(Record("scan", None, (1, 1, 1))) == "napari-mits-gan open scan\n"


def test_the_script_is_python_and_does_the_same(monkeypatch):
    calls = []

    class Recorder:
        def __getattr__(self, name):
            def call(*given, **named):
                calls.append((name, given, named))
                return Recorder()

            return call

    script = python_lines(RECORD)
    ast.parse(script)
    monkeypatch.setattr("builtins.input", lambda prompt: "ward 7")
    exec(script.replace("import napari_mits_gan as mg", ""), {"mg": Recorder()})
    named = [name for name, *_ in calls]
    assert named == ["read_ct", "protect", *["load_attacker", "tamper", "tamper"] * 2]
    assert calls[0][1:] == (("/scans/a b",), {"series": "1.2.3"})
    assert calls[1][1][1:] == (GaussianNoise(sigma=0.25), 11)
    assert calls[1][2] == {"key": "ward 7", "without_lungs": True}


def test_the_report_has_pictures_of_both_versions_and_no_markup_from_names():
    hu = np.full((8, 60, 60), -800, dtype=np.int16)
    scan = CTVolume(hu, (2.0, 1.0, 1.0), name="<b>chest</b>")

    class Paints(Attacker):
        name, action, family = "paints", "inject", "paints"

        def touched(self, at, spacing):
            return Box((at[0], at[1] - 5, at[2] - 5), (1, 10, 10))

        def paint(self, volume, at):
            box = self.touched(at, volume.spacing)
            return Painted(box, np.full(box.shape, 100))

    from napari_mits_gan.session import Networks

    session = Session(Networks(load_attacker=lambda action, device: Paints()))
    session.open(scan)
    session.accept_protected(scan.with_hu(hu + np.int16(1), Step("protection", {"method": "m", "max_change_hu": 1})))
    session.add_injection("inject", (4, 30, 30))
    page = session_report(session, (AttackVerdict(session.injections[0], "lung"),))
    assert "<b>chest" not in page
    assert "<dd>m</dd>" in page
    pictures = [base64.b64decode(data) for data in re.findall(r'base64,([^"]+)"', page)]
    assert len(pictures) == 4
    middle = [np.asarray(Image.open(io.BytesIO(data)))[120, 120, 0] for data in pictures]
    assert middle[0] < 120 < 200 < middle[1]
    assert page.count("SIMULATED ATTACK on the") == 4
