"""How long protecting a scan takes, and how much memory beyond the scan itself.

python -m benchmarks.protection
python -m benchmarks.protection --cores 2 --method mits-gan --scans some/series
python -m benchmarks.protection --slices 300 --published
"""

from __future__ import annotations

import argparse

from benchmarks.measure import MIB, cpu_seconds, forget_peak, limit_cores, peak_bytes, resident_bytes, seconds, tell
from benchmarks.scans import add_scans, chosen_scans, resliced
from napari_mits_gan.ct.volume import CTVolume


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--method", default="mits-gan")
    parser.add_argument("--max-change-hu", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--slices", type=int, help="interpolate the scan to so many slices first")
    parser.add_argument("--published", action="store_true", help="time the published generator beside it")
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
    figures = {
        "slices": volume.shape[0],
        "time, s": took,
        "time of all cores, s": computed,
        "the volume itself, MiB": volume.hu.nbytes / MIB,
        "peak beyond what was held before protecting, MiB": (peak - before) / MIB,
        "peak of the whole process beyond the volume, MiB": (peak - volume.hu.nbytes) / MIB,
    }
    if options.published:
        for name, of_a_slice in published(volume).items():
            figures[f"published generator, {name}, s for a slice"] = of_a_slice
            figures[f"times as fast as the published generator, {name}"] = of_a_slice * volume.shape[0] / took
    tell(figures)


def published(volume: CTVolume) -> dict[str, float]:
    """Time of MITS-GAN's generator, as its paper has it, for one whole slice, in single and in double precision."""
    import torch

    from napari_mits_gan.protection.mits_gan_paper import PaperGenerator

    found = {}
    for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
        generator = PaperGenerator().to(dtype).eval()
        shape = (1, 1, *volume.shape[1:])
        slices = torch.from_numpy(volume.hu[:1]).to(dtype)[None] / 1000
        noise = torch.zeros(shape, dtype=dtype)
        with torch.inference_mode():
            generator(slices, noise)
            found[name] = min(seconds(lambda g=generator, s=slices, n=noise: g(s, n)) for _ in range(2))
    return found


if __name__ == "__main__":
    main()
