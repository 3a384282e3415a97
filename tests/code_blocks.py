"""The fenced blocks of a Markdown document, with what is said of those that are not run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RUN = ("python", "bash", "console")
"""Languages of the blocks that are run."""
SHOWN = ("text", "powershell")
"""Languages of the blocks that show something else."""
_FENCE = re.compile(r"^(?P<indent>\s*)```(?P<language>\S*)\s*$")
_NOT_RUN = re.compile(r"^\s*<!-- not run: (?P<reason>.+) -->\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    document: Path
    line: int
    language: str
    text: str
    reason: str
    """Why it is not run; empty for a block that is."""

    @property
    def place(self) -> str:
        return f"{self.document.relative_to(REPOSITORY)}, line {self.line}"


def documents() -> list[Path]:
    """The README and all pages of docs."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def blocks_of(document: Path) -> Iterator[Block]:
    """Its blocks from the first to the last; a reason stands in the line before the fence."""
    lines = iter(enumerate(document.read_text(encoding="utf-8").splitlines(), start=1))
    before = ""
    for number, line in lines:
        if fence := _FENCE.match(line):
            text = []
            for _, inside in lines:
                if inside.strip() == "```":
                    break
                text.append(inside.removeprefix(fence["indent"]))
            told = _NOT_RUN.match(before)
            yield Block(document, number, fence["language"], "\n".join(text), told["reason"] if told else "")
        before = line
