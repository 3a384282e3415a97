"""The sidecar: an encrypted file from which the files of the original scan are given back bit for bit.

Pixels are kept as differences from the changed scan, so the sidecar is small and of no use without it; files whose
pixels are compressed, and those of other formats, are kept whole. It is encrypted and authenticated with
ChaCha20-Poly1305 (RFC 8439).

Layout, version 1: 8 bytes `MGANSIDE`, 1 byte version, 16 bytes nonce, 16 bytes that tell the right key; then records,
each 8 bytes length (big endian) and that many bytes of ciphertext. Record 0 is a JSON table of contents, record i the
i-th file. The associated data of each record is its number and the number of records, so that none can be left out,
moved or exchanged.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from napari_mits_gan.ct.dicom.ct_slice import CTSlice
from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.errors import SidecarError, WriteError
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.manifest import slice_digests
from napari_mits_gan.evidence.manifest_check import named_slices
from napari_mits_gan.evidence.sidecar_records import Content, Records, StoredPixels, damaged, packed, unpacked
from napari_mits_gan.files.publish import check_empty, failure, place_file, whole_folder
from napari_mits_gan.progress import Progress, silent

SUFFIX = ".restore"
_MAGIC, _VERSION = b"MGANSIDE", 1
_NONCE_BYTES = _CHECK_BYTES = 16
_START_BYTES = len(_MAGIC) + 1 + _NONCE_BYTES + _CHECK_BYTES


def write_sidecar(
    source: CTVolume,
    changed: CTVolume,
    key: SealKey,
    path: str | os.PathLike[str],
    *,
    files: Sequence[Path] = (),
    progress: Progress = silent,
) -> Path:
    """Write the sidecar of a changed scan.

    Parameters
    ----------
    source : CTVolume
        The scan as it was read; its files are read again.
    changed : CTVolume
        The same scan as it is exported: sealed, protected, or both.
    key : SealKey
        Whoever restores needs it.
    path : path-like
        A new file.
    files : sequence of Path
        The files of a scan that is not DICOM.
    progress : Progress
        Told how many files are done.

    Returns
    -------
    Path

    Raises
    ------
    SidecarError
        If the files of the scan are gone or not known.
    WriteError
        If something has that name, or the file system refuses; nothing is left behind.
    """
    target = Path(path)
    if os.path.lexists(target):
        raise WriteError(f"{target.name} is there already and is not overwritten; choose another name.")
    wanted = _files_of(source, files)
    if changed.shape != source.shape:
        raise SidecarError("The changed scan has another size than its source; give two versions of one scan.")
    nonce = secrets.token_bytes(_NONCE_BYTES)
    cipher = Records(key, nonce, len(wanted) + 1)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(_MAGIC + bytes([_VERSION]) + nonce + _key_check(key, nonce))
            names = _names([file for file, _ in wanted])
            contents = [_content(file, name, pixels) for (file, pixels), name in zip(wanted, names, strict=True)]
            table = {"slices": list(slice_digests(changed)), "files": [asdict(content) for content in contents]}
            cipher.write(stream, 0, json.dumps(table).encode())
            for number, ((file, _), content) in enumerate(zip(wanted, contents, strict=True), start=1):
                cipher.write(stream, number, packed(_read(file), content, changed.hu))
                progress(number, len(wanted))
        place_file(temporary, target)
    except FileExistsError:
        raise WriteError(f"{target.name} is there already and is not overwritten; choose another name.") from None
    except OSError as error:
        raise failure(error) from None
    finally:
        temporary.unlink(missing_ok=True)
    return target


def restore(
    changed: CTVolume,
    sidecar: str | os.PathLike[str],
    key: SealKey,
    folder: str | os.PathLike[str],
    *,
    progress: Progress = silent,
) -> list[Path]:
    """Give back the files of the original scan, bit for bit.

    Parameters
    ----------
    changed : CTVolume
        The sealed or protected scan; the order of its slices does not matter, their HU do.
    sidecar : path-like
        Written by `write_sidecar`.
    key : SealKey
        The key that it was written with.
    folder : path-like
        Where to write; must not exist, or be empty.
    progress : Progress
        Told how many files are done.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    SidecarError
        If the sidecar is damaged or truncated, belongs to another scan or key, or slices that it needs were changed;
        nothing is written.
    WriteError
        If the folder is not empty, or the file system refuses.
    """
    target = Path(os.path.abspath(folder))
    check_empty(target)
    with _opened(Path(sidecar)) as stream:
        cipher = _start(stream, key, Path(sidecar))
        digests, contents = _table(cipher.read(stream, 0))
        cipher.count = len(contents) + 1
        hu = _slices_needed(changed, digests, contents)
        with whole_folder(target) as temporary:
            made = []
            for number, content in enumerate(contents, start=1):
                whole = unpacked(cipher.read(stream, number), content, hu)
                (temporary / content.name).parent.mkdir(parents=True, exist_ok=True)
                (temporary / content.name).write_bytes(whole)
                made.append(target / content.name)
                progress(number, len(contents))
            if stream.read(1):
                raise SidecarError("The sidecar has something after its end, so it is damaged; use an intact copy.")
    return made


def _key_check(key: SealKey, nonce: bytes) -> bytes:
    return key.derive("sidecar check", nonce, _CHECK_BYTES)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = path.open("rb")
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise SidecarError(f"The sidecar {path.name} cannot be read: {cause}.") from None
    with stream:
        yield stream


def _start(stream: BinaryIO, key: SealKey, path: Path) -> Records:
    start = stream.read(_START_BYTES)
    at = len(_MAGIC) + 1
    if len(start) != _START_BYTES or start[:at] != _MAGIC + bytes([_VERSION]):
        raise SidecarError(f"{path.name} is no sidecar of version {_VERSION}; choose the file written with the seal.")
    nonce, check = start[at : at + _NONCE_BYTES], start[at + _NONCE_BYTES :]
    if not hmac.compare_digest(check, _key_check(key, nonce)):
        raise SidecarError(f"{path.name} was written with another key; choose that key.")
    return Records(key, nonce, 0)


def _files_of(source: CTVolume, files: Sequence[Path]) -> list[tuple[Path, StoredPixels | None]]:
    """The files of a scan, and how their pixels follow from HU; None where they are kept whole."""
    if not isinstance(source.source, DicomSource):
        if not files:
            raise SidecarError("The scan does not say which files it came from; name them.")
        return [(Path(file), None) for file in files]
    of_file: dict[Path, list[tuple[int, CTSlice]]] = {}
    for z, item in enumerate(source.source.slices):
        of_file.setdefault(item.header.path, []).append((z, item))
    tilted = bool(source.source.tilt_degrees)
    slices = [(path, None if tilted else _pixels_of(slices)) for path, slices in of_file.items()]
    # Localizers and the like belong to the series, though not to the volume.
    return slices + [(path, None) for path in source.source.left_out_files if path not in of_file]


def _pixels_of(slices: list[tuple[int, CTSlice]]) -> StoredPixels | None:
    slices = sorted(slices, key=lambda item: item[1].header.frame)
    first, form = slices[0][1].header, slices[0][1].stored_format
    same = all(item.stored_format == form for _, item in slices)
    whole = [item.header.frame for _, item in slices] == list(range(first.frames))
    if first.pixel_offset is None or not same or not whole:
        return None
    return StoredPixels(
        first.pixel_offset,
        tuple(z for z, _ in slices),
        tuple((item.rescale.slope, item.rescale.intercept) for _, item in slices),
        form.bits_allocated,
        form.bits_stored,
        form.high_bit,
        form.signed,
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise SidecarError(f"{path.name}, a file of the original scan, cannot be read: {cause}.") from None


def _names(files: Sequence[Path]) -> list[str]:
    """Names of files as seen from the folder that holds them all."""
    absolute = [Path(os.path.abspath(file)) for file in files]
    top = Path(os.path.commonpath([file.parent for file in absolute]))
    return [file.relative_to(top).as_posix() for file in absolute]


def _content(path: Path, name: str, pixels: StoredPixels | None) -> Content:
    data = _read(path)
    return Content(name, len(data), hashlib.sha256(data).hexdigest(), pixels)


def _table(data: bytes) -> tuple[list[str], list[Content]]:
    """Digests of the changed scan's slices, and the files. It was authenticated, so only its form is made sure of."""
    try:
        table = json.loads(data)
        digests, files = table["slices"], table["files"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise damaged() from None
    if not isinstance(digests, list) or not isinstance(files, list) or not all(isinstance(d, str) for d in digests):
        raise damaged()
    contents = [Content.of(fields, len(digests)) for fields in files]
    names = {content.name for content in contents}
    # No file is another one's folder either.
    folders = {parent.as_posix() for name in names for parent in PurePosixPath(name).parents}
    if len(names) != len(contents) or names & folders:
        raise damaged()
    return digests, contents


def _slices_needed(changed: CTVolume, digests: Sequence[str], contents: Sequence[Content]) -> NDArray[np.int16]:
    """HU of the changed scan in the order of the sidecar's slices; refused where a slice that is needed was changed."""
    found = {digest: z for z, digest in enumerate(slice_digests(changed))}
    order = [found.get(digest) for digest in digests]
    if not any(z is not None for z in order):
        raise SidecarError("The sidecar belongs to another scan; choose the one that was written with this one.")
    needed = {z for content in contents if content.pixels is not None for z in content.pixels.slices}
    lost = [z for z in sorted(needed) if order[z] is None]
    if lost:
        raise SidecarError(
            f"Changed or missing: {named_slices(lost)} of {len(order)}; their original cannot be restored from the "
            "sidecar: restore from an intact copy of the scan, or recover what the seal holds."
        )
    return changed.hu[[z if z is not None else 0 for z in order]]
