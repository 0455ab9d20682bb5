"""A document of the library as a note: its text, the links to connected passages, the highlights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobctl.core.library import ChunkPosition, Connection, Document
from jobctl.core.ports import Library
from jobctl.documents.vault.note import Link, Mark, Note, Quote


def compose(
    library: Library, document: Document, body: str, names: Mapping[int, str], *, connections: bool, annotations: bool
) -> Note:
    """The note of a document with this text; ``names``: how links name the notes of other documents, by document id."""
    marks: dict[str, Mark] = {}
    links = _links(library, document.id, names, marks) if connections else []
    quotes = _quotes(library, document.id, marks) if annotations else []
    return Note(document.uid, document.title, document.author, body, list(marks.values()), links, quotes)


def _links(library: Library, document_id: int, names: Mapping[int, str], marks: dict[str, Mark]) -> list[Link]:
    """Connections that were not rejected; each end in this document gets a block id, also where a link comes from elsewhere."""
    own = {chunk.id: chunk for chunk in library.chunk_positions([document_id])}
    connections = [c for c in library.connections(document_id) if c.user_validated is not False]
    targets = _targets(library, connections)
    links: list[Link] = []
    for connection in connections:
        for end in (connection.source_chunk, connection.target_chunk):
            if end in own:
                name = f"c{own[end].index}"
                marks[name] = Mark(name, max(0, own[end].end_offset - 1))
        if connection.source_document == document_id and connection.target_document in names:
            links.append(
                Link(
                    f"c{own[connection.source_chunk].index}", names[connection.target_document],
                    f"c{targets[connection.target_chunk].index}", connection.strength,
                    connection.type.replace("_", " "), connection.target_text,
                )
            )  # fmt: skip
    return links


def _targets(library: Library, connections: Sequence[Connection]) -> dict[int, ChunkPosition]:
    """Chunks of the documents that connections lead to, by id."""
    documents = sorted({connection.target_document for connection in connections})
    return {chunk.id: chunk for chunk in library.chunk_positions(documents)} if documents else {}


def _quotes(library: Library, document_id: int, marks: dict[str, Mark]) -> list[Quote]:
    quotes: list[Quote] = []
    for annotation in library.annotations(document_id):
        name = None
        if annotation.end_offset is not None:
            name = f"h{annotation.uid.replace('-', '')[:12]}"
            marks[name] = Mark(name, max(0, annotation.end_offset - 1))
        quotes.append(Quote(name, annotation.text, annotation.note))
    return quotes
