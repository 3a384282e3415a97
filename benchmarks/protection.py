"""How long protecting a scan takes, and how much memory beyond the scan itself.

python -m benchmarks.protection
python -m benchmarks.protection --cores 2 --method mits-gan --scans some/series
python -m benchmarks.protection --slices 300
"""

from __future__ import annotations

import argparse

from benchmarks.measure import MIB, cpu_seconds, forget_peak, limit_cores, peak_bytes, resident_bytes, tell
from benchmarks.scans import add_scans, chosen_scans, resliced


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--method", default="mits-gan")
    parser.add_argument("--max-change-hu", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--slices", type=int, help="interpolate the scan to so many slices first")
    options = parser.parse_args()

    limit_cores(options.cores)
    from napari_mits_gan.protection.protect import protect

    # One scan per run: a second would find memory that the first has left allocated.
    (volume,) = chosen_scans(options, at_most=1)
    if options.slices:
        volume = resliced(volume, options.slices)
    before = resident_bytes()
    forget_peak()
    took, computed = cpu_seconds(
        lambda: protect(volume, method=options.method, max_change_hu=options.max_change_hu, device=options.device)
    )
    peak = peak_bytes()
    print(f"{volume.name}, {' x '.join(map(str, volume.shape))} voxels, {options.cores} cores, {options.device}")
    print(f"{options.method} at {options.max_change_hu} HU")
    tell(
        {
            "slices": volume.shape[0],
            "time, s": took,
            "time of all cores, s": computed,
            "the volume itself, MiB": volume.hu.nbytes / MIB,
            "peak beyond what was held before protecting, MiB": (peak - before) / MIB,
            "peak of the whole process beyond the volume, MiB": (peak - volume.hu.nbytes) / MIB,
        }
    )


if __name__ == "__main__":
    main()
