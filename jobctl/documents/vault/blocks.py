"""Where a block id may stand in a Markdown text, as Obsidian reads it.

At the end of a paragraph or list item; after quotes, tables, fenced code and formulas on a line of its own. Never in
code, headings, HTML, comments or definitions of links.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

_FENCE = re.compile(r"[ \t]*(`{3,}(?=[^`]*$)|~{3,})")
_HEADING = re.compile(r" {0,3}#{1,6}(?:[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_RULE = re.compile(r" {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$")
_ITEM = re.compile(r"([ \t]*)(?:[-*+]|\d{1,9}[.)])(?:[ \t]+|$)")
_INTERRUPTING_ITEM = re.compile(r" {0,3}(?:[-*+]|1[.)])[ \t]+\S")
_QUOTE = re.compile(r" {0,3}>")
_DELIMITERS = re.compile(r"\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?$")
_RAW = re.compile(r" {0,3}<[A-Za-z/!?]")
_LONG = re.compile(r" {0,3}<(?:(!--)|(pre|script|style|textarea)\b)", re.IGNORECASE)
_DEFINITION = re.compile(r" {0,3}\[[^\]]*\]:")
_INDENTED = re.compile(r"(?: {4}| {0,3}\t)")
_BLANK = re.compile(r"\n[ \t]*(?:\n|\Z)|\Z")
_DEEP = 6
"""Spaces of indentation from which a line in a list may be code."""


class Kind(Enum):
    """What a block is, as far as ids are concerned."""

    PARAGRAPH = auto()
    ITEM = auto()
    QUOTE = auto()
    TABLE = auto()
    CODE = auto()
    FORMULA = auto()
    HTML = auto()  # up to a blank line
    OTHER = auto()  # can have no id


SEPARATORS = {
    Kind.PARAGRAPH: " ", Kind.ITEM: " ", Kind.QUOTE: "\n\n", Kind.TABLE: "\n\n", Kind.CODE: "\n\n",
    Kind.FORMULA: "\n\n", Kind.HTML: None, Kind.OTHER: None,
}  # fmt: skip
"""What stands between a block and its id; None for one that can have no id."""


@dataclass(slots=True)
class Block:
    """A block of a text: the offset of its first character and that after its last."""

    start: int
    end: int
    kind: Kind
    until: str = ""  # what would end it, where it is code or HTML that is still open
    done: bool = False  # the next line does not belong to it
    hidden: bool = False  # has a comment of Obsidian in it
    inner: int = 0  # code in a list item: it ends before a line that begins left of this column

    @property
    def separator(self) -> str | None:
        """What stands between it and its id; None: it can have no id."""
        return None if self.until or self.hidden else SEPARATORS[self.kind]


class Blocks:
    """The blocks of a text, and the one that an id for an offset belongs to."""

    def __init__(self, text: str) -> None:
        self._blocks = [*_blocks(text)]
        self._able = [
            block
            for block in self._blocks
            if block.separator == " " or (block.separator and _BLANK.match(text, block.end))
        ]  # an id on a line of its own would become one with a line that follows
        self._starts = [block.start for block in self._able]

    def at(self, offset: int) -> Block | None:
        """The block around an offset or, where none there can have an id, the nearest one before it, else None."""
        found = bisect_right(self._starts, offset)
        return self._able[found - 1] if found else None

    @property
    def open_fence(self) -> str:
        """What ends the fenced code in which the text ends; empty where it ends in none."""
        last = self._blocks[-1] if self._blocks else None
        return last.until if last and last.until[:1] in ("`", "~") and not last.inner else ""


def _blocks(text: str) -> Iterator[Block]:
    current: Block | None = None
    columns: list[int] = []  # where the contents of the list items begin that a line is in
    in_comment = False
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        commented = in_comment or "%%" in line
        in_comment ^= line.count("%%") % 2 == 1
        if current is not None and line.strip() and _indent(line) < current.inner:
            current.done = True
        if current is not None and current.until and not current.done:
            _still_open(current, line, end)
        elif not line.strip() or current is None or _begins(line, current, in_list=bool(columns)):
            if current is not None:
                yield current
            current = None
            if line.strip():
                while columns and _indent(line) < columns[-1]:
                    columns.pop()
                current = _first(line, start, columns)
        else:
            _continued(current, line, end, text)
        if current is not None:
            current.hidden |= commented
        start = end + 1
    if current is not None:
        yield current


def _indent(line: str) -> int:
    wide = line.expandtabs(4)
    return len(wide) - len(wide.lstrip())


def _first(line: str, start: int, columns: list[int]) -> Block:
    """A block of one line so far; an item adds its column to those of the ``columns`` of its list."""
    block = Block(start, start + len(line), Kind.PARAGRAPH)
    item = None if _RULE.match(line) or (not columns and _INDENTED.match(line)) else _ITEM.match(line)
    in_list = bool(columns)
    if item:
        block.done = not line[item.end() :].strip()
        if not block.done:
            columns.append(len(item.group().expandtabs(4)))
    fence, raw = _FENCE.match(line[item.end() :] if item else line), _LONG.match(line)
    if in_list and line[0] in " \t":
        block.kind = _in_list(line)
    elif _INDENTED.match(line):
        block.kind = Kind.OTHER
        return block
    else:
        block.kind = _kind(line)
    if fence:
        block.until, block.inner = fence.group(1), columns[-1] if columns else 0
    elif raw:
        block.until = "-->" if raw.group(1) else f"</{raw.group(2).lower()}"
        if block.until in line.lower():
            block.until, block.done = "", True
    elif _HEADING.match(line) or _RULE.match(line):
        block.done = True
    return block


def _kind(line: str) -> Kind:
    """What an unindented line begins, outside of lists."""
    if _FENCE.match(line):
        return Kind.CODE
    if _RAW.match(line):
        return Kind.HTML
    if _RULE.match(line) or _HEADING.match(line) or _DEFINITION.match(line):
        return Kind.OTHER
    if item := _ITEM.match(line):
        content = line[item.end() :]
        return Kind.ITEM if content.strip() and _kind(content) is Kind.PARAGRAPH else Kind.OTHER
    if _QUOTE.match(line):
        return Kind.QUOTE
    return Kind.FORMULA if line.startswith("$$") else Kind.PARAGRAPH


def _in_list(line: str) -> Kind:
    """What an indented line in a list begins: its own items and paragraphs can have ids, anything else can not."""
    wide = line.expandtabs(4)
    inner = wide.lstrip()
    kind = _kind(inner)
    if kind is Kind.PARAGRAPH and len(wide) - len(inner) >= _DEEP:
        return Kind.OTHER
    return kind if kind in (Kind.PARAGRAPH, Kind.ITEM) else Kind.OTHER


def _still_open(block: Block, line: str, end: int) -> None:
    """The next line of code or HTML; it may end it."""
    block.end, until = end, block.until
    bare = line.strip()
    closed = len(bare) >= len(until) and not bare.strip(until[0]) if until[0] in "`~" else until in line.lower()
    if closed:
        block.until, block.done = "", True


def _begins(line: str, current: Block, *, in_list: bool) -> bool:
    """Whether a line that is not blank begins a block of its own after the line before."""
    if current.done:
        return True
    if current.kind is Kind.HTML or (current.kind is Kind.PARAGRAPH and _UNDERLINE.match(line)):
        return False
    if not in_list and _INDENTED.match(line):
        return False
    if _QUOTE.match(line):
        return current.kind is not Kind.QUOTE
    if _RAW.match(line) and current.kind not in (Kind.PARAGRAPH, Kind.ITEM):
        return True
    item = _ITEM if in_list or current.kind is not Kind.PARAGRAPH else _INTERRUPTING_ITEM
    return any(kind.match(line) for kind in (_FENCE, _HEADING, item, _LONG, _RULE))


def _continued(block: Block, line: str, end: int, text: str) -> None:
    """The next line of a block that is neither blank nor a block of its own."""
    first = "\n" not in text[block.start : block.end]
    block.end = end
    if block.kind in (Kind.PARAGRAPH, Kind.ITEM) and "|" in line and _DELIMITERS.match(line.strip()):
        block.kind = Kind.TABLE if first and block.kind is Kind.PARAGRAPH else Kind.OTHER
    elif block.kind in (Kind.PARAGRAPH, Kind.ITEM) and (_UNDERLINE.match(line) or _RAW.match(line)):
        block.kind = Kind.HTML if _RAW.match(line) else Kind.OTHER
        block.done = block.kind is Kind.OTHER
