"""What the recovery copy's codec makes of a budget, beside JPEG 2000 slice by slice: error, time and memory.

Every row is one copy. "bit" is what the whole copy takes, for each voxel of the scan; the errors are root mean squares
in HU over the lungs with 10 mm around them and over the body elsewhere. JPEG 2000 (irreversible, OpenJPEG) codes the
box around the body, every slice with the same budget: plainly, and with the body outside the lungs pressed towards its
mean by a factor of 4 before coding and stretched after it, which is what a weight of the lungs comes to there. The two
numbers of MiB are what encoding and decoding take beyond what there was.

python benchmarks/copy_codec.py [--bits 0.5 1.05] [--slices 0]
"""

from __future__ import annotations

import argparse
import os
import time

from benchmarks.measure import MIB, forget_peak, limit_cores, peak_bytes, resident_bytes
from benchmarks.scans import add_scans, chosen_scans

_WEIGHT = 4


def _jpeg2000(hu, regions, max_bytes, weight):
    """The copy that JPEG 2000 makes of `max_bytes`, and the bytes that it takes."""
    import numpy as np
    from openjpeg.utils import decode, encode_array

    inside = [np.flatnonzero(regions.any(axis=others)) for others in ((1, 2), (0, 2), (0, 1))]
    box = tuple(slice(i[0], i[-1] + 1) for i in inside)
    lungs = regions[box] == 2
    low = int(hu[box][regions[box] > 0].min())
    values = np.maximum(hu[box], low).astype(np.int32)
    if weight > 1:
        values = np.where(lungs, values, values // weight)
    offset = int(values.min())
    values -= offset
    # OpenJPEG counts the bits that the values need, not those that they are stored in.
    ratio = values[0].size * int(values.max()).bit_length() / 8 / (max_bytes / len(values))
    out, size = hu.copy(), 0
    for z, picture in enumerate(values):
        data = encode_array(picture.astype(np.uint16), photometric_interpretation=2, compression_ratios=[ratio])
        size += len(data)
        back = decode(data).astype(np.int32) + offset
        out[box][z] = np.where(lungs[z], back, back * weight + weight // 2) if weight > 1 else back
    return out, size


def _regions(volume):
    import numpy as np
    from scipy import ndimage

    from napari_mits_gan.ct.anatomy import body_mask, lung_mask

    lungs = ndimage.distance_transform_edt(~lung_mask(volume), sampling=volume.spacing) <= 10
    regions = np.where(lungs, 2, np.where(body_mask(volume), 1, 0)).astype(np.uint8)
    if volume.padding is not None:
        regions[volume.padding] = 0
    return regions


def _errors(copy, hu, regions):
    import numpy as np

    difference = copy.astype(np.float32) - hu
    return [float(np.sqrt(np.mean(difference[regions == r] ** 2))) if (regions == r).any() else 0 for r in (2, 1)]


def _measured(work):
    """What a call returns, its wall-clock and processor seconds, and the memory it took at most."""
    before = resident_bytes()
    forget_peak()
    wall, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - processor, (peak_bytes() - before) / MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--bits", type=float, nargs="+", default=[0.25, 0.35, 0.5, 0.75, 1.05, 1.5])
    parser.add_argument("--slices", type=int, default=0, help="repeat the scan to so many slices, without JPEG 2000")
    options = parser.parse_args()
    limit_cores(2)

    import numpy as np

    from napari_mits_gan.evidence.copy_codec import decode_copy, encode_copy

    warm = np.zeros((8, 64, 64), np.int16)
    decode_copy(encode_copy(warm, np.full(warm.shape, 2, np.uint8), 5000))
    for volume in chosen_scans(options):
        regions = _regions(volume)
        hu = np.asarray(volume.hu)
        if options.slices:
            times = -(-options.slices // len(hu))
            hu, regions = (np.tile(a, (times, 1, 1))[: options.slices].copy() for a in (hu, regions))
        share = [float((regions == r).mean()) for r in (2, 1)]
        print(f"\n{volume.name}, {' x '.join(map(str, hu.shape))}: lungs and 10 mm {share[0]:.1%}, body {share[1]:.1%}")
        print(f"load of the machine {os.getloadavg()[0]:.1f}, 2 cores used; processor's seconds in brackets")
        print("| bit | codec | lungs, HU | body, HU | of the budget | encode, s | decode, s | MiB |")
        print("|---|---|---|---|---|---|---|---|")
        for bits in options.bits:
            _rows(hu, regions, bits, baseline=not options.slices)


def _rows(hu, regions, bits, baseline):
    """Print one row for our codec, and those of JPEG 2000."""
    from napari_mits_gan.evidence.copy_codec import decode_copy, encode_copy

    budget = int(hu.size * bits / 8)
    data, *there = _measured(lambda: encode_copy(hu, regions, budget))
    copy, *back = _measured(lambda: decode_copy(data))
    lungs, body = _errors(copy, hu, regions)
    used = f"{len(data) / budget:.1%}"
    times = f"{there[0]:.1f} ({there[1]:.1f}) | {back[0]:.1f} ({back[1]:.1f}) | {there[2]:.0f}, {back[2]:.0f}"
    print(f"| {bits} | ours | {lungs:.2f} | {body:.2f} | {used} | {times} |", flush=True)
    for weight in (1, _WEIGHT) if baseline else ():
        (copy, size), *took = _measured(lambda w=weight: _jpeg2000(hu, regions, budget, w))
        lungs, body = _errors(copy, hu, regions)
        name = "JPEG 2000" if weight == 1 else f"JPEG 2000, lungs x {weight}"
        used = f"{size / budget:.1%}"
        print(f"| {bits} | {name} | {lungs:.2f} | {body:.2f} | {used} | {took[0]:.1f} with decoding | | |", flush=True)


if __name__ == "__main__":
    main()
