"""Damaging bytes and DICOM elements, and reading what comes of it under watch."""

from __future__ import annotations

import gc
import io
import logging
import os
import sys
import tempfile
import threading
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pydicom
from hypothesis import strategies as st
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset

from napari_mits_gan.ct.read import list_series, read_ct
from napari_mits_gan.errors import ReadError

EXAMPLES = int(os.environ.get("MITS_GAN_FUZZ_EXAMPLES", "150"))
"""How many inputs each of these tests makes up."""
MOST_SECONDS = float(os.environ.get("MITS_GAN_FUZZ_SECONDS", "60"))
"""An input that takes longer counts as one that hangs."""

byte_edits = st.lists(
    st.tuples(
        st.floats(0, 1), st.sampled_from(["flip", "zero", "insert", "cut", "copy"]), st.binary(min_size=1, max_size=9)
    ),
    min_size=1,
    max_size=6,
)


def damaged_bytes(data: bytes, changes: Sequence[tuple[float, str, bytes]]) -> bytes:
    """`data` with bytes changed, cleared, added, removed or doubled."""
    damaged = bytearray(data)
    for where, what, new in changes:
        # Headers matter most, so places crowd towards the beginning.
        at = int(where**3 * max(len(damaged) - 1, 0))
        if what == "flip":
            damaged[at : at + len(new)] = new
        elif what == "zero":
            damaged[at : at + 8] = bytes(8)
        elif what == "insert":
            damaged[at:at] = new
        elif what == "cut":
            del damaged[at : at + len(new) ** 2]
        else:
            damaged[at:at] = damaged[: len(new) * 20]
    return bytes(damaged)


_VALUES = [
    b"", b" ", b"\0\0", b"0 ", b"-1", b"1 ", b"3 ", b"65535 ", b"99999999", b"4294967296", b"1e400 ",
    b"-1e-300", b"nan ", b"inf ", b"0.5\\0.5 ", b"1\\0\\0\\0\\1\\0 ", b"1\\0\\0\\0\\1\\1e300", b"\\\\\\\\\\ ",
    b"\xff\xff", b"\xff" * 8, b"\0\x80", b"\x01\0", b"\x08\0", b"\x10\0", b"\x20\0",
    b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"MR", b"SC ", b"1.2.840.10008.1.2.4.50",
    b"1.2.840.10008.1.2.4.80", b"1.2.840.10008.1.2.2\0", b"1.2.840.10008.5.1.4.1.1.2.1\0", b"\x1b$B",
    b"ISO 2022 IR 87", b"RGB ", b"PALETTE COLOR ", b"DERIVED\\PRIMARY\\PERFUSION ", b"\\LOCALIZER", b"HU\\HU",
]  # fmt: skip

element_edits = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["value", "bytes", "drop", "vr", "swap", "double"]),
        st.sampled_from(_VALUES),
        st.binary(max_size=24),
        st.sampled_from(["OB", "OW", "SQ", "US", "SS", "DS", "IS", "UI", "UN", "PN", "FD", "AT", "??"]),
    ),
    min_size=1,
    max_size=4,
)


def damaged_elements(
    ds: Dataset, favoured: Sequence[int], changes: Sequence[tuple[float, str, bytes, bytes, str]]
) -> bytes | None:
    """A file like `ds` with elements whose values, kinds or presence were changed; None if it cannot be written.

    Half of the changes go to `favoured`, the elements that the reader heeds.
    """
    elements = {tag: ds.get_item(tag) for tag in ds.keys()}  # noqa: SIM118 (items would be decoded)
    heeded = [tag for tag in favoured if tag in elements]
    for where, what, value, noise, vr in changes:
        tags = heeded if where < 0.5 and heeded else list(elements)
        if not tags:
            break
        tag = tags[int(where * 2 % 1 * len(tags))]
        element = elements.get(tag)
        if not isinstance(element, RawDataElement) or not isinstance(element.value, bytes):
            elements.pop(tag, None)
        elif what == "drop":
            del elements[tag]
        elif what == "vr":
            elements[tag] = element._replace(VR=vr)
        else:
            other = elements.get(heeded[len(noise) % len(heeded)]) if heeded else None
            swapped = other.value if isinstance(other, RawDataElement) and isinstance(other.value, bytes) else b""
            new = {"value": value, "bytes": noise, "swap": swapped, "double": element.value * 2}[what]
            new += b"\0" * (len(new) % 2)
            elements[tag] = element._replace(value=new, length=len(new))
    damaged = Dataset()
    damaged.file_meta, damaged.preamble = ds.file_meta, b"\0" * 128
    implicit, little = ds.original_encoding
    written = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for element in elements.values():
                if element is not None:
                    damaged[element.tag] = element
            pydicom.dcmwrite(written, damaged, implicit_vr=implicit, little_endian=little)
    except Exception:  # pydicom decodes some elements in order to write others
        return None
    return written.getvalue()


class _Watch:
    """Notes what Python code opens for writing, makes, renames or removes."""

    def __init__(self) -> None:
        self.on = False
        self.seen: list[str] = []
        self.bystanders: set[int | None] = set()
        """Threads that have nothing to do with it, those that a cluster of an earlier test left behind for instance."""
        sys.addaudithook(self._hook)

    def _hook(self, event: str, arguments: tuple) -> None:
        if not self.on or threading.get_ident() in self.bystanders:
            return
        what = str(arguments[0]) if arguments else ""
        # Python keeps compiled modules when something is imported for the first time.
        if "__pycache__" in what or what == os.devnull:
            return
        if event == "open":
            mode, flags = arguments[1], arguments[2]
            writes = set(mode) & set("wax+") if isinstance(mode, str) else flags & (os.O_WRONLY | os.O_RDWR)
            if writes:
                self.seen.append(f"{event} {what}")
        elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"):
            self.seen.append(f"{event} {what}")


_watch = _Watch()


@contextmanager
def all_that_is_told() -> Iterator[list[str]]:
    """Collect what a block prints (libraries in C included), logs on any level, and warns of."""
    told: list[str] = []

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    root, collect = logging.getLogger(), Collect()
    level = root.level
    sys.stdout.flush()
    sys.stderr.flush()
    kept = os.dup(1), os.dup(2)
    with tempfile.TemporaryFile() as console, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        root.addHandler(collect)
        root.setLevel(logging.DEBUG)
        os.dup2(console.fileno(), 1)
        os.dup2(console.fileno(), 2)
        try:
            yield told
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for number, handle in enumerate(kept, start=1):
                os.dup2(handle, number)
                os.close(handle)
            root.removeHandler(collect)
            root.setLevel(level)
            console.seek(0)
            told += [console.read().decode("utf-8", "replace"), *(str(w.message) for w in caught)]


PATIENT = {
    "PatientName": "Zanzibar^Zoe", "PatientID": "ZZ-4711", "PatientBirthDate": "19551231",
    "ReferringPhysicianName": "Zanzibar^Doctor", "AccessionNumber": "ZZ-4711", "OtherPatientIDs": "ZZ-4711",
    "InstitutionName": "Zanzibar Hospital", "PatientComments": "born 19551231", "PatientAddress": "Zanzibar",
}  # fmt: skip
"""What is planted into headers."""
PLANTED = ("Zanzibar", "ZZ-4711", "19551231")
"""Words that nothing may tell."""


OUTCOMES: Counter[str] = Counter()
"""How many inputs were "read" and "refused" so far."""


def attempt(folder: Path) -> None:
    """Read what is in `folder`, and count what came of it in `OUTCOMES`.

    Raises
    ------
    AssertionError
        If something else came than a volume or a ReadError, if it took too long, wrote anything, or told the path or
        what was planted.
    """
    before = sorted(p.name for p in folder.rglob("*"))
    target = folder / before[0] if len(before) == 1 else folder
    result: list[BaseException | str] = []

    def read() -> None:
        try:
            list_series(folder)
            volume = read_ct(target)
            assert volume.hu.ndim == 3
            result.append("read")
        except BaseException as error:
            result.append(error)

    _watch.seen.clear()
    _watch.bystanders = {thread.ident for thread in threading.enumerate()}
    with all_that_is_told() as told:
        gc.disable()  # else folders of earlier tests are removed in between, by whatever thread collects them
        _watch.on = True
        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        reader.join(MOST_SECONDS)
        _watch.on = False
        gc.enable()
    assert result, f"still reading after {MOST_SECONDS} s"
    assert not _watch.seen, f"something was written: {_watch.seen}"
    assert sorted(p.name for p in folder.rglob("*")) == before
    outcome = result[0]
    if isinstance(outcome, ReadError):
        assert str(outcome)
        told.append(str(outcome))
    assert not [text for text in told for word in (str(folder), *PLANTED) if word in text]
    if isinstance(outcome, BaseException) and not isinstance(outcome, ReadError):
        raise outcome
    OUTCOMES["read" if outcome == "read" else "refused"] += 1
