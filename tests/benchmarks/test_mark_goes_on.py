"""A run of the mark's benchmark that was stopped goes on where it was."""

from __future__ import annotations

import pytest

from benchmarks.mark import Attack, Results, Untouched

ATTACK = Attack("scan", 1.25, "parenchyma", "inject", "inject", "untouched", 9.5, True, 12.25)
UNTOUCHED = Untouched("scan", "blur-0.5", 3, 4.5, 0, 4.25, 30.0)


def test_what_was_measured_is_kept_and_not_measured_again(tmp_path):
    kept = tmp_path / "raw.json"
    first = Results(kept_at=kept)
    first.once("scan: inject, group 0", lambda: first.attacks.append(ATTACK))
    with pytest.raises(KeyboardInterrupt):
        first.once("scan: key 3", interrupted)
    again = Results.read([kept])
    again.kept_at = kept
    assert (again.attacks, again.untouched, again.done) == ([ATTACK], [], ["scan: inject, group 0"])
    again.once("scan: inject, group 0", lambda: again.attacks.append(ATTACK))
    again.once("scan: key 3", lambda: again.untouched.append(UNTOUCHED))
    whole = Results.read([kept])
    assert (whole.attacks, whole.untouched) == ([ATTACK], [UNTOUCHED])
    assert whole.done == ["scan: inject, group 0", "scan: key 3"]


def interrupted() -> None:
    raise KeyboardInterrupt
