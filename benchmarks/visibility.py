"""How much is seen of a protection, by SSIM, in a lung window and in a mediastinal one.

python -m benchmarks.visibility --budgets 10 20 40

"Near the lungs" is soft tissue that the protection changes: heart, vessels, chest wall within its reach.
"""

from __future__ import annotations

import argparse

from benchmarks.scans import add_scans, chosen_scans

SOFT_TISSUE_HU = (-100, 200)
MEDIASTINAL_WINDOW_HU = (-135.0, 215.0)
"""Width 350, level 40."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_scans(parser)
    parser.add_argument("--budgets", type=int, nargs="+", default=(10, 20, 40), metavar="HU")
    parser.add_argument("--method", default="mits-gan")
    options = parser.parse_args()

    from napari_mits_gan.ct.anatomy import body_mask, lung_mask
    from napari_mits_gan.ct.constants import LUNG_WINDOW_HU
    from napari_mits_gan.evaluation.measures.fidelity import compare
    from napari_mits_gan.protection.protect import protect

    print("| scan | budget, HU | lung window, body | mediastinal window, body | mediastinal, near the lungs |")
    print("|---|---|---|---|---|")
    for scan in chosen_scans(options):
        body, lungs = body_mask(scan), lung_mask(scan)
        low, high = SOFT_TISSUE_HU
        soft = body & ~lungs & (scan.hu >= low) & (scan.hu <= high)
        for budget in options.budgets:
            protected = protect(scan, options.method, budget, device="cpu")
            near = soft & (protected.hu != scan.hu)
            figures = (
                compare(scan.hu, protected.hu, mask=body, window_hu=LUNG_WINDOW_HU).ssim,
                compare(scan.hu, protected.hu, mask=body, window_hu=MEDIASTINAL_WINDOW_HU).ssim,
                compare(scan.hu, protected.hu, mask=near, window_hu=MEDIASTINAL_WINDOW_HU).ssim,
            )
            print(f"| {scan.name} | {budget} | " + " | ".join(f"{value:.3f}" for value in figures) + " |", flush=True)


if __name__ == "__main__":
    main()
