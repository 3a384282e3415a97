"""Digital signatures of DICOM objects (PS3.15): found in a source, and made for an export by DCMTK's `dcmsign`.

Any changed pixel breaks the signatures of the source, so they are counted before anything is written and never carried
over. A new one is made with the Creator RSA profile and SHA-256; `dcmsign` by itself would take RIPEMD-160.
"""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pydicom

from napari_mits_gan.ct.dicom.source import DicomSource
from napari_mits_gan.errors import WriteError
from napari_mits_gan.files.quiet import quiet
from napari_mits_gan.progress import Progress, silent

_AT_ONCE = 2
_LARGE_BYTES = 1024
"""Values longer than this are not read while signatures are looked for: they stand behind the pixels."""


def signed_files(source: DicomSource) -> int:
    """How many files of a series carry a digital signature, which any change of their pixels breaks."""
    paths = {item.header.path for item in source.slices}
    with quiet(), ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(_is_signed, paths))


def _is_signed(path: Path) -> bool:
    try:
        ds = pydicom.dcmread(path, force=True, defer_size=_LARGE_BYTES)
        return "DigitalSignaturesSequence" in ds or "MACParametersSequence" in ds
    except Exception:  # the reader has told what is wrong with a file that cannot be parsed to its end
        return False


def sign_series(folder: Path, private_key: Path, certificate: Path, progress: Progress = silent) -> None:
    """Sign all DICOM files in a folder, in place, by DCMTK's `dcmsign`.

    Parameters
    ----------
    folder : Path
        The files `*.dcm` in it are signed.
    private_key, certificate : Path
        PEM files; the key is not protected by a password.
    progress : Progress
        Told how many files are done.

    Raises
    ------
    WriteError
        If `dcmsign` is not installed, or refuses the key, the certificate or a file.
    """
    program = shutil.which("dcmsign")
    if program is None:
        raise WriteError("The series cannot be signed, because DCMTK's dcmsign is not installed; install DCMTK.")
    for file, what in ((private_key, "private key"), (certificate, "certificate")):
        if not file.is_file():
            raise WriteError(f"The {what} {file.name} is not there; name a PEM file.")
    files = sorted(folder.glob("*.dcm"))

    def sign(path: Path) -> None:
        signed = path.with_suffix(".signed")
        arguments = ["--quiet", "+s", str(private_key), str(certificate), "-pw", "+pc", "+m2", str(path), str(signed)]
        result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
        if result.returncode != 0 or not signed.is_file():
            signed.unlink(missing_ok=True)
            raise WriteError(
                f"dcmsign could not sign {path.name} with {private_key.name} and {certificate.name}; use an RSA key "
                "without a password and its certificate, both as PEM files."
            )
        signed.replace(path)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        try:
            for done, _ in enumerate(pool.map(sign, files), start=1):
                progress(done, len(files))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
