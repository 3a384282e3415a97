"""The measurements of the seal, on a small scan, and the document made of figures by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.seal import keep, kept
from benchmarks.seal_report import document
from benchmarks.seal_stages import (
    KEY,
    Case,
    Wanted,
    change,
    copied,
    far_apart,
    healing,
    shares,
    single_voxels,
    transcodings,
)
from evidence.sealed_scans import body
from napari_mits_gan.evidence.seal import seal

WANTED = Wanted(attacks=5, repeats=1, overwritten=0.04)


def small_case(shape: tuple[int, int, int], folder: Path) -> Case:
    made = Case(Path("small body"), 2, WANTED, folder)
    made.__dict__["scan"] = body(shape, padding=True, noise=8)
    made.__dict__["sealed"] = seal(made.scan, KEY, bits=2)
    return made


def test_stages_count_what_is_named_and_healed(tmp_path: Path) -> None:
    case = small_case((24, 112, 128), tmp_path)
    assert change(case)["largest"] == 3
    for stage, attacks in ((single_voxels, 20), (copied, 5)):
        figures = stage(case)
        (found,) = figures["found"].values()
        assert found == [True] * attacks
        assert figures["named"][0] == figures["named"][1] > 0
        assert figures["wrongly"][0] == 0 < figures["wrongly"][1]

    figures = healing(case)
    assert 0 < figures["healed"]["lungs + 10 mm"] < figures["healed"]["body elsewhere"] < 50
    assert 0.1 < shares(case)["share"]["whole slices"][0] < 0.4


def test_no_transcoding_raises_an_alarm_and_a_changed_voxel_does(tmp_path: Path) -> None:
    case = small_case((4, 64, 80), tmp_path)
    assert list(transcodings(case)["alarms"].values()) == [False] * 11

    hu = case.sealed.hu.copy()
    hu[3, 30, 30] += 1
    case.__dict__["sealed"] = case.sealed.with_hu(hu, case.sealed.history[-1])
    assert all(transcodings(case)["alarms"].values())


def test_places_of_a_group_lie_far_apart_and_each_attack_has_one() -> None:
    rng = np.random.default_rng(0)
    places = [tuple(int(n) for n in rng.integers(0, 300, 3)) for _ in range(20)]

    groups = list(far_apart(places, (2.0, 0.7, 0.7), 30))

    assert sorted(at for group in groups for at in group) == sorted(places[i % 20] for i in range(30))
    for group in groups:
        for i, a in enumerate(group):
            for b in group[:i]:
                apart = np.abs(np.subtract(a, b) * (2.0, 0.7, 0.7))
                assert apart[0] >= 46 or apart[1:].max() >= 56


def test_figures_are_kept_for_the_same_options_only(tmp_path: Path) -> None:
    keep(tmp_path, Path("scan.nii.gz"), 1, "change", WANTED, {"largest": 1})

    assert kept(tmp_path, Path("scan.nii.gz"), 1, "change", WANTED) == {"largest": 1}
    assert kept(tmp_path, Path("scan.nii.gz"), 1, "change", Wanted(attacks=6)) is None
    assert kept(tmp_path, Path("scan.nii.gz"), 2, "change", WANTED) is None


def test_the_document_says_what_was_met_and_what_was_missed() -> None:
    one = {
        "change": {"largest": 1, "rms": 0.71, "padding": 0.21, "copy_bytes": 5, "bits_a_voxel": 0.5},
        "copied": {"found": {"copy and paste": [True, True]}, "named": [7, 7], "wrongly": [0, 90]},
        "healing": {"found": {}, "named": [3, 3], "wrongly": [0, 10], "healed": {"lungs + 10 mm": 10.4}},
        "shares": {"share": {"whole slices": [0.12, 0.09]}},
        "injections": {"found": {}, "named": [0, 0], "wrongly": [0, 0], "back": {"injected nodules gone": [True] * 3}},
        "transcodings": {"alarms": {"nrrd": False, "rle": True}},
        "speed": {"slices": 300, "load": 1.0, "rows": {"seal": _speed(11.0, 1100.0)}},
    }
    two = {**one, "speed": {"slices": 300, "load": 1.0, "rows": {"seal": _speed(12.4, 900.0)}}}
    text = document({1: {"a": one}, 2: {"a": two}}, held_out=False)

    assert "| largest change of a value | 1 (≤ 1: met) | 1 (≤ 3: met) |" in text
    assert "| RMS change, padding left out | 0.710 (≤ 0.75: met) | 0.710 (≤ 1.7: met) |" in text
    assert "| changed blocks named | 10 of 10 (all: met) |" in text
    assert "| untouched blocks named | 0 of 100 (none: met) |" in text
    assert "healed, lungs + 10 mm, RMS in HU: a (21 % padding) | 10.4 (≤ 10: missed) | 10.4 (≤ 4.5: missed) |" in text
    assert "whole slices, %: a | 9.0 to 12.0 (≥ 10: missed) |" in text
    assert "| injected nodules gone | 3 of 3, 100 % (44 – 100) (≥ 99: met) |" in text
    assert "transcodings | 1 of 2 (≤ 0: missed): a, rle |" in text
    assert "| seal, 1 bit(s), a | 11.0 (≤ 12: met) | 20.0 | 1100 (≤ 1024: missed) | 0.3 (≤ 1: met) | 1.0 |" in text
    assert "| seal, 2 bit(s), a | 12.4 (≤ 12: missed) | 20.0 | 900 (≤ 1024: met) |" in text


def _speed(seconds: float, mib: float) -> dict[str, float]:
    return {"seconds": seconds, "processor": 20.0, "mib": mib, "silence": 0.3}
