"""What became of a series: written when it is done, and asked by the next run whether it has to be done again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from napari_mits_gan.archive.output import STATE, Output
from napari_mits_gan.archive.series import ArchiveSeries, content_digest, facts_of, listing_digest
from napari_mits_gan.files.replace import replaced_file

DONE, FAILED, NO_CT, BUSY = "done", "failed", "no CT", "in work elsewhere"


@dataclass(frozen=True)
class Record:
    """What became of one series.

    Parameters
    ----------
    id : str
        The series' identifier in reports.
    place, name : str
        Where it lies, and what its output is called; both may name a patient.
    job : str
        What was to be done.
    status : {"done", "failed", "no CT", "in work elsewhere"}
        What became of it.
    error : str
        Why it failed, in one sentence.
    made_with : str
        Digest of job, options and version.
    listing, content : str
        Digests of the input: of names, sizes and times, and of names and contents.
    output : dict
        Sizes of what was written, by name; empty where nothing was.
    figures : dict
        What the job tells of it.
    alarm : bool
        Whether someone should look: a scan that was verified and is not what was sealed.
    voxels, input_bytes, output_bytes : int
        Size of it.
    seconds : float
        Time that it took.
    peak_mib : float
        Most memory that its process held meanwhile.
    thumbnail : str
        A JPEG picture, base64; empty for none.
    """

    id: str
    place: str
    name: str
    job: str
    status: str
    error: str = ""
    made_with: str = ""
    listing: str = ""
    content: str = ""
    output: dict[str, int] = field(default_factory=dict, repr=False)
    figures: dict[str, Any] = field(default_factory=dict)
    alarm: bool = False
    voxels: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    seconds: float = 0.0
    peak_mib: float = 0.0
    thumbnail: str = field(default="", repr=False)

    def write(self, output: Output) -> None:
        """Put it into its place in one step.

        Raises
        ------
        OSError
            If the disk refuses.
        """
        with replaced_file(output.record_file(self.id)) as part:
            part.write_text(json.dumps(asdict(self)) + "\n", "utf-8")


def read_record(output: Output, identifier: str) -> Record | None:
    """The record of a series; None where there is none, or none that can be read."""
    return _read(output.record_file(identifier))


def all_records(output: Output) -> Iterator[Record]:
    """Every record of an output, by identifier."""
    for path in sorted((output.out / STATE / "records").glob("*/*.json")):
        if (record := _read(path)) is not None:
            yield record


def _read(path: Path) -> Record | None:
    try:
        told = json.loads(path.read_text("utf-8"))
        return Record(**{f.name: told[f.name] for f in fields(Record)})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def written(folder: Path) -> dict[str, int]:
    """Sizes of a folder's files, by name; nothing where there is no such folder.

    Raises
    ------
    OSError
        If it cannot be listed.
    """
    return {name: size for name, size, _ in facts_of(folder.iterdir())} if folder.is_dir() else {}


def is_complete(record: Record, series: ArchiveSeries, output: Output, made_with: str) -> bool:
    """Whether a series was done, from what its files hold now, with the same options, and its output is still there.

    Contents are read only where the files have other times than they had.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    if record.status != DONE or record.made_with != made_with:
        return False
    if written(output.target(series)) != record.output:
        return False
    return record.listing == listing_digest(series.files) or record.content == content_digest(
        series.folder(output.root), series.files
    )
