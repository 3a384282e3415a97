"""How long a user waits after a click: loading the attacker once, then tampering with the scan at each click.

python -m benchmarks.click_answer
"""

from __future__ import annotations

import argparse
import statistics

from benchmarks.measure import MIB, forget_peak, limit_cores, peak_bytes, resident_bytes, seconds, tell
from benchmarks.scans import add_scans, chosen_scans


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--clicks", type=int, default=9, help="after the first one (default: 9)")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()

    limit_cores(options.cores)
    from napari_mits_gan.attack.attackers import load_attacker
    from napari_mits_gan.attack.contract import Attacker
    from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks

    (volume,) = chosen_scans(options, at_most=1)
    first, *others = random_lung_clicks(volume, 1 + options.clicks, seed=0)
    print(f"{volume.name}, {' x '.join(map(str, volume.shape))} voxels, {options.cores} cores, {options.device}")
    figures = {}
    for action in ("inject", "remove"):
        before = resident_bytes()
        forget_peak()
        loaded: list[Attacker] = []
        loading = seconds(lambda action=action, loaded=loaded: loaded.append(load_attacker(action, options.device)))
        attacker = loaded[0]
        first_time = seconds(lambda attacker=attacker: attacker.tamper(volume, first))
        times = [seconds(lambda at=at, attacker=attacker: attacker.tamper(volume, at)) for at in others]
        print(
            f"{action}: loading {loading:.2f} s, first click {first_time:.2f} s, "
            f"then median {statistics.median(times):.2f} s, longest {max(times):.2f} s of {len(times)}; "
            f"peak memory {(peak_bytes() - before) / MIB:.0f} MiB, the new volume of "
            f"{volume.hu.nbytes / MIB:.0f} MiB included"
        )
        figures |= {
            f"{action}: loading, s": loading,
            f"{action}: first click, s": first_time,
            f"{action}: median click, s": statistics.median(times),
            f"{action}: longest click, s": max(times),
        }
    tell(figures)


if __name__ == "__main__":
    main()
