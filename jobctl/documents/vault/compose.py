"""A document of the library as a note: its text, the links to connected passages, the highlights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jobctl.core.library import Annotation, ChunkPosition, Connection, Document
from jobctl.core.ports import Library
from jobctl.documents.vault.note import Link, Mark, Note, Quote, places

BlockIds = Callable[[int], Mapping[int, str] | None]
"""The block ids in the note of a document, by chunk; None where there is no note."""


@dataclass(frozen=True, slots=True)
class Derived:
    """What a note has from the library beside its text."""

    connections: list[Connection]  # without those that a person rejected
    chunks: list[ChunkPosition]  # of the document, where they are an end of a connection
    annotations: list[Annotation]

    def marks(self) -> list[Mark]:
        """Each end of a connection in the document, also where a link comes from elsewhere, and each highlight."""
        marks = [Mark(chunk_mark(chunk), max(0, chunk.end_offset - 1)) for chunk in self.chunks]
        for one in self.annotations:
            name = _highlight_mark(one)
            if name is not None and one.end_offset is not None:
                marks.append(Mark(name, max(0, one.end_offset - 1)))
        return marks

    def block_ids(self, body: str) -> dict[int, str]:
        """The block id that each chunk gets in a note with this text."""
        found = places(body, self.marks())
        return {chunk.id: found[chunk_mark(chunk)] for chunk in self.chunks if chunk_mark(chunk) in found}


def derived(library: Library, document_id: int, *, connections: bool, annotations: bool) -> Derived:
    """What the note of a document has beside its text."""
    found = [c for c in library.connections(document_id) if c.user_validated is not False] if connections else []
    ends = {end for c in found for end in (c.source_chunk, c.target_chunk)}
    chunks = [chunk for chunk in library.chunk_positions([document_id]) if chunk.id in ends] if ends else []
    return Derived(found, chunks, library.annotations(document_id) if annotations else [])


def compose(document: Document, body: str, given: Derived, names: Mapping[int, str], block_ids: BlockIds) -> Note:
    """The note of a document with this text; ``names``: how links name the notes of other documents, by document id."""
    own = {chunk.id: chunk_mark(chunk) for chunk in given.chunks}
    links: list[Link] = []
    for c in given.connections:
        going = c.source_chunk in own and c.source_document == document.id and c.target_document in names
        if not going or (there := block_ids(c.target_document)) is None:
            continue
        links.append(
            Link(
                own[c.source_chunk], names[c.target_document], there.get(c.target_chunk), c.strength,
                c.type.replace("_", " "), c.target_text,
            )
        )  # fmt: skip
    quotes = [Quote(_highlight_mark(one), one.text, one.note) for one in given.annotations]
    return Note(document.uid, document.title, document.author, body, given.marks(), links, quotes)


def chunk_mark(chunk: ChunkPosition) -> str:
    """The mark of a chunk."""
    return f"c{chunk.index}"


def _highlight_mark(annotation: Annotation) -> str | None:
    return None if annotation.end_offset is None else f"h{annotation.uid.replace('-', '')[:12]}"
