"""How long loading a series takes beside SimpleITK's series reader, and how much memory it needs.

The series is made of a scan's slices, repeated until there are enough, in a temporary folder. Both readers take turns,
each time in a process of its own, so that whatever else keeps the machine busy slows down both.

python -m benchmarks.loading
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import MIB, forget_peak, peak_bytes, resident_bytes, seconds
from benchmarks.scans import add_scans, chosen_paths


def _make(scan: Path, folder: Path, slices: int) -> None:
    """A series of `slices` slices with their pixels from `scan`."""
    import pydicom
    from pydicom.uid import generate_uid

    from napari_mits_gan.ct.read import read_ct

    source = read_ct(scan).source
    if source is None:
        sys.exit(f"{scan.name} is no DICOM series; name one with --scans")
    sources = [item.header.path for item in source.slices]
    uid = generate_uid()
    for z in range(slices):
        ds = pydicom.dcmread(sources[z % len(sources)])
        ds.ImagePositionPatient = [*ds.ImagePositionPatient[:2], f"{1.25 * z:.2f}"]
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.SeriesInstanceUID, ds.InstanceNumber = uid, z + 1
        ds.save_as(folder / f"{z:04d}.dcm")


def _ours(folder: str) -> int:
    from napari_mits_gan.ct.read import read_ct

    return read_ct(folder).hu.nbytes


def _simpleitk(folder: str) -> int:
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(folder))
    image = reader.Execute()
    return image.GetNumberOfPixels() * image.GetSizeOfPixelComponent()


READERS = {"napari-mits-gan": _ours, "SimpleITK": _simpleitk}


def _one(reader: str, folder: str) -> None:
    """Load once and print what it took; the libraries are imported, and a slice is read, beforehand."""
    read = READERS[reader]
    with tempfile.TemporaryDirectory() as warm:
        shutil.copy(sorted(Path(folder).iterdir())[0], warm)
        read(warm)
    before = resident_bytes()
    forget_peak()
    volume = [0]
    took = seconds(lambda: volume.__setitem__(0, read(folder)))
    print(json.dumps({"seconds": took, "peak": peak_bytes() - before, "volume": volume[0]}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--slices", type=int, default=300, help="(default: 300)")
    parser.add_argument("--turns", type=int, default=5, help="of each reader (default: 5)")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        return _one(*options.one)

    (scan,) = chosen_paths(options, at_most=1)
    with tempfile.TemporaryDirectory() as folder:
        _make(scan, Path(folder), options.slices)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
        for turn in range(options.turns):
            for name in READERS if turn % 2 == 0 else reversed(READERS):
                told = subprocess.run(
                    [sys.executable, "-m", "benchmarks.loading", "--one", name, folder],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                found[name].append(json.loads(told.stdout.splitlines()[-1]))
    volume = found["napari-mits-gan"][0]["volume"]
    print(f"{options.slices} slices of {scan.name}, {volume / MIB:.0f} MiB as int16, {options.turns} turns each")
    for name, runs in found.items():
        times = [run["seconds"] for run in runs]
        print(
            f"{name}: median {statistics.median(times):.2f} s, shortest {min(times):.2f} s; "
            f"peak memory {max(run['peak'] for run in runs) / volume:.2f} times the volume"
        )
    pairs = [a["seconds"] / b["seconds"] for a, b in zip(*found.values(), strict=True)]
    print(f"napari-mits-gan takes {statistics.median(pairs):.2f} times as long as SimpleITK (median of the turns)")


if __name__ == "__main__":
    main()
