"""Chunks: blocks under their headings, joined while they are short, cut at sentences when they are long.

Offsets are exact: ``markdown[start:end] == text`` for every chunk, in order, without overlap; between two chunks there
is only white space.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from jobctl.core.document import CleanText, Span
from jobctl.core.markdown import Fence, after, atx, still

SHORT = 400
"""Characters under which a section is joined with the next one of the same parent."""
CHARS_A_TOKEN = 3.6
_SENTENCE = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|(?<=[。！？])[」』”）]*|\n")
_LINE_END = re.compile("\n")


@dataclass(frozen=True, slots=True)
class _Block:
    start: int
    end: int
    path: tuple[str, ...]
    heading: bool = False
    code: bool = False


def chunk(text: CleanText, *, size: int = 2000) -> list[Span]:
    """Cuts a text into chunks of at most ``size`` characters."""
    spans: list[tuple[int, int, tuple[str, ...]]] = []
    for section in _sections(list(_blocks(text.markdown))):
        for start, end in _pieces(text.markdown, section, size):
            _append(spans, start, end, section[0].path, size)
    return [_span(text, index, *span) for index, span in enumerate(spans)]


def _blocks(markdown: str) -> Iterator[_Block]:
    """Paragraphs, fenced code and headings with the headings they stand under."""
    path: list[tuple[int, str]] = []
    start: int | None = None
    fence: Fence | None = None
    code = False
    offset = 0

    def titles() -> tuple[str, ...]:
        return tuple(title for _, title in path)

    for line in markdown.splitlines(keepends=True):
        body = line.rstrip("\n")
        inside = still(fence, body)
        fence = after(inside, body)
        opened = inside is None and fence is not None
        heading = None if inside else atx(body)
        ends = heading or (inside is None and (not body.strip() or (opened and start is not None)))
        if ends and start is not None:
            yield _Block(start, _trimmed(markdown, start, offset), titles(), code=code)
            start, code = None, False
        if heading:
            level, title = heading
            path = [item for item in path if item[0] < level] + [(level, title)]
            yield _Block(offset, offset + len(body.rstrip()), titles(), heading=True)
        elif body.strip() or inside:
            if start is None:
                start = offset + len(body) - len(body.lstrip()) if not opened else offset
            code = code or opened
        offset += len(line)
    if start is not None:
        yield _Block(start, _trimmed(markdown, start, offset), titles(), code=code)


def _trimmed(markdown: str, start: int, end: int) -> int:
    return start + len(markdown[start:end].rstrip())


def _sections(blocks: list[_Block]) -> Iterator[list[_Block]]:
    """Blocks of one heading, the heading first."""
    section: list[_Block] = []
    has_text = False
    for block in blocks:
        if block.heading and has_text:
            yield section
            section, has_text = [], False
        section.append(block)
        has_text = has_text or not block.heading
    if section:
        yield section


def _pieces(markdown: str, section: list[_Block], size: int) -> Iterator[tuple[int, int]]:
    """A section in ranges of at most ``size``: whole blocks where they fit, sentences where they do not."""
    start = end = section[0].start
    for block in section:
        if block.end - start <= size:
            end = block.end
            continue
        if end > start:
            yield start, end
        start, end = block.start, block.end
        if end - start > size:
            *full, (start, end) = _cut(markdown, block, size)
            yield from full
    if end > start:
        yield start, end


def _cut(markdown: str, block: _Block, size: int) -> list[tuple[int, int]]:
    """A block that is too long: at sentences, or lines of code, or where it must be."""
    pieces: list[tuple[int, int]] = []
    start = block.start
    while block.end - start > size:
        window = markdown[start : start + size + 1]
        marks = [m.end() for m in _SENTENCE.finditer(window) if size // 3 < m.end() <= size]
        if block.code:
            marks = [m.end() for m in _LINE_END.finditer(window) if 0 < m.end() <= size]
        at = marks[-1] if marks else (window.rfind(" ", size // 2, size) + 1 or size)
        pieces.append((start, _trimmed(markdown, start, start + at)))
        start += at
        while start < block.end and markdown[start].isspace() and not block.code:
            start += 1
        while block.code and markdown[start : start + 1] == "\n":
            start += 1
    pieces.append((start, block.end))
    return [(a, b) for a, b in pieces if markdown[a:b].strip()]


def _append(
    spans: list[tuple[int, int, tuple[str, ...]]], start: int, end: int, path: tuple[str, ...], size: int
) -> None:
    """Adds a range, or joins it to a short one before it that has the same parent."""
    if spans:
        first, last, before = spans[-1]
        related = before == path or before[:-1] == path[:-1] or path[: len(before)] == before
        if last - first < SHORT and related and end - first <= size:
            spans[-1] = (first, end, before)
            return
    spans.append((start, end, path))


def _span(text: CleanText, index: int, start: int, end: int, path: tuple[str, ...]) -> Span:
    pages = text.page_starts
    body = text.markdown[start:end]
    return Span(
        index, start, end, body, list(path),
        page_start=max(1, bisect_right(pages, start)) if pages else None,
        page_end=max(1, bisect_right(pages, end - 1)) if pages else None,
        token_count=math.ceil(len(body) / CHARS_A_TOKEN),
    )  # fmt: skip
