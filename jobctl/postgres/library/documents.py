"""Documents and their chunks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import cached_property

from sqlalchemy import Column, Select, and_, bindparam, delete, func, insert, or_, select, update

from jobctl.core.library import (
    Chunk,
    ChunkPosition,
    Document,
    DocumentFields,
    JudgedChunk,
    JudgedConnection,
    NewChunk,
    NewReviewItem,
)
from jobctl.postgres.library.annotations import Annotations
from jobctl.postgres.library.connections import JUDGED, Connections
from jobctl.postgres.library.queries import raw
from jobctl.postgres.library.vectors import Vectors
from jobctl.postgres.search import Index, write
from jobctl.postgres.tables import chunks, connections, documents


class Documents(Connections, Annotations, Vectors):
    """Documents and chunks. A new generation takes connections along, or sends them to the review."""

    def document(self, document_id: int) -> Document | None:
        """One document, None when it is gone."""
        return self._first(Document, select(documents).where(documents.c.id == document_id))

    def document_with_uid(self, uid: str) -> Document | None:
        """The document with this uid."""
        return self._first(Document, select(documents).where(documents.c.uid == uid))

    def document_with_source(self, sha256: str) -> Document | None:
        """The document that was made from a file with this SHA-256, the oldest of several."""
        query = select(documents).where(documents.c.source_sha256 == sha256).order_by(documents.c.id).limit(1)
        return self._first(Document, query)

    def documents(self, ids: Sequence[int] | None = None) -> list[Document]:
        """Documents in order of their id."""
        query = select(documents).order_by(documents.c.id)
        if ids is not None:
            query = query.where(documents.c.id.in_(list(ids)))
        return self._all(Document, query)

    def lock(self, uid: str) -> Document | None:
        """The document with this uid. Two jobs that save one document take turns; the lock ends with the transaction."""
        self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(uid, 0))))
        return self.document_with_uid(uid)

    def connected(self, document_id: int) -> None:
        """Records that a document's connections were detected now."""
        query = update(documents).where(documents.c.id == document_id).values(connected_at=func.jobctl.clock())
        self.connection.execute(query)

    def save(
        self, fields: DocumentFields, chunks: Sequence[NewChunk], *, moves: Mapping[int, int | None] | None = None
    ) -> int:
        """Writes a document, or a new generation of the one with this uid; returns its id.

        Chunks with the same text keep their id, and with it a person's judgements of their connections; of those that
        go, ``moves`` names the chunk (index, None: the review) that their judged connections go to.
        """
        existing = self.lock(fields["uid"])
        if existing is None:
            query = insert(documents).values(**fields).returning(documents.c.id)
            document_id, generation = int(self.connection.execute(query).scalar_one()), 1
        else:
            document_id, generation = existing.id, existing.generation + 1
            values = {"updated_at": func.jobctl.clock(), **fields, "generation": generation}
            self.connection.execute(update(documents).where(documents.c.id == document_id).values(values))
        for_all = {"document_id": document_id, "generation": generation, "engine": fields["engine"]}
        new = [for_all | asdict(chunk) | self._embedding(chunk.vector) for chunk in chunks]
        self._replace_chunks(document_id, generation, new, moves or {})
        write(raw(self.connection), document_id)
        return document_id

    @cached_property
    def index(self) -> Index:
        """What search and connections read, written by ``save``."""
        return Index(raw(self.connection))

    def _replace_chunks(
        self, document_id: int, generation: int, new: Sequence[dict[str, object]], moves: Mapping[int, int | None]
    ) -> None:
        mine, table = chunks.c.document_id == document_id, self._writable_chunks
        by_text: dict[str, list[int]] = {}
        for row in self.connection.execute(select(chunks.c.id, chunks.c.text).where(mine).order_by(chunks.c.index)):
            by_text.setdefault(row.text, []).append(row.id)
        if by_text:  # out of the way of the unique index
            self.connection.execute(update(chunks).where(mine).values(index=-1 - chunks.c.index))
        added: list[dict[str, object]] = []
        kept: list[dict[str, object]] = []
        for values in new:
            same = by_text.get(str(values["text"]))
            if same:
                kept.append({"this": same.pop(0), **values})
            else:
                added.append(values)
        if kept:
            self.connection.execute(update(table).where(table.c.id == bindparam("this")), kept)
        if added:
            self.connection.execute(insert(table), added)
        for old, index in moves.items():
            self._move_connections(document_id, old, index)
        self.connection.execute(delete(chunks).where(and_(mine, chunks.c.generation < generation)))

    def _move_connections(self, document_id: int, old: int, index: int | None) -> None:
        """Judged connections of an old chunk become those of the new chunk; without one they go to the review."""
        ends = or_(connections.c.source_chunk == old, connections.c.target_chunk == old)
        judged = self._judged(ends)
        if index is None:
            for connection_id, connection in judged.items():
                self.review(_lost_connection(document_id, connection_id, connection))
            return
        query = select(chunks.c.id).where(chunks.c.document_id == document_id, chunks.c.index == index)
        new = self.connection.execute(query).scalar_one()
        self.merge_connections(
            [
                replace(
                    connection,
                    source_chunk=new if connection.source_chunk == old else connection.source_chunk,
                    target_chunk=new if connection.target_chunk == old else connection.target_chunk,
                )
                for connection in judged.values()
            ]
        )

    # -- chunks --------------------------------------------------------------------------------------------------

    def chunks(self, document_ids: Sequence[int] | None = None) -> list[Chunk]:
        """Chunks in order of document and index."""
        return self._all(Chunk, _chunks_of(chunks.c, document_ids))

    def chunk_positions(self, document_ids: Sequence[int] | None = None) -> list[ChunkPosition]:
        """Where chunks are, in order of document and index, without their texts."""
        return self._all(ChunkPosition, _chunks_of(_fields(ChunkPosition), document_ids))

    def judged_chunks(self, document_id: int) -> list[JudgedChunk]:
        """Chunks with connections that a person judged, starred or noted."""
        ends = or_(connections.c.source_chunk == chunks.c.id, connections.c.target_chunk == chunks.c.id)
        judged = select(1).where(and_(ends, JUDGED)).exists()
        return self._all(JudgedChunk, _chunks_of(_fields(JudgedChunk), [document_id]).where(judged))


def _fields(row_type: type[ChunkPosition | JudgedChunk]) -> list[Column[object]]:
    return [chunks.c[field.name] for field in fields(row_type)]


def _chunks_of(columns: Iterable[Column[object]], document_ids: Sequence[int] | None) -> Select[tuple[object, ...]]:
    query = select(*columns).order_by(chunks.c.document_id, chunks.c.index)
    return query if document_ids is None else query.where(chunks.c.document_id.in_(list(document_ids)))


def _lost_connection(document_id: int, connection_id: int, connection: JudgedConnection) -> NewReviewItem:
    payload: dict[str, object] = {
        "type": connection.type, "user_validated": connection.user_validated, "starred": connection.starred,
        "note": connection.note,
    }  # fmt: skip
    return NewReviewItem(
        source="reanchor", source_id=f"connection:{connection_id}", document_id=document_id, payload=payload,
        reason="a passage of a judged connection is gone", status="open",
    )  # fmt: skip
