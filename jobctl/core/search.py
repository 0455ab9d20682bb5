"""What search and connections read of the library's index, as plain data.

Passages are named by the id of their chunk, words by the hash of their stem (a signed 32-bit number). Binary columns
are little-endian on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

FORMATS = ("pdf", "epub", "docx", "html", "markdown", "text")
SIMPLE = "simple"
"""The dictionary that stems nothing and has no stop words."""


def hashed(stem: str) -> int:
    """The number under which the index knows a stem."""
    return int.from_bytes(hashlib.blake2b(stem.encode("utf-8", "replace"), digest_size=4).digest(), "big", signed=True)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which documents are searched; None: all."""

    documents: Sequence[int] | None = None
    types: Sequence[str] | None = None
    languages: Sequence[str] | None = None
    since: datetime | None = None
    without: int | None = None
    """A document that is left out."""


EVERYTHING = Chosen()


@dataclass(frozen=True, slots=True)
class IndexSize:
    """How much the index has, and how many documents it has not yet."""

    passages: int
    words: int
    dictionaries: Sequence[str]
    missing: int


@dataclass(frozen=True, slots=True)
class Postings:
    """The passages of a word.

    ``passages``: how many of the whole library have it. ``packed``: those of the chosen documents, an int8 each:
    passage << 24 | count << 16 | words of the passage.
    """

    passages: int
    packed: bytes


@dataclass(frozen=True, slots=True)
class IndexedPassage:
    """A passage to compare. ``terms``: ascending int4, then as many bytes of counts."""

    id: int
    document_id: int
    text: str
    vector: bytes
    themes: list[str]
    polarity: float
    terms: bytes


@dataclass(frozen=True, slots=True)
class FoundPassage:
    """A passage as a search shows it, with its document."""

    id: int
    document_id: int
    title: str
    index: int
    text: str
    start_offset: int
    end_offset: int
    heading_path: list[str]
    page_start: int | None
    source_type: str
    language: str | None
    engine: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A passage that a search found, with its document; scores are 0 to 1.

    ``start`` and ``end`` are offsets into the document's Markdown; ``snippet`` and ``matches`` are offsets into ``text``:
    the sentence that answers best, and the words that were looked for.
    """

    document_id: int
    title: str
    source_type: str
    language: str | None
    chunk: int
    heading_path: list[str]
    page: int | None
    score: float
    lexical: float
    vector: float
    start: int
    end: int
    snippet: tuple[int, int]
    matches: list[tuple[int, int]]
    text: str


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found. ``missing``: documents that are not in the index yet."""

    hits: list[SearchHit]
    stop_words_only: bool
    missing: int


class SearchIndex(Protocol):
    """The index of one library."""

    def fill(self) -> int:
        """Indexes documents that came before there was an index; returns how many."""
        ...

    def size(self, chosen: Chosen = EVERYTHING) -> IndexSize: ...
    def stems(self, dictionary: str, words: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The stems of each word by a dictionary; none for a stop word."""
        ...

    def postings(self, terms: Sequence[int], chosen: Chosen = EVERYTHING) -> Mapping[int, Postings]: ...
    def frequencies(self) -> tuple[bytes, bytes]:
        """All terms ascending, and the number of passages of each, as big-endian int4."""
        ...

    def nearest(self, engine: str, vector: bytes, count: int, chosen: Chosen = EVERYTHING) -> list[int] | None:
        """About the ``count`` nearest passages by the server's index; None where it has none for such vectors."""
        ...

    def neighbours(self, passages: Sequence[int], dims: int, count: int) -> list[tuple[int, int]] | None:
        """For each passage about the ``count`` nearest of other documents: pairs; None where there is no index."""
        ...

    def vectors(
        self, engine: str, chosen: Chosen = EVERYTHING, *, size: int = 2000
    ) -> Iterator[tuple[list[int], bytes]]:
        """All vectors in blocks: the passages, and their vectors one after the other."""
        ...

    def found(self, passages: Sequence[int]) -> list[FoundPassage]: ...
    def compared(self, engine: str, passages: Sequence[int]) -> list[IndexedPassage]: ...
    def sample(self, engine: str, count: int) -> list[int]:
        """Up to ``count`` passages, the same ones whatever the order in which they came."""
        ...

    def comparable(self, engine: str, documents: Sequence[int] | None) -> tuple[list[int], int]:
        """The passages of an embedding engine that may be compared, in order, and how many others the library has."""
        ...
