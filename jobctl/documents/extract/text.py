"""Markdown and plain text: decoded, cut into parts so that a long one shows progress and can be paused."""

from __future__ import annotations

import re
from pathlib import Path

from jobctl.core.account import Loss, LossKind
from jobctl.core.document import Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.core.markdown import atx, bare, prose
from jobctl.core.terms import word_count
from jobctl.documents.extract.detect import detect
from jobctl.documents.extract.encoding import Decoded, decoded
from jobctl.documents.extract.properties import properties

PART_SIZE = 200_000
_LIKE_MARKDOWN = re.compile(r"^([ \t]{0,3})([#>]|```|~~~)", re.MULTILINE)
_UNDERLINE = re.compile(r"[ ]{0,3}(=+|-{2,})[ \t]*")
_NO_TITLE = re.compile(r"[ ]{0,3}(?:[-*+>|#]|\d{1,9}[.)][ \t])|[ \t]*$|[ ]{4}")


class TextExtractor:
    """Parts of about 200,000 characters, cut at line ends."""

    formats = ("markdown", "text")

    def open(self, path: Path) -> TextSource:
        """Opens a text. Raises ``Invalid`` for one that is empty or binary."""
        return TextSource(path)


class TextSource:
    """An opened text."""

    def __init__(self, path: Path) -> None:
        read = decoded(path.read_bytes(), path.name)
        text = read.text.replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            raise Invalid(f"{path.name} is empty")
        markdown = detect(path) == "markdown"
        known, start = properties(text) if markdown else ({}, 0)
        body = _with_atx(text[start:]) if markdown else _escaped(text)
        self._parts = cut(body if body.strip() else text)
        losses = damage(read)
        if known:
            losses.append(Loss(LossKind.PROPERTIES, len(known), word_count(bare(text[:start]))))
        self._before = word_count(bare(text[:start]))
        self.info = SourceInfo(
            "markdown" if markdown else "text", title=known.get("title") or (_title(body) if markdown else None),
            author=known.get("author"), language=_code(known.get("lang") or known.get("language")),
            part_count=len(self._parts), continuous=True, losses=losses, encoding=read.encoding,
            certainty=read.certainty, properties=known,
        )  # fmt: skip

    def part(self, index: int) -> Part:
        """A piece of the text."""
        before = self._before if index == 0 else 0
        return Part(index, self._parts[index], words=before + word_count(bare(self._parts[index])))

    def close(self) -> None:
        """Nothing is open."""


def damage(read: Decoded) -> list[Loss]:
    """What could not be decoded."""
    return [Loss(LossKind.UNREADABLE_CHARACTERS, read.damaged)] if read.damaged else []


def cut(text: str) -> list[str]:
    """Parts that join to the text: they end at a line, or else a blank, or else where they must."""
    parts: list[str] = []
    start = 0
    while len(text) - start > PART_SIZE:
        limit = start + PART_SIZE
        end = text.rfind("\n", start, limit) + 1 or text.rfind(" ", start, limit) + 1 or limit
        parts.append(text[start:end])
        start = end
    return [*parts, text[start:]]


def _code(language: str | None) -> str | None:
    code = (language or "")[:2].lower()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else None


def _title(text: str) -> str | None:
    """The first heading of the first level."""
    return next((found[1] for _, line in prose(text) if (found := atx(line)) and found[0] == 1 and found[1]), None)


def _with_atx(text: str) -> str:
    """Underlined headings as ``#`` ones, so that all that follows knows one kind."""
    pieces: list[str] = []
    done, blank = 0, True
    previous: tuple[int, str] | None = None  # a line that may be the title
    for start, line in prose(text):
        mark = _UNDERLINE.fullmatch(line)
        if previous is not None and mark and previous[0] + len(previous[1]) + 1 == start:
            level = "#" if mark.group(1)[0] == "=" else "##"
            pieces += [text[done : previous[0]], f"{level} {previous[1].strip()}"]
            done = start + len(line)
        previous = (start, line) if blank and not _NO_TITLE.match(line) else None
        blank = not line.strip()
    return "".join([*pieces, text[done:]])


def _escaped(text: str) -> str:
    """Plain text whose lines begin like Markdown keeps its meaning."""
    return _LIKE_MARKDOWN.sub(r"\1\\\2", text)
