"""What the seal finds, names and heals, on scans kept out of training, as a Markdown document.

python -m benchmarks.seal > docs/seal_results.md

Attacks are made on the sealed scan, several at a time where they lie far apart; each is then judged by itself. Figures
of recovery are RMS in HU against the sealed scan, over all voxels that were healed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import MIB, forget_peak, limit_cores, peak_bytes, resident_bytes
from benchmarks.scans import add_scans, chosen_scans

BITS = (1, 2)
FAR_MM = 56.0
"""Attacks at least this far apart touch no block in common."""


@dataclass
class Figures:
    """What was measured with one strength of the seal, over all scans."""

    largest: list[int] = field(default_factory=list)
    rms: list[float] = field(default_factory=list)
    found: dict[str, list[bool]] = field(default_factory=dict)
    named: list[int] = field(default_factory=lambda: [0, 0])
    wrongly: list[int] = field(default_factory=lambda: [0, 0])
    healed: dict[str, dict[str, float]] = field(default_factory=dict)
    share: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    back: dict[str, list[bool]] = field(default_factory=dict)
    alarms: list[bool] = field(default_factory=list)
    laa: list[float] = field(default_factory=list)
    means: list[float] = field(default_factory=list)
    sizes: list[str] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--attacks", type=int, default=50, help="of each action on each scan (default: 50)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cores", type=int, default=2, help="(default: 2)")
    parser.add_argument("--no-speed", action="store_true", help="leave out time and memory")
    options = parser.parse_args()
    limit_cores(options.cores)

    scans = chosen_scans(options)
    all_figures = {bits: Figures() for bits in BITS}
    for scan in scans:
        for bits, figures in all_figures.items():
            print(f"{scan.name}, {bits} bit(s)", file=sys.stderr)
            one_scan(scan, bits, figures, options.attacks, options.seed)
    print(document(all_figures, [scan.name for scan in scans], options))
    if not options.no_speed:
        print(speed(scans[0], options.cores))


def one_scan(scan, bits: int, figures: Figures, attacks: int, seed: int) -> None:
    from napari_mits_gan.detection.detector import NoduleDetector
    from napari_mits_gan.detection.sites import injection_sites
    from napari_mits_gan.evidence.key import SealKey
    from napari_mits_gan.evidence.regions import regions_of
    from napari_mits_gan.evidence.seal import seal

    key, rng = SealKey(bytes(range(32))), np.random.default_rng(seed)
    detector = NoduleDetector.load()
    sealed = seal(scan, key, bits=bits)
    copy_bytes = sealed.history[-1].parameters["copy_bytes"]
    figures.sizes.append(
        f"{scan.name}: {copy_bytes} bytes, {8 * copy_bytes / scan.hu.size:.2f} bit a voxel of the scan"
    )
    change(scan, sealed, figures)
    regions = regions_of(sealed)
    sites = [site.at for site in injection_sites(scan, attacks, detector=detector, seed=seed)]
    print(f"  {len(sites)} sites", file=sys.stderr)
    if not sites:
        sys.exit(f"there is no healthy place for an attack in {scan.name}; choose another scan")
    injections(sealed, key, sites, attacks, detector, figures)
    removals(scan, key, bits, sites, attacks, detector, figures, rng)
    drawn(sealed, key, sites, figures, rng)
    copied(sealed, key, figures, rng)
    single_voxels(sealed, key, figures, rng)
    boxes(sealed, key, regions, figures, rng)
    shares(sealed, key, figures, rng)
    transcodings(sealed, key, figures)


def change(scan, sealed, figures: Figures) -> None:
    """How far values moved, and what that does to a reader's figures."""
    from napari_mits_gan.ct.anatomy import body_mask, lung_mask

    difference = sealed.hu.astype(np.int32) - scan.hu
    measured = np.ones(scan.shape, bool) if scan.padding is None else ~scan.padding
    figures.largest.append(int(np.abs(difference).max()))
    figures.rms.append(float(np.sqrt(np.mean(difference[measured] ** 2.0))))
    lung, body = lung_mask(scan), body_mask(scan)
    figures.laa.append(100 * abs(float((sealed.hu[lung] < -950).mean() - (scan.hu[lung] < -950).mean())))
    rng = np.random.default_rng(0)
    # Discs of 10 mm in single slices, as `evaluation.diagnostic` has them.
    ny, nx = (max(1, round(5 / s)) for s in scan.spacing[1:])
    y, x = np.ogrid[-ny : ny + 1, -nx : nx + 1]
    disc = (y / ny) ** 2 + (x / nx) ** 2 <= 1
    for mask in (lung, body & ~lung):
        places = np.argwhere(mask[:, ny:-ny, nx:-nx])
        for z, row, column in places[rng.choice(len(places), 500)]:
            part = difference[z, row : row + 2 * ny + 1, column : column + 2 * nx + 1]
            figures.means.append(abs(float(part[disc].mean())))


def blocks_of(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The voxels of all blocks that hold a voxel of the mask."""
    nz, ny, nx = mask.shape
    wide = np.zeros((nz, -(-ny // 16) * 16, -(-nx // 16) * 16), bool)
    wide[:, :ny, :nx] = mask
    held = wide.reshape(nz, wide.shape[1] // 16, 16, wide.shape[2] // 16, 16).any(axis=(2, 4))
    return held.repeat(16, axis=1).repeat(16, axis=2)[:, :ny, :nx]


def tell(figures: Figures, kind: str, sealed, hu, named: NDArray[np.bool_], places: Sequence) -> None:
    """Count what a check named against what was changed; `places` are the boxes of single attacks."""
    changed = sealed.hu != hu
    expected = blocks_of(changed)
    for place in places:
        if changed[place].any():
            figures.found.setdefault(kind, []).append(bool(named[place][changed[place]].all()))
    one = (slice(None), slice(None, None, 16), slice(None, None, 16))
    figures.named[0] += int((named & expected)[one].sum())
    figures.named[1] += int(expected[one].sum())
    figures.wrongly[0] += int((named & ~expected)[one].sum())
    figures.wrongly[1] += int((~expected)[one].sum())


def far_apart(places: Sequence, spacing, count: int) -> Iterator[list]:
    """Places in groups whose members lie far apart; each place as often as it takes to make `count`."""
    left = [places[i % len(places)] for i in range(count)]
    while left:
        group: list = []
        for place in list(left):
            apart = [np.linalg.norm((np.array(place) - other) * spacing) for other in group]
            if all(d >= FAR_MM for d in apart):
                group.append(place)
                left.remove(place)
        yield group


def attacked(sealed, attackers, group, first: int):
    """The sealed scan with one attack at each place, and their boxes."""
    volume, boxes = sealed, []
    for i, at in enumerate(group):
        attacker = attackers[(first + i) % len(attackers)]
        volume = attacker.tamper(volume, at)
        box = attacker.touched(at, volume.spacing).inside(volume.shape)
        boxes.append(box.slices())
    return volume, boxes


def attackers_of(action: str) -> list:
    from napari_mits_gan.attack.ctgan.attacker import CTGAN, SHIPPED_ATTACKERS

    loaded = [CTGAN.load(name, device="cpu") for name in SHIPPED_ATTACKERS]
    return [attacker for attacker in loaded if attacker.action == action]


def injections(sealed, key, sites, attacks: int, detector, figures: Figures) -> None:
    from napari_mits_gan.evidence.recover import recover

    attackers, done = attackers_of("inject"), 0
    for group in far_apart(sites, sealed.spacing, attacks):
        tampered, boxes = attacked(sealed, attackers, group, done)
        done += len(group)
        recovery = recover(tampered, key)
        tell(figures, "injections by the shipped attackers", sealed, tampered.hu, recovery.healed, boxes)
        clean, seen, after = (detector.scores(v, group) for v in (sealed, tampered, recovery.volume))
        limit = detector.threshold
        worked = (clean < limit) & (seen >= limit)
        figures.back.setdefault("injected nodules gone", []).extend((after < limit)[worked].tolist())


def removals(scan, key, bits: int, sites, attacks: int, detector, figures: Figures, rng) -> None:
    """Nodules are drawn first, then the scan is sealed: the patient's nodules, as it were."""
    from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
    from napari_mits_gan.attack.nodules.rules import random_nodule
    from napari_mits_gan.evidence.recover import recover
    from napari_mits_gan.evidence.seal import seal

    attackers, done = attackers_of("remove"), 0
    groups = list(far_apart(sites, scan.spacing, attacks))
    ill = scan
    for at in {at for group in groups for at in group}:
        ill = implant_in_scan(ill, random_nodule(rng, (8, 20)), at)
    sealed = seal(replace(ill, history=()), key, bits=bits)
    for group in groups:
        tampered, boxes = attacked(sealed, attackers, group, done)
        done += len(group)
        recovery = recover(tampered, key)
        tell(figures, "removals by the shipped attackers", sealed, tampered.hu, recovery.healed, boxes)
        was, hidden, after = (detector.scores(v, group) for v in (sealed, tampered, recovery.volume))
        limit = detector.threshold
        worked = (was >= limit) & (hidden < limit)
        figures.back.setdefault("removed nodules back", []).extend((after >= limit)[worked].tolist())


def drawn(sealed, key, sites, figures: Figures, rng) -> None:
    from napari_mits_gan.attack.nodules.in_scan import implant_in_scan
    from napari_mits_gan.attack.nodules.rules import random_nodule
    from napari_mits_gan.evidence.check import verify

    for group in far_apart(sites, sealed.spacing, min(25, 2 * len(sites))):
        hu, places = sealed.hu, []
        for at in group:
            added = implant_in_scan(replace(sealed, hu=hu), random_nodule(rng), at).hu
            z, y, x = (np.unique(axis) for axis in np.nonzero(added != hu))
            if z.size:
                places.append(tuple(slice(int(a[0]), int(a[-1]) + 1) for a in (z, y, x)))
            hu = added
        named = verify(replace(sealed, hu=hu), key).changed_voxels()
        tell(figures, "drawn nodules", sealed, hu, named, places)


def copied(sealed, key, figures: Figures, rng) -> None:
    """Boxes copied from one place of the scan to another."""
    from napari_mits_gan.evidence.check import verify

    for _ in range(25):
        size = [min(n // 2, int(rng.integers(4, 48))) for n in sealed.shape]
        source, target = (
            tuple(
                slice(int(a), int(a) + s)
                for a, s in ((rng.integers(0, n - s + 1), s) for n, s in zip(sealed.shape, size, strict=True))
            )
            for _ in range(2)
        )
        hu = sealed.hu.copy()
        hu[target] = sealed.hu[source]
        if (hu == sealed.hu).all():
            continue
        named = verify(replace(sealed, hu=hu), key).changed_voxels()
        tell(figures, "copy and paste", sealed, hu, named, [target])


def single_voxels(sealed, key, figures: Figures, rng) -> None:
    """One voxel + 1, each in a block of its own, padding among them."""
    from napari_mits_gan.evidence.check import verify

    for _ in range(4):
        places = rng.integers(0, sealed.shape, (50, 3))
        hu = sealed.hu.copy()
        hu[tuple(places.T)] += 1
        named = verify(replace(sealed, hu=hu), key).changed_voxels()
        single = [tuple(slice(int(a), int(a) + 1) for a in at) for at in places]
        tell(figures, "1 voxel + 1", sealed, hu, named, single)


def random_boxes(volume, side_mm: float, share: float, rng) -> NDArray[np.bool_]:
    """Boxes anywhere, not aligned with blocks, until they hold that share of all voxels."""
    mask = np.zeros(volume.shape, bool)
    size = [min(n, max(1, round(side_mm / s))) for n, s in zip(volume.shape, volume.spacing, strict=True)]
    left = share * mask.size
    while left > 0:
        low = [int(rng.integers(0, n - s + 1)) for n, s in zip(volume.shape, size, strict=True)]
        box = mask[tuple(slice(a, a + s) for a, s in zip(low, size, strict=True))]
        left -= np.count_nonzero(~box)
        box[:] = True
    return mask


def random_slices(volume, share: float, rng) -> NDArray[np.bool_]:
    mask = np.zeros(volume.shape, bool)
    mask[rng.choice(len(mask), int(np.ceil(share * len(mask))), replace=False)] = True
    return mask


def boxes(sealed, key, regions, figures: Figures, rng) -> None:
    """A tenth of the scan overwritten in 32 mm boxes, then healed."""
    from napari_mits_gan.evidence.recover import recover

    mask = random_boxes(sealed, 32, 0.10, rng)
    if sealed.padding is not None:
        mask &= ~sealed.padding
    hu = sealed.hu.copy()
    hu[mask] = rng.normal(-300, 300, int(mask.sum())).astype(np.int16)
    recovery = recover(replace(sealed, hu=hu), key)
    tell(figures, "a tenth of the scan in 32 mm boxes", sealed, hu, recovery.healed, [np.s_[:, :, :]])
    error = recovery.volume.hu.astype(np.float64) - sealed.hu
    assert not error[~recovery.healed].any()
    measured = recovery.healed if sealed.padding is None else recovery.healed & ~sealed.padding
    names = {"lungs + 10 mm": 2, "body elsewhere": 1, "air outside": 0}
    for name, region in names.items():
        part = error[measured & (regions == region)]
        if part.size:
            figures.healed.setdefault(name, {})[sealed.name] = float(np.sqrt(np.mean(part**2)))


def shares(sealed, key, figures: Figures, rng) -> None:
    """The largest share of all voxels, in steps of 2 %, that can be tampered with and still be healed."""
    from napari_mits_gan.evidence.check import verify

    kinds = {
        "boxes of 32 mm": lambda share: random_boxes(sealed, 32, share, rng),
        "boxes of 64 mm": lambda share: random_boxes(sealed, 64, share, rng),
        "whole slices": lambda share: random_slices(sealed, share, rng),
    }
    for kind, draw in kinds.items():
        for _ in range(2):
            reached = 0.0
            for percent in range(8, 40, 2):
                mask = draw(percent / 100)
                if not verify(replace(sealed, hu=np.where(mask, sealed.hu ^ 2, sealed.hu)), key).can_be_healed:
                    break
                reached = float(mask.mean())
            figures.share.setdefault(kind, {}).setdefault(sealed.name, []).append(reached)


def transcodings(sealed, key, figures: Figures) -> None:
    """Every lossless way to write and read the scan again, with and without header."""
    from napari_mits_gan.ct.dicom.write import write_dicom
    from napari_mits_gan.ct.image.write import write_image
    from napari_mits_gan.ct.read import read_ct
    from napari_mits_gan.evidence.check import verify

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        bare = replace(sealed, source=None, padding=None, history=())
        for name in ("a.nii", "a.nii.gz", "a.mha", "a.nrrd"):
            figures.alarms.append(not verify(read_ct(write_image(bare, place / name)), key).is_intact)
        for syntax in ("explicit-le", "deflated", "rle", "jpeg-ls", "jpeg-2000"):
            write_dicom(sealed, place / syntax, transfer_syntax=syntax)
            figures.alarms.append(not verify(read_ct(place / syntax), key).is_intact)
        write_dicom(bare, place / "new")  # a new patient, study and series
        figures.alarms.append(not verify(read_ct(place / "new"), key).is_intact)


def speed(scan, cores: int) -> str:
    """Time and memory for 300 slices of 512 x 512, made of the scan's own."""
    from napari_mits_gan.ct.volume import CTVolume
    from napari_mits_gan.evidence.check import verify
    from napari_mits_gan.evidence.key import SealKey
    from napari_mits_gan.evidence.recover import recover
    from napari_mits_gan.evidence.seal import seal

    key = SealKey(bytes(range(32)))
    ny, nx = (min(512, n) for n in scan.shape[1:])
    part = scan.hu[:, :ny, :nx]
    part = np.pad(part, ((0, 0), (0, 512 - ny), (0, 512 - nx)), mode="edge")
    hu = np.concatenate([part, part[::-1], part])[:300]
    hu = np.pad(hu, ((0, 300 - len(hu)), (0, 0), (0, 0)), mode="wrap")
    volume = CTVolume(np.ascontiguousarray(hu), (1.25, *scan.spacing[1:]))
    rows = [f"## Time and memory\n\n300 x 512 x 512, {cores} cores, beyond the volume itself.\n"]
    rows += ["| | bits | seconds | MiB |", "|---|---:|---:|---:|"]

    def measured(name: str, bits: int, work):
        before = resident_bytes()
        forget_peak()
        start = time.perf_counter()
        result = work()
        took = time.perf_counter() - start
        rows.append(f"| {name} | {bits} | {took:.1f} | {max(0, peak_bytes() - before) / MIB:.0f} |")
        return result

    for bits in BITS:
        sealed = measured("seal", bits, lambda bits=bits: seal(volume, key, bits=bits))
        measured("verify", bits, lambda sealed=sealed: verify(sealed, key))
        changed = sealed.hu.copy()
        changed[100:126, 200:246, 150:196] = 40
        tampered = replace(sealed, hu=changed)
        measured("recover", bits, lambda tampered=tampered: recover(tampered, key))
    return "\n".join(rows)


def document(all_figures: dict[int, Figures], names: Sequence[str], options: argparse.Namespace) -> str:
    from napari_mits_gan.evaluation.reports.table import Table

    kinds = list(dict.fromkeys(kind for f in all_figures.values() for kind in f.found))
    rows: list[tuple[str, ...]] = []

    def row(name: str, cells: Sequence[str]) -> None:
        rows.append((name, *cells))

    per = list(all_figures.values())
    row("largest change of a value", [str(max(f.largest)) for f in per])
    row("RMS change of a value, padding left out", [f"{max(f.rms):.3f}" for f in per])
    row("change of LAA-950, percentage points (largest)", [f"{max(f.laa):.3f}" for f in per])
    row("change of a 10 mm region's mean, HU (mean; 95th percentile; largest)", [_spread(f.means) for f in per])
    for kind in kinds:
        row(f"found: {kind}", [_share(f.found[kind]) for f in per])
    row("changed blocks named", [f"{f.named[0]} of {f.named[1]}" for f in per])
    row("untouched blocks named", [f"{f.wrongly[0]} of {f.wrongly[1]}" for f in per])
    for name in all_figures[1].healed:
        for scan in names:
            row(f"healed, {name}, RMS in HU: {scan}", [f"{f.healed[name].get(scan, float('nan')):.1f}" for f in per])
    for kind in all_figures[1].share:
        for scan in names:
            row(
                f"share of all voxels still healed, {kind}: {scan}",
                [f"{100 * min(f.share[kind][scan]):.0f} to {100 * max(f.share[kind][scan]):.0f} %" for f in per],
            )
    for name in all_figures[1].back:
        row(name, [_share(f.back[name]) for f in per])
    row("false alarms after lossless transcoding", [f"{sum(f.alarms)} of {len(f.alarms)}" for f in per])
    table = Table(("figure", "one bit", "two bits"), tuple(rows)).markdown()
    sizes = "\n".join(f"* {bits} bit(s), {size}" for bits, f in all_figures.items() for size in f.sizes)
    return (
        f"# What the seal finds and heals\n\nMeasured by `python -m benchmarks.seal --attacks {options.attacks}` on "
        f"{' and '.join(names)}; shares with 95 % intervals.\n\n{table}\n\nRecovery copies:\n\n{sizes}\n"
    )


def _share(answers: Sequence[bool]) -> str:
    from napari_mits_gan.evaluation.measures.intervals import Proportion

    return str(Proportion.among(answers))


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}; {np.percentile(values, 95):.3f}; {max(values):.3f}"


if __name__ == "__main__":
    main()
