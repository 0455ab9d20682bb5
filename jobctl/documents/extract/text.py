"""Markdown and plain text: decoded, cut into parts so that a long one shows progress and can be paused."""

from __future__ import annotations

import re
from pathlib import Path

from charset_normalizer import from_bytes

from jobctl.core.document import Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.documents.extract.detect import detect

PART_SIZE = 200_000
_HEADING = re.compile(r"^# +(.+?)\s*#*$", re.MULTILINE)


class TextExtractor:
    """Parts of about 200,000 characters, cut at line ends."""

    formats = ("markdown", "text")

    def open(self, path: Path) -> TextSource:
        """Opens a text. Raises ``Invalid`` for one that is empty or no text."""
        return TextSource(path)


class TextSource:
    """An opened text."""

    def __init__(self, path: Path) -> None:
        text = decoded(path.read_bytes(), path.name).replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            raise Invalid(f"{path.name} is empty")
        kind = detect(path)
        self._parts = _cut(text if kind == "markdown" else _escaped(text))
        heading = _HEADING.search(text) if kind == "markdown" else None
        title = heading.group(1) if heading else None
        self.info = SourceInfo("markdown" if kind == "markdown" else "text", title=title, part_count=len(self._parts))

    def part(self, index: int) -> Part:
        """A piece of the text."""
        return Part(index, self._parts[index])

    def close(self) -> None:
        """Nothing is open."""


def decoded(data: bytes, name: str) -> str:
    """Bytes as text: UTF-8 first, else the likeliest encoding. Raises ``Invalid``."""
    for encoding in ("utf-8-sig", "utf-16") if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    best = from_bytes(data).best()
    if best is None:
        raise Invalid(f"{name} is no text in any encoding that jobctl knows")
    return str(best)


def _cut(text: str) -> list[str]:
    parts: list[str] = []
    start = 0
    while len(text) - start > PART_SIZE:
        end = text.rfind("\n", start, start + PART_SIZE) + 1 or start + PART_SIZE
        parts.append(text[start:end])
        start = end
    return [*parts, text[start:]]


def _escaped(text: str) -> str:
    """Plain text whose lines begin like Markdown keeps its meaning."""
    return re.sub(r"^(\s{0,3})([#>]|```|~~~)", r"\1\\\2", text, flags=re.MULTILINE)
