"""Rows of the library as an archive has them: without ids of this library."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, fields
from datetime import datetime

from jobctl.core.library import Annotation, Chunk, Document, NewAnnotation, NewChunk, OutlineEntry, PortableConnection


@dataclass(frozen=True, slots=True)
class ArchivedDocument:
    """``document.json``."""

    uid: str
    title: str
    source_type: str
    markdown_sha256: str
    engine: str
    created_at: datetime
    updated_at: datetime
    author: str | None = None
    source_name: str | None = None
    source_url: str | None = None
    source_sha256: str | None = None
    language: str | None = None
    page_count: int | None = None
    word_count: int = 0
    outline: list[OutlineEntry] = field(default_factory=list)
    frontmatter: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArchivedChunk:
    """A line of ``chunks.jsonl``; the vector is in base64."""

    index: int
    text: str
    start_offset: int
    end_offset: int
    vector: str
    heading_path: list[str] = field(default_factory=list)
    page_start: int | None = None
    page_end: int | None = None
    token_count: int = 0
    themes: list[str] = field(default_factory=list)
    summary: str = ""
    importance: float = 0.0
    polarity: float = 0.0

    def chunk(self) -> NewChunk:
        """The chunk to write. Raises ``binascii.Error``, a ``ValueError``, for a vector that is not base64."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return NewChunk(**(values | {"vector": base64.b64decode(self.vector, validate=True)}))


@dataclass(frozen=True, slots=True)
class ArchivedAnnotation:
    """An item of ``annotations.json``."""

    uid: str
    text: str
    origin: str
    created_at: datetime
    updated_at: datetime
    start_offset: int | None = None
    end_offset: int | None = None
    note: str | None = None
    colour: str | None = None
    tags: list[str] = field(default_factory=list)
    origin_id: str | None = None

    def annotation(self, document_id: int) -> NewAnnotation:
        """The annotation to write, of a document of this library."""
        return NewAnnotation(document_id=document_id, **{one.name: getattr(self, one.name) for one in fields(self)})


@dataclass(frozen=True, slots=True)
class ArchivedConnection:
    """An item of ``connections.json``, which is in the folder of the source document."""

    source_index: int
    target_uid: str
    target_index: int
    type: str
    strength: float
    engine: str
    created_at: datetime
    evidence: dict[str, object] = field(default_factory=dict)
    user_validated: bool | None = None
    starred: bool = False
    note: str | None = None
    judged_at: datetime | None = None


ROW_TYPES = {
    Document: ArchivedDocument,
    Chunk: ArchivedChunk,
    Annotation: ArchivedAnnotation,
    PortableConnection: ArchivedConnection,
}


def archived(row: Document | Chunk | Annotation | PortableConnection) -> dict[str, object]:
    """A row of the library as an archive has it, ready for JSON: times in ISO 8601, bytes in base64."""
    return {one.name: _plain(getattr(row, one.name)) for one in fields(ROW_TYPES[type(row)])}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value
