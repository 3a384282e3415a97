"""The report of an archive: a table (CSV) and a page (HTML) that needs nothing but itself; neither names a patient."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from napari_mits_gan.archive.output import STATE, Output
from napari_mits_gan.archive.record import BUSY, DONE, FAILED, NO_CT, Record
from napari_mits_gan.files.publish import failure
from napari_mits_gan.files.replace import replaced_file
from napari_mits_gan.pages import page as html

MOST_ON_PAGE = 1000
"""Series on the page; the table has all."""
_ORDER = {FAILED: 0, BUSY: 2, DONE: 3, NO_CT: 4}
_ALARM = 1
_FACTS = (
    *("id", "job", "status", "error", "alarm", "seconds", "peak_mib"),
    *("voxels", "input_bytes", "output_bytes"),
)


@dataclass(frozen=True)
class Summary:
    """What a report says of all series together.

    Parameters
    ----------
    counts : mapping
        Series by what became of them.
    alarms : int
        Series that someone should look at.
    seconds : float
        Time that all of them took, added up.
    voxels, input_bytes, output_bytes : int
        Of those that were done.
    peak_mib : float
        Most memory that a process held.
    """

    counts: Mapping[str, int]
    alarms: int
    seconds: float
    voxels: int
    input_bytes: int
    output_bytes: int
    peak_mib: float

    @classmethod
    def of(cls, records: Sequence[Record]) -> Summary:
        """Add up records."""
        done = [record for record in records if record.status == DONE]
        return cls(
            counts=Counter(record.status for record in records),
            alarms=sum(record.alarm for record in done),
            seconds=sum(record.seconds for record in done),
            voxels=sum(record.voxels for record in done),
            input_bytes=sum(record.input_bytes for record in done),
            output_bytes=sum(record.output_bytes for record in done),
            peak_mib=max((record.peak_mib for record in done), default=0.0),
        )

    def outcomes(self) -> dict[str, int]:
        """How many series became what."""
        told = {status: self.counts[status] for status in _ORDER if self.counts.get(status)}
        return told | ({"to be looked at": self.alarms} if self.alarms else {})

    def amounts(self) -> dict[str, str]:
        """What was done, and what it took, with units."""
        if not self.voxels:
            return {}
        return {
            "time, one process": f"{self.seconds / 3600:.2f} h",
            "time for a million voxels": f"{1e6 * self.seconds / self.voxels:.3f} s",
            "read": f"{self.input_bytes / 1e9:.3f} GB",
            "written": f"{self.output_bytes / 1e9:.3f} GB",
            "most memory of a process": f"{self.peak_mib:.0f} MiB",
        }


def write_report(output: Output, records: Iterable[Record], *, with_names: bool = False) -> Summary:
    """Write report.csv and report.html into the output, and into its records' folder which series is which.

    Parameters
    ----------
    output : Output
        Where.
    records : iterable of Record
        Of every series.
    with_names : bool
        Whether the table says where each series lies; those names may tell who the patients are.

    Raises
    ------
    WriteError
        If the disk refuses.
    """
    every = sorted(records, key=lambda record: (_rank(record), record.id))
    summary = Summary.of(every)
    figures = list(dict.fromkeys(name for record in every for name in record.figures))
    names = ("place", "name") if with_names else ()
    try:
        with replaced_file(output.out / "report.csv") as part, part.open("w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream)
            table.writerow((*_FACTS, *figures, *names))
            for record in every:
                facts = (getattr(record, name) for name in _FACTS)
                where = (getattr(record, name) for name in names)
                table.writerow((*facts, *(record.figures.get(name, "") for name in figures), *map(_printable, where)))
        with replaced_file(output.out / STATE / "places.csv") as part:
            part.touch(mode=0o600)
            with part.open("w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
                table = csv.writer(stream)
                table.writerow(("id", "place", "name"))
                table.writerows((record.id, record.place, record.name) for record in every)
        with replaced_file(output.out / "report.html") as part:
            part.write_text(_page(every, summary, output), "utf-8")
    except OSError as error:
        raise failure(error) from None
    return summary


def _rank(record: Record) -> int:
    return _ALARM if record.alarm else _ORDER.get(record.status, len(_ORDER))


def _printable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _page(records: Sequence[Record], summary: Summary, output: Output) -> str:
    jobs = ", ".join(sorted({record.job for record in records}))
    shown = records[:MOST_ON_PAGE]
    failed = summary.counts.get(FAILED, 0)
    told = f"{len(records)} series: " + ", ".join(f"{n} {what}" for what, n in summary.outcomes().items())
    parts = [
        html.headline(told, alarm=bool(failed or summary.alarms)),
        html.facts([("begun", f"{output.begun:%Y-%m-%d %H:%M %z}"), *summary.amounts().items()]),
        html.paragraph(
            f"Those that failed come first, then those to be looked at. The file places.csv in the folder {STATE} says "
            "which series is which."
        ),
        "<table><tr><th>middle slice, change</th><th>series</th><th>what became of it</th><th>figures</th></tr>",
        *map(_row, shown),
        "</table>",
    ]
    if len(records) > len(shown):
        parts.append(html.paragraph(f"{len(records) - len(shown)} more are in report.csv."))
    return html.page(f"Archive: {jobs}", parts)


def _row(record: Record) -> str:
    picture = f'<img alt="" src="data:image/jpeg;base64,{record.thumbnail}">' if record.thumbnail else ""
    told = f"{record.status}: {record.error}" if record.error else record.status
    figures: list[tuple[str, object]] = list(record.figures.items())
    if record.seconds:
        figures += [("time, s", f"{record.seconds:.1f}"), ("most memory, MiB", f"{record.peak_mib:.0f}")]
    cells = (picture, f"<code>{escape(record.id)}</code>", escape(told), html.facts(figures))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"
