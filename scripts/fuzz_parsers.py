"""Fuzz the parsers of our own with inputs that atheris (libFuzzer) makes up, guided by the code that they reach.

    pip install atheris
    python scripts/fuzz_parsers.py nifti --runs 20000

Only inputs that raise something else than a ReadError end it; libFuzzer then leaves the input in a file `crash-…`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
with atheris.instrument_imports(include=["napari_mits_gan.ct", "napari_mits_gan.files", "nibabel.nifti1"]):
    import fuzz_targets


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=fuzz_targets.TARGETS)
    parser.add_argument("--runs", type=int, default=20_000, help="inputs to try (default: 20000)")
    parser.add_argument("--corpus", type=Path, help="folder where inputs that reach new code are kept")
    options = parser.parse_args()
    corpus = options.corpus or Path(tempfile.mkdtemp(prefix="corpus-"))
    corpus.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(fuzz_targets.seeds(options.target)):
        (corpus / f"seed{number}").write_bytes(data)
    flags = [f"-runs={options.runs}", "-max_len=4096", "-timeout=60", "-rss_limit_mb=3000", str(corpus)]
    atheris.Setup([sys.argv[0], *flags], fuzz_targets.TARGETS[options.target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
