"""How long `info --recursive` takes for an archive of many series, and how much memory, which must not grow with them.

The archive is made up in a temporary folder, each series in a folder of its own. No pixel is decoded.

python -m benchmarks.survey --series 1000
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import MIB, forget_peak, peak_bytes, resident_bytes, seconds


def _make(folder: Path, series: int, slices: int, side: int) -> None:
    import numpy as np
    from pydicom.uid import generate_uid

    from napari_mits_gan.ct.dicom.write import write_dicom
    from napari_mits_gan.ct.volume import CTVolume

    hu = np.random.default_rng(0).integers(-1000, 1000, (slices, side, side)).astype(np.int16)
    files = write_dicom(CTVolume(hu, (2.5, 0.7, 0.7)), folder / "first")
    written = [path.read_bytes() for path in files]
    for number in range(series):
        place = folder / f"{number % 10}" / f"{number:05d}"
        place.mkdir(parents=True)
        uid = generate_uid(entropy_srcs=[str(number)])
        for path, data in zip(files, written, strict=True):
            old = _series_uid(data)
            (place / path.name).write_bytes(data.replace(old, uid.encode()[: len(old)].ljust(len(old), b"\0")))
    for path in files:
        path.unlink()
    (folder / "first").rmdir()


def _series_uid(data: bytes) -> bytes:
    at = data.index(b"\x20\x00\x0e\x00UI") + 8
    return data[at : at + int.from_bytes(data[at - 2 : at], "little")]


def _one(folder: str) -> None:
    from napari_mits_gan.ct.dicom.survey import survey

    found = []
    before = resident_bytes()
    forget_peak()
    took = seconds(lambda: found.append(sum(not s.refusal for s in survey(Path(folder)))))
    print(json.dumps({"seconds": took, "peak": peak_bytes() - before, "readable": found[0]}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1000, help="in the archive (default: 1000)")
    parser.add_argument("--slices", type=int, default=30, help="of each series (default: 30)")
    parser.add_argument("--side", type=int, default=64, help="rows and columns of a slice (default: 64)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return _one(options.one)
    for count in (options.series // 10, options.series):
        with tempfile.TemporaryDirectory() as folder:
            _make(Path(folder), count, options.slices, options.side)
            command = [sys.executable, "-m", "benchmarks.survey", "--one", folder]
            told = subprocess.run(command, check=True, capture_output=True, text=True)
        run = json.loads(told.stdout.splitlines()[-1])
        print(
            f"{count} series of {options.slices} slices: {run['readable']} can be read; {run['seconds']:.1f} s, "
            f"{1000 * run['seconds'] / count:.1f} ms a series; peak {run['peak'] / MIB:.1f} MiB beyond the program"
        )


if __name__ == "__main__":
    main()
