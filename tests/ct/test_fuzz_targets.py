"""Any bytes whatever give a parser's result or its refusal; `scripts/fuzz_parsers.py` tries many more, by coverage."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fuzz_targets
from damaged_input import EXAMPLES, byte_edits, damaged_bytes


@pytest.mark.parametrize("name", fuzz_targets.TARGETS)
def test_a_parser_takes_any_bytes(name, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(fuzz_targets, "_PLACE", tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    good = fuzz_targets.seeds(name)
    for data in good:
        fuzz_targets.TARGETS[name](data)

    @settings(max_examples=EXAMPLES // 2, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.sampled_from(good), byte_edits)
    def try_one(data, changes) -> None:
        fuzz_targets.TARGETS[name](damaged_bytes(data, changes))

    try_one()
