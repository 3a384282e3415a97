"""An HTML page that needs nothing but itself: no network, no script, pictures within."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from napari_mits_gan.ct.dicom.provenance import version
from napari_mits_gan.errors import WriteError
from napari_mits_gan.files.publish import failure
from napari_mits_gan.files.replace import replaced_file
from napari_mits_gan.pages.picture import RGB, data_uri

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em }
body { color: #222; background: #fff }
h1 { font-size: 1.5em } h2 { font-size: 1.1em; margin: 1.6em 0 .3em }
.headline { font-size: 1.15em; padding: .6em .9em; border-left: .35em solid #888; background: #f3f3f3 }
.headline.alarm { border-color: #c62828; background: #fdecea }
.headline.good { border-color: #2e7d32; background: #e9f5ea }
figure { display: inline-block; margin: .4em 1em .4em 0; vertical-align: top }
figcaption { font-size: .85em; color: #555 }
img { display: block; background: #000; max-width: 100% }
dl { display: grid; grid-template-columns: max-content auto; gap: 0 1em } dt { color: #555 } dd { margin: 0 }
footer { margin-top: 3em; font-size: .85em; color: #555 }
table { border-collapse: collapse } td, th { padding: .25em .7em; border-bottom: 1px solid #ddd; text-align: left }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #111 } figcaption, dt, footer { color: #aaa } td, th { border-color: #333 }
  .headline { background: #222 } .headline.alarm { background: #3a1714 } .headline.good { background: #17301a }
}
"""


def heading(text: str) -> str:
    """A heading of a part of the page."""
    return f"<h2>{escape(text)}</h2>"


def headline(text: str, *, alarm: bool | None = None) -> str:
    """What the page says in one sentence; `alarm` colours it, None leaves it grey."""
    kind = "" if alarm is None else " alarm" if alarm else " good"
    return f'<p class="headline{kind}">{escape(text)}</p>'


def paragraph(text: str) -> str:
    """A sentence or more."""
    return f"<p>{escape(text)}</p>"


def bullets(texts: Iterable[str]) -> str:
    """A list of sentences."""
    return "<ul>" + "".join(f"<li>{escape(text)}</li>" for text in texts) + "</ul>"


def facts(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in pairs) + "</dl>"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a row of headings."""
    lines = ["".join(f"<th>{escape(name)}</th>" for name in head)]
    lines += ["".join(f"<td>{escape(str(value))}</td>" for value in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def figure(picture: RGB, caption: str) -> str:
    """A picture with what it shows."""
    words = escape(caption)
    return f'<figure><img alt="{words}" src="{data_uri(picture)}"><figcaption>{words}</figcaption></figure>'


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page of its parts, each made by a function of this module."""
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>
<style>{_STYLE}</style></head>
<body>
<h1>{escape(title)}</h1>
{chr(10).join(parts)}
<footer>napari-mits-gan {escape(version())}. Research software, not for clinical use.</footer>
</body>
</html>
"""


def check_new_file(path: Path) -> None:
    """Refuse a name that is taken, before the work whose result it shall hold.

    Raises
    ------
    WriteError
        If something of that name is there.
    """
    if os.path.lexists(path):
        raise WriteError(f"There is a file '{path.name}' already; name another one for the page, or move it away.")


def write_page(path: Path, html: str) -> None:
    """Write a page; a file of that name is replaced, whole or not at all.

    Raises
    ------
    WriteError
        If the disk refuses.
    """
    try:
        with replaced_file(path) as part:
            part.write_text(html, "utf-8")
    except OSError as error:
        raise failure(error) from None
