"""How long a user of the window waits after a click, until the panels show the answer.

xvfb-run -a -s "-screen 0 1600x1000x24" python -m benchmarks.click_in_window
"""

from __future__ import annotations

import argparse
import statistics

from benchmarks.measure import limit_cores, seconds, tell
from benchmarks.scans import add_scans, chosen_paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--clicks", type=int, default=5, help="after the first one (default: 5)")
    options = parser.parse_args()

    limit_cores(options.cores)
    from napari_mits_gan.evaluation.sites.lung_clicks import random_lung_clicks
    from napari_mits_gan.widgets.demo import Demonstration

    (path,) = chosen_paths(options, at_most=1)
    demonstration = Demonstration(path)
    sites = random_lung_clicks(demonstration.scan, 1 + options.clicks, seed=0)

    def click(site: tuple[int, int, int]) -> None:
        demonstration.workspace.attacking.attack("inject", site)
        demonstration.wait()

    first, *times = [seconds(lambda site=site: click(site)) for site in sites]
    print(
        f"{path.name}, {options.cores} cores: first click {first:.2f} s (the panels are made then), "
        f"then median {statistics.median(times):.2f} s, longest {max(times):.2f} s of {len(times)}"
    )
    tell({"first click, s": first, "median click, s": statistics.median(times), "longest click, s": max(times)})
    demonstration.close()


if __name__ == "__main__":
    main()
