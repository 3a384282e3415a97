"""Builds the documentation as a site, strictly and without a network, and says whether its pages fetch anything.

python scripts/check_docs.py [FOLDER_FOR_THE_SITE]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[1]
_NOBODY = "http://127.0.0.1:9"
"""No proxy answers there: whoever fetches something fails."""
_FETCHED = re.compile(
    r"""<(?:script|img|iframe)\b[^>]*\bsrc="?(?P<src>(?:https?:)?//[^\s">]+)"""
    r"""|<link\b(?=[^>]*\brel="?(?:stylesheet|preconnect|preload|icon|manifest))[^>]*\bhref="?(?P<href>(?:https?:)?//[^\s">]+)"""
    r"""|(?:url\(|@import\s)["']?(?P<url>(?:https?:)?//[^\s"')]+)"""
)
"""What a browser loads by itself; links that are clicked may lead anywhere."""


def main() -> None:
    if len(sys.argv) > 1:
        check(Path(sys.argv[1]).resolve())
        return
    with TemporaryDirectory() as folder:
        check(Path(folder) / "site")


def check(site: Path) -> None:
    """Build into a folder and look through it; ends the program where something is wrong."""
    surroundings = os.environ | {name: _NOBODY for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")}
    surroundings["NO_MKDOCS_2_WARNING"] = "true"  # advertisement of a successor
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    built = subprocess.run(command, cwd=ROOT, env=surroundings, capture_output=True, text=True)
    if built.returncode:
        sys.exit(f"{built.stdout}{built.stderr}\nthe documentation cannot be built without warnings")
    pages = sorted(site.rglob("*.html"))
    found = [
        f"{path.relative_to(site)} fetches {what}" for path in (*pages, *site.rglob("*.css")) for what in fetched(path)
    ]
    if found:
        sys.exit("\n".join(found))
    print(f"{len(pages)} pages, none of which fetches anything from elsewhere")


def fetched(path: Path) -> Iterator[str]:
    """Addresses elsewhere that a browser loads with a page or a style sheet."""
    for match in _FETCHED.finditer(path.read_text(encoding="utf-8")):
        yield next(filter(None, match.groups()))


if __name__ == "__main__":
    main()
