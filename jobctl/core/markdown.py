"""The lines of Markdown that structure a text: headings, fences. Linear in the length of a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_LEVEL = 6
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_TARGET = re.compile(r"\]\([^\s()\[\]]*\)")
_PLAIN = re.compile(r"\\([\\`*_{}\[\]()#+\-.!>~|])")


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


def fence(line: str) -> str | None:
    """The marks with which a line opens or closes fenced code."""
    found = _FENCE.match(line)
    return found.group(1) if found else None


def prose(text: str) -> Iterator[tuple[int, str]]:
    """(offset, line) of every line that is not in fenced code nor a fence."""
    inside: str | None = None
    start = 0
    for line in text.split("\n"):
        mark = fence(line)
        if mark and (inside is None or mark.startswith(inside)):
            inside = None if inside else mark
        elif inside is None:
            yield start, line
        start += len(line) + 1


def bare(markdown: str) -> str:
    """The text without link targets and escapes: what a reader sees of it, for counting words."""
    return _PLAIN.sub(r"\1", _TARGET.sub("]", markdown))
