"""How long protecting a scan takes, and how much memory beyond the scan itself.

python -m benchmarks.protection
python -m benchmarks.protection --cores 2 --method mits-gan --scans some/series
"""

from __future__ import annotations

import argparse

from benchmarks.measure import MIB, forget_peak, limit_cores, peak_bytes, resident_bytes, seconds
from benchmarks.scans import add_scans, chosen_scans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--method", default="mits-gan")
    parser.add_argument("--max-change-hu", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    limit_cores(options.cores)
    from napari_mits_gan.protection.protect import protect

    # One scan per run: a second would find memory that the first has left allocated.
    (volume,) = chosen_scans(options, at_most=1)
    before = resident_bytes()
    forget_peak()
    took = seconds(
        lambda: protect(volume, method=options.method, max_change_hu=options.max_change_hu, device=options.device)
    )
    peak = peak_bytes()
    print(f"{volume.name}, {' x '.join(map(str, volume.shape))} voxels, {options.cores} cores, {options.device}")
    print(f"{options.method} at {options.max_change_hu} HU: {took:.1f} s")
    print(f"the volume itself: {volume.hu.nbytes / MIB:.0f} MiB")
    print(f"peak beyond what was held before protecting: {(peak - before) / MIB:.0f} MiB")
    print(f"peak of the whole process beyond the volume: {(peak - volume.hu.nbytes) / MIB:.0f} MiB")


if __name__ == "__main__":
    main()
