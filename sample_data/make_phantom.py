"""Draws the sample scan anew: a chest CT phantom as a DICOM series, and beside it a JSON file that tells its nodule.

python sample_data/make_phantom.py                 # into sample_data/chest_phantom, which must be empty
python sample_data/make_phantom.py OTHER_FOLDER --seed 1
"""

from __future__ import annotations

import argparse
from pathlib import Path

from napari_mits_gan.command_line.progress_bar import progress_bar
from napari_mits_gan.phantom.chest import chest_phantom, write_phantom


def main() -> None:
    """Draw and write."""
    here = Path(__file__).resolve().parent
    command = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("folder", nargs="?", type=Path, default=here / "chest_phantom", help="a new or empty folder")
    command.add_argument("--seed", type=int, default=0, help="another seed gives another chest (default: 0)")
    options = command.parse_args()
    with progress_bar("Drawing") as progress:
        phantom = chest_phantom(options.seed, progress=progress)
    with progress_bar("Writing") as progress:
        files = write_phantom(phantom, options.folder, seed=options.seed, progress=progress)
    size = sum(file.stat().st_size for file in files) / 2**20
    print(f"{len(files)} slices, {size:.1f} MiB; nodule at voxel (z, y, x) {phantom.nodule.voxel}")


if __name__ == "__main__":
    main()
