"""Says whether a wheel holds all that is not code: the manifest, the sample scan and the weights.

python scripts/check_wheel.py dist/napari_mits_gan-0.1.0-py3-none-any.whl
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "src" / "napari_mits_gan"
LICENSE = ("License-Expression: MIT", "License-File: LICENSE")
WEIGHTS = (
    "detector",
    "injector",
    "injector_fixed_window",
    "injector_other_seed",
    "injector_small_core",
    "mits_gan",
    "remover",
    "remover_small_core",
)


def expected() -> set[str]:
    """Names that must be in the wheel."""
    inside = [p.relative_to(PACKAGE.parent) for p in PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    sample = [p.relative_to(REPOSITORY) for p in (REPOSITORY / "sample_data" / "chest_phantom").iterdir()]
    return {p.as_posix() for p in inside} | {f"napari_mits_gan/{p.as_posix()}" for p in sample}


def main() -> int:
    """Check one wheel."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        names = [name for name in wheel.namelist() if ".dist-info/" not in name]
        manifest = wheel.read("napari_mits_gan/napari.yaml")
        (metadata,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        told = wheel.read(metadata).decode().split("\n\n", 1)[0].splitlines()
    problems = [f"missing: {name}" for name in sorted(expected() - set(names))]
    problems += [f"not expected: {name}" for name in sorted(set(names) - expected())]
    problems += [f"twice: {name}" for name in sorted({n for n in names if names.count(n) > 1})]
    if manifest != (REPOSITORY / "napari.yaml").read_bytes():
        problems.append("the manifest in the wheel is not the one at the top level")
    problems += [f"not in the metadata: {line}" for line in LICENSE if line not in told]
    needed = {f"napari_mits_gan/weights/{name}.safetensors" for name in WEIGHTS}
    problems += [f"no weights: {name}" for name in sorted(needed - set(names))]
    print("\n".join(problems) or f"{len(names)} files, complete")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
