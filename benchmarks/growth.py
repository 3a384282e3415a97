"""Whether the time for a changed voxel stays the same from 60 to 900 slices; as a table, and as a plot (SVG).

python -m benchmarks.growth
python -m benchmarks.growth --slices 60 120 300 --plot growth.svg
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmarks.measure import cpu_seconds, limit_cores, tell
from benchmarks.scans import add_scans, chosen_scans, resliced

SLICES = (60, 120, 300, 600, 900)
_WIDTH, _HEIGHT, _MARGIN = 520, 300, 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--slices", type=int, nargs="+", default=list(SLICES), metavar="N", help="(default: 60 to 900)")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the figures")
    options = parser.parse_args()

    limit_cores(options.cores)
    from napari_mits_gan.protection.protect import protect

    (scan,) = chosen_scans(options, at_most=1)
    protect(resliced(scan, 8), device="cpu", without_lungs=True)  # what is loaded once is loaded
    wall, computed = {}, {}
    for slices in options.slices:
        volume = resliced(scan, slices)
        kept = []
        took, cpu = cpu_seconds(lambda volume=volume, kept=kept: kept.append(protect(volume, device="cpu")))
        changed = sum(int(np.count_nonzero(a != b)) for a, b in zip(volume.hu, kept[0].hu, strict=True))
        wall[slices], computed[slices] = 1e9 * took / changed, 1e9 * cpu / changed
        print(f"{slices} slices: {took:.1f} s, {cpu:.1f} s of all cores, {changed / 1e6:.1f} million changed voxels")
    if options.plot:
        options.plot.write_text(plot({"time": wall, "time of all cores": computed}), "utf-8")
    values = list(computed.values())
    figures = {f"ns for a changed voxel, all cores, {slices} slices": value for slices, value in computed.items()}
    tell(figures | {"largest over smallest": max(values) / min(values)})


def plot(lines: Mapping[str, Mapping[int, float]]) -> str:
    """Nanoseconds for a changed voxel over the number of slices, as SVG."""
    most_slices = max(slices for line in lines.values() for slices in line)
    most = 1.15 * max(value for line in lines.values() for value in line.values())

    def at(slices: float, value: float) -> tuple[float, float]:
        x = _MARGIN + (_WIDTH - 2 * _MARGIN) * slices / most_slices
        return round(x, 1), round(_HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * value / most, 1)

    (left, bottom), (right, top) = at(0, 0), at(most_slices, most)
    parts = [f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#888"/>']
    for slices in next(iter(lines.values())):
        parts.append(f'<text x="{at(slices, 0)[0]}" y="{bottom + 16}" text-anchor="middle">{slices}</text>')
    for share in (0.25, 0.5, 0.75, 1.0):
        y = at(0, share * most)[1]
        parts.append(f'<text x="{left - 6}" y="{y + 4}" text-anchor="end">{share * most:.0f}</text>')
    for (name, line), colour in zip(lines.items(), ("#1f77b4", "#d62728"), strict=False):
        points = " ".join(f"{x},{y}" for x, y in (at(*point) for point in line.items()))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>' for x, y in (at(*p) for p in line.items())]
        x, y = at(*list(line.items())[-1])
        parts.append(f'<text x="{x}" y="{y - 8}" text-anchor="end" fill="{colour}">{name}</text>')
    parts.append(f'<text x="{_WIDTH / 2}" y="{_HEIGHT - 10}" text-anchor="middle">slices</text>')
    parts.append(f'<text x="{left}" y="{top - 12}">ns for a changed voxel</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


if __name__ == "__main__":
    main()
