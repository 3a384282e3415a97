"""The tables of an inspection's figures, of records made by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks.inspection import joined
from benchmarks.inspection_report import tables, write_into
from napari_mits_gan.inspection.fixed_spot import FixedSpot
from napari_mits_gan.inspection.inspect import METHODS

FAR_ABOVE, FAR_BELOW = 99.0, -99.0


def attacked(*sites: list[list[Any]], key: str = "attacked/scan/remove") -> dict[str, Any]:
    told = {"family": "CT-GAN", "name": "remove", "scan": "scan", "kind": "attacked"}
    return {"key": key, **told, "sites": list(sites), "others": []}


def untouched(key: str, kind: str, **scores: list[float]) -> dict[str, Any]:
    every = {method.name: [FAR_BELOW] for method in METHODS}
    return {"key": key, "kind": "treated", "class": kind, "scan": "scan", "scores": {**every, **scores}}


def finding(score: float, away_mm: float, method: str = FixedSpot.name) -> list[Any]:
    return [method, score, 0.0, away_mm]


def test_a_site_counts_as_found_by_what_is_rare_and_near_enough() -> None:
    sites = ([finding(FAR_ABOVE, 2)], [finding(FAR_ABOVE, 8)], [finding(FAR_BELOW, 0)], [])
    (row,) = tables([attacked(*sites)])["what is found"].splitlines()[2:]
    assert [cell.split(",")[0].strip() for cell in row.split("|")[3:6]] == ["1 of 4", "2 of 4", "1 of 4"]


def test_a_mirrored_spot_is_counted_beside_the_inspections() -> None:
    calm = [
        untouched("a", "sealed", **{FixedSpot.name: [FAR_BELOW, FAR_ABOVE, FAR_BELOW, FAR_BELOW]}),
        untouched("b", "sealed", **{"noise level": [FAR_ABOVE]}),
        untouched("c", "denoiser"),
    ]
    by_kind = tables(calm)["false alarms"].split("\n\n")[0].splitlines()
    rows = {cells[1].strip(): cells[2:4] for cells in (line.split("|") for line in by_kind[2:])}
    counts = {kind: [cell.split(",")[0].strip() for cell in cells] for kind, cells in rows.items()}
    assert counts["sealed, two bits"] == ["1 of 2", "1 of 5"]
    assert counts["denoised"] == ["0 of 1", "0 of 1"]
    assert counts["all"] == ["1 of 3", "1 of 6"]


def test_an_inspection_by_too_few_methods_is_not_counted() -> None:
    few = untouched("a", "sealed")
    few["scores"] = {FixedSpot.name: [FAR_ABOVE]}
    (row, _) = tables([few])["false alarms"].split("\n\n")[0].splitlines()[2:]
    assert [cell.strip() for cell in row.split("|")[2:4]] == ["–", "1 of 1, 100 % (21 – 100)"]


def test_a_method_measured_again_replaces_what_it_found_before() -> None:
    first = attacked([finding(7, 0), finding(9, 1, "noise level")], [finding(7, 0)])
    again = attacked([finding(8, 0)], [], key=f"{first['key']} [{FixedSpot.name}]")
    (both,) = joined([first, again])
    assert both["sites"] == [[finding(9, 1, "noise level"), finding(8, 0)], []]


def test_tables_are_put_between_their_markers(tmp_path: Path) -> None:
    document = tmp_path / "inspect.md"
    names = tables([attacked([])])
    marks = [
        f"<!-- {name}: written by python -m benchmarks.inspection report, do not edit -->\n<!-- end of {name} -->"
        for name in names
    ]
    document.write_text("before\n" + "\n".join(marks) + "\nafter\n", encoding="utf-8")
    write_into(document, [attacked([])])
    once = document.read_text(encoding="utf-8")
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert all(table in once for table in names.values())
    write_into(document, [attacked([])])
    assert document.read_text(encoding="utf-8") == once


def test_a_document_without_the_markers_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "inspect.md"
    document.write_text("nothing\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="no place for 'what is found'"):
        write_into(document, [attacked([])])
    assert document.read_text(encoding="utf-8") == "nothing\n"
