"""One entry for measurements: figures are kept with the machine, and compared with its last ones."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks import __main__ as entry
from benchmarks import growth, measure

MEASUREMENT = """
import sys
from benchmarks.measure import tell
tell({"time, s": float(sys.argv[1]), "slices": 60})
"""


@pytest.fixture
def measure_as(tmp_path, monkeypatch):
    """Measures something that takes as long as it is told to."""
    (tmp_path / "told_time.py").write_text(MEASUREMENT)
    monkeypatch.setenv("PYTHONPATH", ":".join([str(tmp_path), *sys.path]))

    def measured(seconds: str) -> bool:
        monkeypatch.setitem(entry.SUITE, "told", ("told_time", seconds))
        return entry.measured("told", tmp_path / "results")

    (tmp_path / "results").mkdir()
    return measured


def test_figures_are_kept_with_the_machine_and_compared_with_the_last(measure_as, tmp_path, capsys) -> None:
    assert measure_as("10")
    assert "new: time, s: 10" in capsys.readouterr().out
    assert measure_as("12")
    assert "time, s: 10 before, 12 now" in capsys.readouterr().out
    kept = [json.loads(path.read_text()) for path in sorted((tmp_path / "results").iterdir())]
    assert [found["figures"]["time, s"] for found in kept] == [10, 12]
    assert kept[0]["machine"]["cores"] >= 1
    assert len(kept[0]["load"]["before"]) == 3


def test_a_measurement_that_fails_keeps_nothing(measure_as, tmp_path) -> None:
    assert not measure_as("no number")
    assert list((tmp_path / "results").iterdir()) == []


def test_every_measurement_of_the_list_can_be_run() -> None:
    from importlib.util import find_spec

    assert all(find_spec(module) is not None for module, *_ in entry.SUITE.values())


def test_growth_is_drawn_with_a_point_for_each_number_of_slices() -> None:
    drawn = growth.plot({"time": {60: 10.0, 300: 12.0}, "time of all cores": {60: 20.0, 300: 21.0}})
    assert drawn.startswith("<svg")
    assert drawn.count("<circle") == 4


def test_processors_time_is_told_beside_the_clocks() -> None:
    took, computed = measure.cpu_seconds(lambda: sum(range(200_000)))
    assert took > 0
    assert computed > 0
