"""The lines of Markdown that structure a text: headings, fences. Linear in the length of a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LEVEL = 6
_FENCE = re.compile(r" {0,3}((?:(?:[-*+]|\d{1,9}[.)]) {1,4}){0,8})(`{3,}(?=[^`]*$)|~{3,})")
"""A fence, perhaps as the first thing of list items."""
_TARGET = re.compile(r"\]\([^\s()\[\]]*\)")
_ESCAPE = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>~|<])")


def atx(line: str) -> tuple[int, str] | None:
    """(level, title) of a line that is an ATX heading: ``# Title``, ``## Title ##``."""
    level = len(line) - len(line.lstrip("#"))
    if not 0 < level <= MAX_LEVEL or line[level : level + 1] not in (" ", "\t"):
        return None
    title = line[level:].strip(" \t\r\n")
    bare = title.rstrip("#")
    if bare != title and (not bare or bare[-1] in " \t"):
        title = bare.rstrip(" \t")
    return level, " ".join(title.split())


@dataclass(frozen=True, slots=True)
class Fence:
    """Fenced code that a line opens. ``column``: where the marks stand; ``in_item``: first thing of a list item."""

    marks: str
    column: int
    in_item: bool

    def closed_by(self, line: str) -> bool:
        """Whether a line has the closing marks."""
        body = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        return body.startswith(self.marks) and not body.strip(self.marks[0]) and indent <= self.column + 3

    def left_by(self, line: str) -> bool:
        """Whether a line belongs to the list item no more, which ends its code with it."""
        return self.in_item and bool(line.strip()) and len(line) - len(line.lstrip(" ")) < self.column


def fence(line: str) -> Fence | None:
    """The fenced code that a line outside of any opens."""
    found = _FENCE.match(line)
    return Fence(found.group(2), found.start(2), bool(found.group(1))) if found else None


def still(inside: Fence | None, line: str) -> Fence | None:
    """The fenced code that a line stands in or closes; None: it may open some."""
    return None if inside is None or inside.left_by(line) else inside


def after(inside: Fence | None, line: str) -> Fence | None:
    """The fenced code that goes on after a line; ``inside``: what ``still`` says of it."""
    if inside is None:
        return fence(line)
    return None if inside.closed_by(line) else inside


def prose(text: str) -> Iterator[tuple[int, str]]:
    """(offset, line) of every line that is not in fenced code nor a fence."""
    inside: Fence | None = None
    start = 0
    for line in text.split("\n"):
        before = still(inside, line)
        inside = after(before, line)
        if before is None and inside is None:
            yield start, line
        start += len(line) + 1


def bare(markdown: str) -> str:
    """The text without link targets and escapes: what a reader sees of it, for counting words."""
    return unescaped(_TARGET.sub("]", markdown))


def unescaped(markdown: str) -> str:
    """The text without the backslashes that keep its characters from being marks."""
    return _ESCAPE.sub(r"\1", markdown)
