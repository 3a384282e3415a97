"""Write the tables of `docs/dicom-cases.md` anew from `tests/dicom_cases.py`, which the tests read.

python scripts/make_dicom_cases.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]


def main() -> None:
    from dicom_cases import tables

    document = ROOT / "docs" / "dicom-cases.md"
    text = document.read_text("utf-8")
    for place, table in tables().items():
        begin, end = f"<!-- {place} -->\n", f"\n<!-- end of {place} -->"
        before, _, rest = text.partition(begin)
        after = rest.partition(end)[2]
        if not after:
            sys.exit(f"{document.name} has no place for the table of {place}")
        text = f"{before}{begin}\n{table}\n{end}{after}"
    document.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
