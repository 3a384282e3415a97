"""The report: every series with its figures and errors, and nobody's name."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser

from copying_job import CopyingJob
from napari_mits_gan.archive.output import STATE


class Page(HTMLParser):
    """Counts what a page holds, and collects what it would load."""

    def __init__(self) -> None:
        super().__init__()
        self.rows, self.pictures, self.loaded = 0, 0, []

    def handle_starttag(self, tag, attributes):
        self.rows += tag == "tr"
        self.pictures += tag == "img"
        self.loaded += [value for name, value in attributes if name in ("src", "href")]


def test_it_has_a_row_for_each_series_and_needs_nothing_but_itself(mixed, run_of, tmp_path) -> None:
    run_of(CopyingJob())
    with (tmp_path / "out" / "report.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["status"] for row in rows] == ["failed"] * 2 + ["done"] * 4 + ["no CT"]
    assert {row["slices"] for row in rows if row["status"] == "done"} == {"4", "6"}
    assert all(float(row["peak_mib"]) > 10 for row in rows if row["status"] == "done")
    assert all(row["error"] for row in rows if row["status"] != "done")
    page = Page()
    page.feed((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert (page.rows, page.pictures) == (8, 4)
    assert all(url.startswith("data:image/jpeg;base64,") for url in page.loaded)


def test_it_names_nobody_unless_asked_to(mixed, run_of, tmp_path) -> None:
    (mixed / "Poe" / "cut" / "001.dcm").rename(mixed / "Poe" / "cut" / "Poe^Edgar-1809.dcm")
    broken = mixed / "Poe" / "cut" / "Poe^Edgar-1809.dcm"
    broken.write_bytes(broken.read_bytes()[:-100])
    run_of(CopyingJob())
    told = "".join((tmp_path / "out" / name).read_text("utf-8") for name in ("report.csv", "report.html"))
    told = re.sub('base64,[^"]*', "", told)
    assert not [name for name in ("Doe", "Roe", "Poe", "Jane", "Edgar", "1809", "T1") if name in told]
    with (tmp_path / "out" / STATE / "places.csv").open(encoding="utf-8", newline="") as stream:
        places = {row["id"]: row["place"] for row in csv.DictReader(stream)}
    assert sorted(set(places.values())) == ["Doe^Jane/2020", "Poe", "Poe/cut", "Roe", "Roe/ct/thin", "Roe/mr"]
    run_of(CopyingJob(), with_names=True)
    assert "Doe^Jane/2020" in (tmp_path / "out" / "report.csv").read_text("utf-8")
    assert "Doe" not in (tmp_path / "out" / "report.html").read_text("utf-8")
