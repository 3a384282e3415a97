"""Tables of what versions of a scan change, and how far they disrupt attacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE, Disruption
from napari_mits_gan.evaluation.measures.change import Change
from napari_mits_gan.evaluation.reports.table import Table, before_and_after, percent


def change_table(changes: Mapping[str, Change]) -> Table:
    """What each version of the scan changes inside the body, a row for each."""
    header = ("change to the scan", "largest, HU", "RMS, HU", "PSNR, dB", "SSIM", "10 mm mean, 95 %, HU")
    rows = []
    for name, change in changes.items():
        f = change.fidelity
        rows.append(
            (
                name,
                f"{f.max_change_hu:.0f}",
                f"{f.rms_hu:.2f}",
                f"{f.psnr_db:.1f}",
                f"{f.ssim:.4f}",
                f"{change.local_mean_95_hu:.2f}",
            )
        )
    return Table(header, tuple(rows))


def disruption_table(
    disruptions: Mapping[str, Mapping[str, Disruption]], ratios: Mapping[str, Mapping[str, str]]
) -> Table:
    """What each version does to each attacker, a row for each pair.

    Parameters
    ----------
    disruptions : mapping
        From the attacker to a mapping from the version to its `Disruption`.
    ratios : mapping
        In the same way, what stands in the last column, for those versions that have something there.
    """
    header = (
        "attacker, change to the scan",
        "median deviation",
        "95 % interval",
        f"over {DISRUPTED_ABOVE}",
        "RMS in the core, HU",
        "gain",
        "core, HU",
        "nodule seen",
        "protection ÷ this",
    )
    rows = []
    for attacker, versions in disruptions.items():
        for name, found in versions.items():
            low, high = found.median_interval
            rows.append(
                (
                    f"{attacker}, {name}",
                    f"{found.median:.5f}",
                    f"{low:.5f} – {high:.5f}",
                    percent(found.proportion_disrupted),
                    f"{found.tampered_hu:.1f}",
                    f"{found.gain:.2f}",
                    f"{np.mean(found.original_core_mean_hu):.0f} → {np.mean(found.core_mean_hu):.0f}",
                    before_and_after(found.seen_original, found.seen),
                    ratios[attacker].get(name, ""),
                )
            )
    return Table(header, tuple(rows))


def attacks_table(rows: Sequence[tuple[str, Disruption]]) -> Table:
    """One row for each named set of attacks."""
    over = f"over {DISRUPTED_ABOVE}"
    header = ("attacks", "sites", "median deviation", "95 % interval", over, "gain", "nodule seen")
    lines = []
    for name, found in rows:
        low, high = found.median_interval
        lines.append(
            (
                name,
                f"{len(found.deviations)}",
                f"{found.median:.5f}",
                f"{low:.5f} – {high:.5f}",
                percent(found.proportion_disrupted),
                f"{found.gain:.2f}",
                before_and_after(found.seen_original, found.seen),
            )
        )
    return Table(header, tuple(lines))


LEGEND = f"""\
*Change to the scan*: inside the body; PSNR over a range of 4095 HU; SSIM on axial slices in the lung window
(-1350 to 150 HU); *10 mm mean*: 95th percentile of the change of the mean over a 10 mm disc within a slice.
*Deviation*: mean squared difference of the in-painted 20 mm core between attack(changed) and attack(original), in
normalised units (-0.5 to 0.5), at random sites in the lungs that the protection does not know;
*over {DISRUPTED_ABOVE}*: proportion of the sites where it exceeds that. *RMS in the core*: the same difference in HU,
after touch-up and blending; *gain*: that over the RMS change of the scan at the same voxels. *Core*: mean HU after
attack(original) and attack(changed), averaged over the sites. *Nodule seen*: proportion of the sites where the nodule
detector, which shares nothing with the attackers, sees a nodule after attack(original) and after attack(changed).
*Protection ÷ this*: ratio of the median deviations. A
control is as strong everywhere as the protection is in the 32 mm cuboids around the sites (equal RMS there); a
protection that spares the rest of the body changes less in all. Intervals are 95 % percentile bootstrap over sites."""
