"""Rows of the document library.

A class without ``New`` is what was read; what is written is a ``New...`` class, or columns by name for a document, of
which a writer may know only some. Offsets are half-open ranges of Unicode code points into the stored Markdown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

ReviewStatus = Literal["waiting", "open", "accepted", "rejected"]


OutlineEntry = dict[str, int | str]
"""A heading of a document: its ``level`` from 1, its ``title``, the offset ``start`` of its line."""


class DocumentFields(TypedDict):
    """Columns of a document to write. A column that is left out keeps its value, or gets its default."""

    uid: str
    title: str
    source_type: str
    engine: str
    markdown_key: str
    markdown_sha256: str
    author: NotRequired[str | None]
    source_name: NotRequired[str | None]
    source_url: NotRequired[str | None]
    source_sha256: NotRequired[str | None]
    source_key: NotRequired[str | None]
    language: NotRequired[str | None]
    page_count: NotRequired[int | None]
    word_count: NotRequired[int]
    outline: NotRequired[list[OutlineEntry]]
    frontmatter: NotRequired[Mapping[str, object]]
    created_at: NotRequired[datetime]
    updated_at: NotRequired[datetime]


@dataclass(frozen=True, slots=True)
class Document:
    """A document; ``uid`` is the same in every library and archive."""

    id: int
    uid: str
    title: str
    author: str | None
    source_type: str
    source_name: str | None
    source_url: str | None
    source_sha256: str | None
    source_key: str | None
    language: str | None
    page_count: int | None
    word_count: int
    outline: list[OutlineEntry]
    frontmatter: dict[str, object]
    markdown_key: str
    markdown_sha256: str
    engine: str
    generation: int
    created_at: datetime
    updated_at: datetime
    connected_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A passage to write; ``vector`` is little-endian float32 of the document's engine, empty for none."""

    index: int
    text: str
    start_offset: int
    end_offset: int
    vector: bytes = b""
    heading_path: list[str] = field(default_factory=list)
    page_start: int | None = None
    page_end: int | None = None
    token_count: int = 0
    themes: list[str] = field(default_factory=list)
    summary: str = ""
    importance: float = 0.0
    polarity: float = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of a document, the unit of search and connection."""

    id: int
    document_id: int
    generation: int
    index: int
    text: str
    start_offset: int
    end_offset: int
    heading_path: list[str]
    page_start: int | None
    page_end: int | None
    token_count: int
    themes: list[str]
    summary: str
    importance: float
    polarity: float
    engine: str
    vector: bytes = b""  # empty also where it was not asked for


@dataclass(frozen=True, slots=True)
class ChunkPosition:
    """Which passage of which document a chunk is, and where it ends."""

    id: int
    document_id: int
    index: int
    end_offset: int


@dataclass(frozen=True, slots=True)
class JudgedChunk:
    """A chunk with connections that a person judged, starred or noted."""

    id: int
    text: str
    start_offset: int
    heading_path: list[str]


@dataclass(frozen=True, slots=True)
class FoundConnection:
    """A connection between two chunks, as an engine found it; ``engine`` names its version and threshold."""

    source_chunk: int
    target_chunk: int
    type: str
    strength: float
    evidence: dict[str, object]
    engine: str


@dataclass(frozen=True, slots=True)
class JudgedConnection(FoundConnection):
    """A connection with a person's judgement of it, as backups and archives have it."""

    user_validated: bool | None
    starred: bool
    note: str | None
    judged_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection with the documents and texts at both ends."""

    id: int
    source_chunk: int
    target_chunk: int
    type: str
    strength: float
    evidence: dict[str, object]
    engine: str
    user_validated: bool | None  # true confirmed, false rejected
    starred: bool
    note: str | None
    judged_at: datetime | None
    created_at: datetime
    source_document: int
    source_text: str
    target_document: int
    target_text: str


@dataclass(frozen=True, slots=True)
class PortableConnection:
    """A connection whose ends are named as in every library: by the document's uid and the chunk's index."""

    source_uid: str
    source_index: int
    target_uid: str
    target_index: int
    type: str
    strength: float
    evidence: dict[str, object]
    engine: str
    user_validated: bool | None
    starred: bool
    note: str | None
    judged_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAnnotation:
    """A highlight or note to write. Without offsets it has no position; without times it gets the present."""

    uid: str
    document_id: int
    start_offset: int | None
    end_offset: int | None
    text: str
    note: str | None
    colour: str | None
    tags: list[str]
    origin: str  # user readwise obsidian import
    origin_id: str | None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation(NewAnnotation):
    """A highlight or note of a person."""

    id: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReviewItem:
    """What a person has to decide, or what waits for its document. ``suggestion`` None: the one in the library stays."""

    source: str  # readwise obsidian reanchor
    source_id: str
    document_id: int | None
    payload: dict[str, object]
    reason: str
    status: ReviewStatus
    suggestion: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A line of the review."""

    id: int
    source: str
    source_id: str
    document_id: int | None
    payload: dict[str, object]
    suggestion: dict[str, object]
    reason: str
    status: ReviewStatus
    created_at: datetime
    reviewed_at: datetime | None


@dataclass(frozen=True, slots=True)
class VaultSync:
    """What a vault and the library agreed on last for one note; hashes are SHA-256 in hex."""

    document_id: int
    vault: str
    note_path: str
    note_hash: str
    library_hash: str
    body: str = ""
    synced_at: datetime | None = None  # set by the library
    missing_since: datetime | None = None
