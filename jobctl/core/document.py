"""Plain data that handlers pass between the document engines.

All offsets are half-open ranges of Unicode code points into the stored Markdown. Pages count from 1.
Every class here has only fields that JSON can represent, so that a stage may return it as its checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from jobctl.core.account import Account, Loss
from jobctl.core.library import NewChunk


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a source before its text is read."""

    source_type: str  # pdf epub docx html markdown text
    title: str | None = None
    author: str | None = None
    language: str | None = None
    part_noun: str = "part"  # page, chapter, part: the noun for the parts of this source
    part_count: int = 1
    page_count: int | None = None  # None where the format has no pages
    continuous: bool = False  # the parts are cut from one text: they join without a break
    losses: list[Loss] = field(default_factory=list)  # what belongs to no part
    encoding: str | None = None  # of a text whose encoding had to be guessed
    certainty: float | None = None  # of that guess, 0 to 1
    properties: dict[str, str] = field(default_factory=dict)  # front matter of a Markdown text


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a PDF page with what heading detection needs."""

    text: str
    size: float  # font size in points after the text matrix
    bold: bool = False
    mono: bool = False
    gap: float = 0.0  # white space above, in line heights
    indent: float = 0.0  # left edge in points
    heading: int = 0  # level from the outline, 0: none
    y: float = 0.0  # baseline as a fraction of the page height, 0 at the bottom
    table: list[list[str]] = field(default_factory=list)  # rows of cells, where this is a whole table


@dataclass(frozen=True, slots=True)
class Part:
    """One page or chapter as extracted: finished Markdown, or lines still to be classified."""

    index: int
    markdown: str | None = None
    lines: list[Line] = field(default_factory=list)
    page: int | None = None
    notes: list[str] = field(default_factory=list)  # Markdown that belongs to the page: form values, remarks
    words: int = 0  # of the part, counted before anything was left out
    losses: list[Loss] = field(default_factory=list)
    picture: bool = False  # a page without text that shows a picture: a scan


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of the cleaned text; ``start`` is the offset of its line."""

    level: int
    title: str
    start: int


@dataclass(frozen=True, slots=True)
class CleanText:
    """The Markdown that is stored, with where its pages and headings begin."""

    markdown: str
    page_starts: list[int] = field(default_factory=list)  # offset of page 1, 2, …; empty: no pages
    outline: list[Heading] = field(default_factory=list)
    account: Account = field(default_factory=Account)


@dataclass(frozen=True, slots=True)
class Span:
    """One chunk: ``markdown[start:end] == text``."""

    index: int
    start: int
    end: int
    text: str
    heading_path: list[str] = field(default_factory=list)
    page_start: int | None = None
    page_end: int | None = None
    token_count: int = 0


@dataclass(frozen=True, slots=True)
class Enrichment:
    """What is known of a chunk beyond its words."""

    themes: list[str] = field(default_factory=list)  # key phrases, best first
    summary: str = ""
    importance: float = 0.0  # 0..1, centrality in its document
    polarity: float = 0.0  # -1..1


def passage(span: Span, known: Enrichment, vector: bytes) -> NewChunk:
    """A chunk as the library stores it."""
    return NewChunk(
        index=span.index, text=span.text, start_offset=span.start, end_offset=span.end, vector=vector,
        heading_path=span.heading_path, page_start=span.page_start, page_end=span.page_end,
        token_count=span.token_count, themes=known.themes, summary=known.summary, importance=known.importance,
        polarity=known.polarity,
    )  # fmt: skip


class PassageEnricher(Protocol):
    """Knows all passages of a document; ``enrich`` takes the index of one."""

    def enrich(self, index: int) -> Enrichment: ...


class Enricher(Protocol):
    """Finds what is known of passages beyond their words: key phrases, a summary, importance, polarity."""

    def over(self, texts: Sequence[str]) -> PassageEnricher:
        """All passages of one document, in order."""
        ...


class OpenSource(Protocol):
    """A source that was opened: its facts, and its parts by number, in any order, always the same."""

    @property
    def info(self) -> SourceInfo: ...

    def part(self, index: int) -> Part: ...
    def close(self) -> None: ...


class Extractor(Protocol):
    """Reads one or more formats. ``open`` raises ``Invalid`` with a message for people."""

    @property
    def formats(self) -> tuple[str, ...]: ...

    def open(self, path: Path) -> OpenSource: ...
