"""What an attacker without the key can do to the seal's header, on scans kept out of training, as Markdown tables.

python -m benchmarks.header_attacks

The attacker knows the method. He ranks voxels by how much their lowest bits repeat from slice to slice, which
is all that slices could have in common, and spoils those that repeat the most in every slice; or he changes voxels at
random by 1. Where the AUC is 0.5, a voxel that carries the header is told from another by tossing a coin.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import limit_cores
from benchmarks.scans import add_scans, chosen_scans
from napari_mits_gan.ct.volume import CTVolume
from napari_mits_gan.evidence.carriers import padding_of
from napari_mits_gan.evidence.find_seal import find_seal
from napari_mits_gan.evidence.header import HEADER_BITS
from napari_mits_gan.evidence.key import SealKey
from napari_mits_gan.evidence.layout import SIDE, Grid, cell_order, header_bits
from napari_mits_gan.evidence.seal import seal

SHARES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--slices", type=int, help="only so many from the middle of each scan (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    options = parser.parse_args()
    limit_cores(options.cores)
    key = SealKey(np.random.default_rng(options.seed).bytes(32))

    shares = " | ".join(f"{100 * share:.0f} %" for share in SHARES)
    print(f"| scan | slices | AUC of the header's voxels | found after | {shares} | s |")
    print("|---|---:|---:|---|" + "---|" * (len(SHARES) + 1))
    for scan in chosen_scans(options):
        print(f"{scan.name} …", file=sys.stderr)
        sealed = seal(_middle(scan, options.slices), key)
        suspicion = _suspicion(sealed)
        auc = _auc(suspicion, _header_places(sealed.shape, key))
        rng = np.random.default_rng(options.seed)
        start = time.perf_counter()
        find_seal(sealed, key)
        took = time.perf_counter() - start
        at_random = (_by_one(sealed.hu, rng, rng.random(sealed.shape) < share) for share in SHARES)
        worst = (_by_one(sealed.hu, rng, suspicion >= np.quantile(suspicion, 1 - share)) for share in SHARES)
        for name, attacked in (("voxels changed by 1 at random", at_random), ("the most suspicious voxels", worst)):
            found = " | ".join(_found(sealed, attacked, key))
            print(f"| {scan.name} | {sealed.shape[0]} | {auc:.3f} | {name} | {found} | {took:.2f} |", flush=True)


def _middle(scan: CTVolume, slices: int | None) -> CTVolume:
    if slices is None or slices >= scan.shape[0]:
        return scan
    first = (scan.shape[0] - slices) // 2
    padding = None if scan.padding is None else scan.padding[first : first + slices]
    part = CTVolume(scan.hu[first : first + slices].copy(), scan.spacing, scan.origin, scan.direction, padding=padding)
    return part


def _suspicion(sealed: CTVolume) -> NDArray[np.float64]:
    """For each voxel of a slice, how much its lowest bits repeat themselves over the slices; 1 by chance."""
    padding = padding_of(sealed)
    measured = np.ones(sealed.shape, bool) if padding is None else ~padding
    signs = np.where(measured, (sealed.hu & 1) * 2.0 - 1, 0.0)
    return np.asarray(signs.sum(axis=0) ** 2 / np.maximum(1, measured.sum(axis=0)))


def _header_places(shape: tuple[int, int, int], key: SealKey) -> NDArray[np.bool_]:
    grid = Grid(shape)
    order = cell_order(grid, key)[:, : header_bits(grid, HEADER_BITS)]
    row, column = np.divmod(np.arange(grid.per_slice), grid.columns)
    places = np.zeros((grid.rows * SIDE, grid.columns * SIDE), bool)
    places[row[:, None] * SIDE + order // SIDE, column[:, None] * SIDE + order % SIDE] = True
    return places[: shape[1], : shape[2]]


def _auc(suspicion: NDArray[np.float64], places: NDArray[np.bool_]) -> float:
    from scipy.stats import rankdata

    ranks, n = rankdata(suspicion.ravel()), int(places.sum())
    return float((ranks[places.ravel()].sum() - n * (n + 1) / 2) / (n * (places.size - n)))


def _by_one(hu: NDArray[np.int16], rng: np.random.Generator, where: NDArray[np.bool_]) -> NDArray[np.int16]:
    """In each slice half of these voxels' lowest bits changed, or, of a share of the whole scan, each by 1."""
    out = hu.copy()
    for z, values in enumerate(out):
        chosen = where[z] if where.ndim == 3 else where & (rng.random(where.shape) < 0.5)
        values[chosen] += rng.choice(np.array([-1, 1], np.int16), int(chosen.sum()))
    return out


def _found(sealed: CTVolume, attacked: Iterable[NDArray[np.int16]], key: SealKey) -> list[str]:
    bare = (CTVolume(hu, sealed.spacing, sealed.origin, sealed.direction) for hu in attacked)
    return ["no" if find_seal(volume, key) is None else "yes" for volume in bare]


if __name__ == "__main__":
    main()
