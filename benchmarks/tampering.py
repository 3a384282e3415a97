"""Tampering with the touched box only, beside the same steps as the original does them, on copies of the whole scan.

python -m benchmarks.tampering

Both leave the network out (its output is its input) and follow the published behaviour to the voxel. The original's way
here: the scan in float64, splines by scipy, voxels repaired one by one, and each of its two pastes into a copy of the
whole scan.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, stats

from benchmarks.measure import MIB, forget_peak, limit_cores, peak_bytes, resident_bytes, seconds

CUBOID_MM, MASK, REACH = 32, slice(6, 26), 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", type=int, nargs=3, default=(300, 512, 512), metavar=("Z", "Y", "X"))
    parser.add_argument("--spacing", type=float, nargs=3, default=(1.0, 0.7, 0.7), metavar=("Z", "Y", "X"), help="mm")
    parser.add_argument("--action", choices=("inject", "remove"), default="inject")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    options = parser.parse_args()

    limit_cores(options.cores)
    import torch

    from napari_mits_gan.attack.ctgan.attacker import CTGAN, scan_tensor
    from napari_mits_gan.attack.ctgan.calibration import Calibration
    from napari_mits_gan.attack.ctgan.pipeline import REFERENCE
    from napari_mits_gan.attack.ctgan.weights import AttackerWeights
    from napari_mits_gan.ct.volume import CTVolume

    class NoNetwork(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.nothing = torch.nn.Parameter(torch.zeros(1))

        def forward(self, masked: torch.Tensor) -> torch.Tensor:
            return masked

    depth, height, width = options.shape
    volume = CTVolume(_noisy_lung((depth, height, width)), spacing=tuple(options.spacing))
    calibration = Calibration.fit(_noisy_lung((32, 32, 32), seed=1)[None].astype(np.float64))
    weights = AttackerWeights(options.action, NoNetwork(), calibration)  # type: ignore[arg-type]
    attacker = CTGAN(weights, "no network", REFERENCE)
    at = (depth // 2, round(0.55 * height), round(0.7 * width))

    def box_only() -> tuple[tuple[slice, ...], NDArray[np.float32]]:
        with torch.inference_mode():
            box, hu = attacker.tampering.tamper_box(scan_tensor(volume), at, volume.spacing)
        return box.slices(), hu.numpy()

    box_seconds, box_memory = _measured(box_only, options.runs)
    click_seconds, click_memory = _measured(lambda: attacker.tamper(volume, at), options.runs)
    scan = volume.hu.astype(np.float64)

    def whole_scan() -> NDArray[np.float64]:
        return tamper_as_the_original(scan, at, volume.spacing, options.action, calibration)

    whole_seconds, whole_memory = _measured(whole_scan, options.runs)
    voxels, hu = box_only()
    largest = np.abs(whole_scan()[voxels] - hu).max()

    print(f"{options.action}, {' x '.join(map(str, volume.shape))} voxels, spacing {volume.spacing} mm, no network")
    rows = [
        ("touched box only", box_seconds, box_memory),
        ("CTGAN.tamper, which returns a new volume", click_seconds, click_memory),
        ("as the original, copies of the whole scan", whole_seconds, whole_memory),
    ]
    for name, took, memory in rows:
        ratio = whole_seconds / took
        print(f"{name}: {1000 * took:.1f} ms, {ratio:.1f} times as fast, {memory / MIB:.0f} MiB beyond the scan")
    print(f"largest difference between the two ways: {largest:.4f} HU")


def tamper_as_the_original(
    scan: NDArray[np.float64],
    at: tuple[int, int, int],
    spacing: tuple[float, float, float],
    action: str,
    calibration: object,
) -> NDArray[np.float64]:
    """The published steps on a whole scan, for a click whose boxes lie in it."""
    from napari_mits_gan.attack.ctgan.calibration import Calibration

    assert isinstance(calibration, Calibration)
    bins_hu, cdf = calibration.bins_hu, calibration.cdf
    spread = calibration.maximum - calibration.minimum
    shape = tuple(int(np.round(CUBOID_MM / s)) for s in spacing)

    cuboid = scan[_around(at, shape)].copy()
    cube = _scaled(cuboid, (CUBOID_MM, CUBOID_MM, CUBOID_MM))
    cube = (np.interp(cube, bins_hu, cdf) - calibration.mean) / spread
    cube[MASK, MASK, MASK] = 0
    cube = np.interp(cube.clip(-0.5, 0.5) * spread + calibration.mean, cdf, bins_hu)
    _repair(cube)
    tampered = _pasted(scan, _scaled(cube, shape), at)

    side = int(max(shape) * REACH)
    touched = (side, side, side)
    depth, height, width = scan.shape
    noise = tampered[_around((depth // 2, int(height * 0.43), int(width * 0.27)), touched)].copy()
    noise[noise > -800] = noise[noise < -800].mean()
    noise -= noise.mean()
    new, old = tampered[_around(at, touched)].copy(), scan[_around(at, touched)].copy()
    if action == "inject":
        factors = 1 / (1 + np.exp(-(new + 700) / 70)) * _kernel(side, 3.0)
        blended = np.maximum((new + noise) * factors + old * (1 - factors), old)
    else:
        kernel = np.broadcast_to(_kernel(side, 0.1), touched)
        blended = (new + noise) * kernel + old * (1 - kernel)
    return _pasted(tampered, blended, at)


def _around(at: tuple[int, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    low = [c - int(np.round(n / 2)) for c, n in zip(at, shape, strict=True)]
    return tuple(slice(lo, lo + n) for lo, n in zip(low, shape, strict=True))


def _scaled(cube: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    factors = [n / m for n, m in zip(shape, cube.shape, strict=True)]
    return ndimage.zoom(cube, factors, order=3, mode="mirror")


def _pasted(scan: NDArray[np.float64], piece: NDArray[np.float64], at: tuple[int, int, int]) -> NDArray[np.float64]:
    out = scan.copy()
    out[_around(at, piece.shape)] = piece
    return out


def _repair(cube: NDArray[np.float64]) -> None:
    padded = np.pad(cube, 2, constant_values=-1000.0)
    for z, y, x in np.argwhere(cube > 2000):
        padded[z + 2, y + 2, x + 2] = padded[z : z + 5, y : y + 5, x : x + 5].mean()
    cube[:] = padded[2:-2, 2:-2, 2:-2].clip(min=-1000)


def _kernel(side: int, sigmas: float) -> NDArray[np.float64]:
    interval = (2 * sigmas + 1) / side
    edges = np.linspace(-sigmas - interval / 2, sigmas + interval / 2, side + 1)
    profile = np.diff(stats.norm.cdf(edges))
    kernel = np.sqrt(np.outer(profile, profile))
    return (kernel - kernel.min()) / (kernel.max() - kernel.min())


def _noisy_lung(shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.int16]:
    """Lung-like HU with some tissue: what is in the scan hardly matters for the time."""
    rng = np.random.default_rng(seed)
    hu = np.empty(shape, dtype=np.int16)
    for z in range(shape[0]):
        one = rng.standard_normal(shape[1:], dtype=np.float32) * 60 - 870
        hu[z] = np.where(rng.random(shape[1:], dtype=np.float32) < 0.02, 30, one.round())
    return hu


def _measured(work: Callable[[], object], runs: int) -> tuple[float, int]:
    """Median time, and peak memory beyond what was held before, of a call that was made once already."""
    work()
    before = resident_bytes()
    forget_peak()
    times = [seconds(work) for _ in range(runs)]
    return statistics.median(times), peak_bytes() - before


if __name__ == "__main__":
    main()
