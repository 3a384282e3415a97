"""Uses the package as installed from a wheel, away from the checkout: sample scan, weights, attack.

python scripts/check_installed.py FOLDER_IT_IS_INSTALLED_IN
"""

from __future__ import annotations

import sys
from pathlib import Path

import napari_mits_gan as mg


def main() -> None:
    """Read the sample scan from the installed package and attack it."""
    package = Path(mg.__file__).resolve().parent
    installed = Path(sys.argv[1]).resolve()
    if installed not in package.parents:
        raise SystemExit(f"the package comes from elsewhere than {installed}")
    scan = mg.read_ct(package / "sample_data" / "chest_phantom")
    z, y, x = scan.shape[0] // 2, scan.shape[1] // 2, scan.shape[2] // 4
    for action in ("inject", "remove"):
        tampered = mg.load_attacker(action).tamper(scan, at=(z, y, x))
        print(f"{action}: {int((tampered.hu != scan.hu).sum())} voxels changed")


if __name__ == "__main__":
    main()
