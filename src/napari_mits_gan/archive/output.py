"""Where an archive's output lies: the mirrored tree, and a folder of its own for what the program remembers."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from napari_mits_gan.archive.series import ArchiveSeries
from napari_mits_gan.errors import MitsGanError
from napari_mits_gan.files.publish import failure

STATE = ".archive"
"""The folder in the output that holds records; a folder of this name is never searched for scans."""
_FORMAT = 1


class ArchiveError(MitsGanError):
    """An archive cannot be worked on at all."""


@dataclass(frozen=True)
class Output:
    """An archive, and where what is made of it goes.

    Parameters
    ----------
    root : Path
        The archive; nothing in it is ever written.
    out : Path
        The output.
    salt : bytes
        Drawn once for an output; identifiers made with it tell nothing of the names that they stand for.
    begun : datetime
        When the first run for this output began; all its series are said to be made then, so that it does not matter
        which run made which.
    """

    root: Path
    out: Path
    salt: bytes
    begun: datetime

    @classmethod
    def planned(cls, root: Path, out: Path, job: str) -> Output:
        """An output that need not exist, for looking only; see `opened`."""
        state = out / STATE / "archive.json"
        return _opened(root, out, state, job) if state.is_file() else cls(root, out, b"", _now())

    @classmethod
    def opened(cls, root: Path, out: Path, job: str) -> Output:
        """The output, made where it is not there.

        Parameters
        ----------
        root, out : Path
            The archive, and the output.
        job : str
            What is done; an output holds what one job made, which another would replace.

        Raises
        ------
        ArchiveError
            If the archive is not there, one of the two folders lies in the other, or the output is another job's.
        WriteError
            If the output cannot be written to.
        """
        state = out / STATE
        check_apart(root, out)
        try:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
            first = state / f"archive.json.{os.getpid()}.{secrets.token_hex(4)}"
            told = {"format": _FORMAT, "job": job, "salt": secrets.token_hex(16), "begun": _now().isoformat()}
            try:
                first.write_text(json.dumps(told) + "\n", "utf-8")
                os.link(first, state / "archive.json")  # of several runs that begin together, the first decides
            except FileExistsError:
                pass
            finally:
                first.unlink(missing_ok=True)
        except OSError as error:
            raise failure(error) from None
        return _opened(root, out, state / "archive.json", job)

    def id_of(self, series: ArchiveSeries) -> str:
        """The identifier of a series in reports: 16 hexadecimal digits that tell nothing of its names."""
        name = f"{series.place}\0{series.name}".encode("utf-8", "surrogateescape")
        return hmac.new(self.salt, name, hashlib.sha256).hexdigest()[:16]

    def target(self, series: ArchiveSeries) -> Path:
        """The folder that a series' output becomes."""
        return self.out / series.place / series.name

    def record_file(self, identifier: str) -> Path:
        """The record of a series."""
        return self.out / STATE / "records" / identifier[:2] / f"{identifier}.json"

    def lock_file(self, identifier: str) -> Path:
        """Held while a process works on a series."""
        return self.out / STATE / "locks" / identifier[:2] / identifier

    def work_folder(self, identifier: str) -> Path:
        """Where a series' output is made before it gets its place."""
        return self.out / STATE / "work" / identifier

    def survey_file(self, place: str) -> Path:
        """What was found in a folder of the archive."""
        name = hashlib.sha256(self.salt + place.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return self.out / STATE / "survey" / name[:2] / f"{name}.json"


def check_apart(root: Path, out: Path) -> None:
    """Refuse an archive that is not there, and folders of which one lies in the other.

    Raises
    ------
    ArchiveError
        In one sentence.
    """
    if not root.is_dir():
        raise ArchiveError(f"There is no folder called {root.name}; name the folder that holds the archive.")
    inner, outer = out.resolve(), root.resolve()
    if inner == outer or outer in inner.parents or inner in outer.parents:
        raise ArchiveError(
            "The archive and the output must lie apart, and one of them lies in the other; choose another output."
        )


def _opened(root: Path, out: Path, path: Path, job: str) -> Output:
    try:
        told = json.loads(path.read_text("utf-8"))
        if told["format"] != _FORMAT:
            raise ValueError
        if told["job"] != job:
            raise ArchiveError(f"This output holds what {told['job']} made; choose another output to {job}.")
        return Output(root, out, bytes.fromhex(told["salt"]), datetime.fromisoformat(told["begun"]))
    except OSError as error:
        raise failure(error) from None
    except (ValueError, KeyError, TypeError):
        raise ArchiveError(
            "The file archive.json of this output is damaged or another version's; choose another output."
        ) from None


def _now() -> datetime:
    """Now, or what SOURCE_DATE_EPOCH (reproducible-builds.org) says it is."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdecimal() else datetime.now().astimezone()
    return moment.replace(microsecond=0)
