"""What purification leaves of a protection, as a table."""

from __future__ import annotations

from collections.abc import Mapping

from napari_mits_gan.evaluation.disruption.deviation import DISRUPTED_ABOVE
from napari_mits_gan.evaluation.reports.table import Table, percent, percent_interval
from napari_mits_gan.evaluation.robustness.robustness import UNPURIFIED, Robustness


def robustness_table(found: Mapping[str, Robustness]) -> Table:
    """What is left of a protection after each purifier, for each attacker.

    Parameters
    ----------
    found : mapping of str to Robustness
        By the attacker's name in the report.

    Returns
    -------
    Table
        A row for each attacker and purifier, that of the unpurified scan first, the worst case last.
    """
    header = (
        "attacker, purifier",
        "median deviation",
        "95 % interval",
        f"over {DISRUPTED_ABOVE}",
        "95 % interval",
        "median kept",
        "95 % interval",
        f"over {DISRUPTED_ABOVE} kept",
        "95 % interval",
    )
    rows = []
    for attacker, figures in found.items():
        for row in figures.rows:
            low, high = figures.median_interval(row)
            kept = ("", "", "", "")
            if row != UNPURIFIED:
                kept = (
                    percent(figures.median_kept(row)),
                    percent_interval(figures.median_kept_interval(row)),
                    percent(figures.proportion_kept(row)),
                    percent_interval(figures.proportion_kept_interval(row)),
                )
            rows.append(
                (
                    f"{attacker}, {row}",
                    f"{figures.median(row):.5f}",
                    f"{low:.5f} – {high:.5f}",
                    percent(figures.proportion_disrupted(row)),
                    percent_interval(figures.proportion_disrupted_interval(row)),
                    *kept,
                )
            )
    return Table(header, tuple(rows))


ROBUSTNESS_LEGEND = f"""\
*Deviation* of attack(purified, protected) against attack(purified, original), both purified in the same way, at random
sites in the lungs; *over {DISRUPTED_ABOVE}*: proportion of the sites where it exceeds that; *kept*: median or
proportion over that of the unpurified scan (a purifier can also raise it). *Worst case*: at each site the smallest
deviation that any purifier, or none, leaves. *dicom*: written as a series in whole HU and read again; *resample-1mm*:
cubic splines to a grid of 1 mm and back; *blur*: Gaussian, sigma in voxels; *median-3*: of 3 x 3 x 3 voxels; *noise*:
white and Gaussian, standard deviation in HU, the same in both versions; *jpeg2000*: slices at that compression ratio of
their 12-bit values, coded as the crop around the site with a margin of 32 voxels, which is coarser on lung than coding
whole slices; *denoiser*: a small network trained on scans with noise added, without any protection. Intervals are 95 %
percentile bootstrap over sites."""
