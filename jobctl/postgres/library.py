"""The document library: SQLAlchemy Core on the connection that the queue's statements run on."""

import struct
import sys
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.pq import Format
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    TableClause,
    and_,
    any_,
    bindparam,
    column,
    create_engine,
    delete,
    event,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.pool import StaticPool

from jobctl.core.errors import ConfigError, StoreUnavailable
from jobctl.postgres.tables import annotations, chunks, connections, documents, import_review, vault_sync

HUMAN = or_(connections.c.user_validated.is_not(None), connections.c.starred.is_(True), connections.c.note.is_not(None))
"""A connection that a person has said something of: no job may destroy it."""


class Library:
    """Documents, chunks, connections, annotations of one database, on one SQLAlchemy connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    # -- documents -----------------------------------------------------------------------------------------------

    def document(self, document_id: int) -> dict[str, Any] | None:
        """One document, None when it is gone."""
        row = self.connection.execute(select(documents).where(documents.c.id == document_id)).mappings().first()
        return dict(row) if row else None

    def document_by(self, **fields: Any) -> dict[str, Any] | None:
        """The document whose columns have these values, the oldest of several."""
        query = select(documents).filter_by(**fields).order_by(documents.c.id).limit(1)
        row = self.connection.execute(query).mappings().first()
        return dict(row) if row else None

    def documents(self, ids: Sequence[int] | None = None) -> list[dict[str, Any]]:
        """Documents in order of their id."""
        query = select(documents).order_by(documents.c.id)
        if ids is not None:
            query = query.where(documents.c.id.in_(list(ids)))
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def lock(self, uid: str) -> dict[str, Any] | None:
        """The document with this uid. Two jobs that save one document take turns; the lock ends with the transaction."""
        self.connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(uid, 0))))
        return self.document_by(uid=uid)

    def save(
        self,
        fields: Mapping[str, Any],
        chunks: Sequence[Mapping[str, Any]],
        *,
        moves: Mapping[int, int | None] | None = None,
    ) -> int:
        """Writes a document, or a new generation of the one with this uid; gives its id.

        Chunks with the same text keep their id, and with it everything a person said about their connections; of those
        that go, ``moves`` says where a person's connections go instead.
        """
        known = self.lock(str(fields["uid"]))
        if known is None:
            query = insert(documents).values(**fields).returning(documents.c.id)
            document_id, generation = int(self.connection.execute(query).scalar_one()), 1
        else:
            document_id, generation = int(known["id"]), int(known["generation"]) + 1
            values = {"updated_at": func.jobctl.clock(), **fields, "generation": generation}
            self.connection.execute(update(documents).where(documents.c.id == document_id).values(values))
        self._replace_chunks(document_id, generation, str(fields["engine"]), chunks, moves or {})
        return document_id

    def _replace_chunks(
        self, document_id: int, generation: int, engine: str, new: Sequence[Mapping[str, Any]],
        moves: Mapping[int, int | None],
    ) -> None:  # fmt: skip
        mine, into = chunks.c.document_id == document_id, self._writable
        by_text: dict[str, list[int]] = {}
        for row in self.connection.execute(select(chunks.c.id, chunks.c.text).where(mine).order_by(chunks.c.index)):
            by_text.setdefault(row.text, []).append(row.id)
        if by_text:  # out of the way of the unique index
            self.connection.execute(update(chunks).where(mine).values(index=-1 - chunks.c.index))
        fresh: list[dict[str, Any]] = []
        known: list[dict[str, Any]] = []
        for chunk in new:
            values = self._embedded({"document_id": document_id, "generation": generation, "engine": engine, **chunk})
            same = by_text.get(chunk["text"])
            if same:
                known.append({"this": same.pop(0), **values})
            else:
                fresh.append(values)
        if known:
            self.connection.execute(update(into).where(into.c.id == bindparam("this")), known)
        if fresh:
            self.connection.execute(insert(into), fresh)
        for old, place in moves.items():
            self._move_connections(document_id, old, place)
        self.connection.execute(delete(chunks).where(and_(mine, chunks.c.generation < generation)))

    def _move_connections(self, document_id: int, old: int, place: int | None) -> None:
        """What a person said of an old chunk's connections, said of the new chunk's; without one, put in the review."""
        here = or_(connections.c.source_chunk == old, connections.c.target_chunk == old)
        rows = [dict(row) for row in self.connection.execute(select(connections).where(and_(here, HUMAN))).mappings()]
        if place is None:
            for row in rows:
                said = {name: row[name] for name in ("type", "user_validated", "starred", "note")}
                self.review(
                    {
                        "source": "reanchor",
                        "source_id": f"connection:{row['id']}",
                        "document_id": document_id,
                        "payload": said,
                        "reason": "a passage of a judged connection is gone",
                        "status": "open",
                    }
                )
            return
        query = select(chunks.c.id).where(chunks.c.document_id == document_id, chunks.c.index == place)
        new = self.connection.execute(query).scalar_one()
        moved = [
            {
                **{name: value for name, value in row.items() if name != "id"},
                "source_chunk": new if row["source_chunk"] == old else row["source_chunk"],
                "target_chunk": new if row["target_chunk"] == old else row["target_chunk"],
            }
            for row in rows
        ]
        self.merge_connections(moved)

    @cached_property
    def _pgvector(self) -> str | None:
        """The schema of pgvector, where the server has it and the migration found it; quoted."""
        query = text(
            "SELECT quote_ident(n.nspname) FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
            "JOIN pg_namespace n ON n.oid = t.typnamespace "
            "WHERE a.attrelid = 'jobctl.chunks'::regclass AND a.attname = 'embedding' AND NOT a.attisdropped"
        )
        return self.connection.execute(query).scalar()

    @cached_property
    def _writable(self) -> TableClause:
        """The chunks, with pgvector's column where there is one."""
        if self._pgvector is None:
            return chunks
        return table("chunks", *(column(c.name, c.type) for c in chunks.c), column("embedding"), schema="jobctl")

    def _embedded(self, values: dict[str, Any]) -> dict[str, Any]:
        """The vector a second time, as pgvector holds it, where there is pgvector."""
        if self._pgvector is None:
            return values
        return values | {"embedding": _Vector(values["vector"]) if values["vector"] else None}

    def embed_again(self, size: int = 500) -> None:
        """Gives pgvector, where there is one, the vectors that came without it (``db load``)."""
        while self._pgvector is not None:
            query = text("SELECT id, vector FROM jobctl.chunks WHERE vector IS NOT NULL AND embedding IS NULL LIMIT :n")
            rows = self.connection.execute(query, {"n": size}).all()
            if not rows:
                return
            update = text("UPDATE jobctl.chunks SET embedding = :v WHERE id = :i")
            self.connection.execute(update, [{"v": _Vector(bytes(row.vector)), "i": row.id} for row in rows])

    def cosines(self, engine: str, vector: bytes) -> dict[int, float] | None:
        """The server's cosine of a vector with every chunk of an engine, by chunk id; None where it has no pgvector."""
        if self._pgvector is None or not vector:
            return None
        home = self._pgvector
        query = text(
            f"SELECT id, 1 - (embedding OPERATOR({home}.<=>) CAST(:v AS {home}.vector)) AS cosine "  # noqa: S608 - a quoted name
            "FROM jobctl.chunks WHERE engine = :e AND embedding IS NOT NULL"
        )
        rows = self.connection.execute(query, {"v": _Vector(vector), "e": engine})
        return {row.id: row.cosine for row in rows}

    def passages(self, engine: str, document_id: int | None = None, *, vectors: bool) -> list[dict[str, Any]]:
        """Chunks of an engine for a search, without the vectors where the server compares them itself."""
        wanted = [c for c in chunks.c if vectors or c.name != "vector"]
        query = select(*wanted).where(chunks.c.engine == engine).order_by(chunks.c.document_id, chunks.c.index)
        if document_id is not None:
            query = query.where(chunks.c.document_id == document_id)
        return [dict(row) for row in self.connection.execute(query).mappings()]

    # -- chunks --------------------------------------------------------------------------------------------------

    def chunks(self, document_ids: Sequence[int] | None = None, *, columns: Sequence[str] = ()) -> list[dict[str, Any]]:
        """Chunks in order of document and index; only these columns, where a whole library is read."""
        wanted = [chunks.c[name] for name in columns] or [*chunks.c]
        query = select(*wanted).order_by(chunks.c.document_id, chunks.c.index)
        if document_ids is not None:
            query = query.where(chunks.c.document_id.in_(list(document_ids)))
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def chunk_ids(self, document_id: int) -> list[int]:
        """Ids of a document's chunks, in order."""
        query = select(chunks.c.id).where(chunks.c.document_id == document_id).order_by(chunks.c.index)
        return [int(i) for i in self.connection.execute(query).scalars()]

    def engines(self) -> list[str]:
        """Embedding engines that the library's chunks were made by."""
        return list(self.connection.execute(select(chunks.c.engine).distinct().order_by(chunks.c.engine)).scalars())

    # -- connections ---------------------------------------------------------------------------------------------

    def replace_connections(
        self, document_ids: Sequence[int] | None, types: Sequence[str], edges: Sequence[Mapping[str, Any]],
        *, keep_judged: bool = True,
    ) -> int:  # fmt: skip
        """New results for old in one go. What a person judged, starred or noted is never removed.

        ``document_ids``: only connections that start in these; None: all. ``keep_judged``: judged ones keep their scores too.
        Gives the number that now stand.
        """
        condition: list[Any] = [connections.c.type.in_(list(types))]
        if document_ids is not None:
            mine = select(chunks.c.id).where(chunks.c.document_id.in_(list(document_ids)))
            condition.append(connections.c.source_chunk.in_(mine))
        self.connection.execute(delete(connections).where(and_(*condition, not_(HUMAN))))
        standing = self._standing(edges)
        if standing:
            query = upsert(connections)
            fresh = query.excluded
            changed = {"strength": fresh.strength, "evidence": fresh.evidence, "engine": fresh.engine}
            where = not_(HUMAN) if keep_judged else None
            merged = query.on_conflict_do_update(constraint="connections_pair_key", set_=changed, where=where)
            self.connection.execute(merged, standing)
        return self.connection.execute(
            select(func.count()).select_from(connections).where(and_(*condition))
        ).scalar_one()

    def merge_connections(self, edges: Sequence[Mapping[str, Any]]) -> None:
        """Adds connections; of one that is there, what a person said stays, and what is new is added."""
        standing = self._standing(edges)
        if not standing:
            return
        query = upsert(connections)
        new, old = query.excluded, connections.c
        merged = query.on_conflict_do_update(
            constraint="connections_pair_key",
            set_={
                "user_validated": func.coalesce(old.user_validated, new.user_validated),
                "starred": or_(old.starred, new.starred),
                "note": func.coalesce(old.note, new.note),
                "judged_at": func.coalesce(old.judged_at, new.judged_at),
            },
        )
        self.connection.execute(merged, standing)

    def _standing(self, edges: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Those whose passages are both still there, and stay there until this transaction ends.

        Since they were compared a document may have been deleted, or have got a new generation.
        """
        ends = sorted({edge[end] for edge in edges for end in ("source_chunk", "target_chunk")})
        query = (
            select(chunks.c.id)
            .where(chunks.c.id == any_(literal(ends, ARRAY(BigInteger))))
            .order_by(chunks.c.id)
            .with_for_update(read=True, key_share=True)
        )
        there = set(self.connection.execute(query).scalars()) if ends else set()
        return [dict(edge) for edge in edges if {edge["source_chunk"], edge["target_chunk"]} <= there]

    def judged_chunks(self, document_id: int) -> list[dict[str, Any]]:
        """Chunks with connections that a person judged, starred or noted."""
        ends = or_(connections.c.source_chunk == chunks.c.id, connections.c.target_chunk == chunks.c.id)
        query = (
            select(chunks.c.id, chunks.c.text, chunks.c.start_offset, chunks.c.heading_path)
            .where(chunks.c.document_id == document_id, select(1).where(and_(ends, HUMAN)).exists())
            .order_by(chunks.c.index)
        )
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def edges(self, document_ids: Sequence[int]) -> list[dict[str, Any]]:
        """Connections between these documents, their ends as (document uid, chunk index)."""
        source, target, of_source, of_target = chunks.alias(), chunks.alias(), documents.alias(), documents.alias()
        told = [c for c in connections.c if c.name not in ("id", "source_chunk", "target_chunk")]
        query = (
            select(
                of_source.c.uid.label("source_uid"), source.c.index.label("source_index"),
                of_target.c.uid.label("target_uid"), target.c.index.label("target_index"), *told,
            )
            .join(source, source.c.id == connections.c.source_chunk)
            .join(target, target.c.id == connections.c.target_chunk)
            .join(of_source, of_source.c.id == source.c.document_id)
            .join(of_target, of_target.c.id == target.c.document_id)
            .where(of_source.c.id.in_(list(document_ids)), of_target.c.id.in_(list(document_ids)))
            .order_by(of_source.c.uid, source.c.index, of_target.c.uid, target.c.index, connections.c.type)
        )  # fmt: skip
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def backup_connections(self) -> list[dict[str, Any]]:
        """All connections, as they can be merged again."""
        query = select(*[c for c in connections.c if c.name != "id"]).order_by(connections.c.id)
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def connected(self, document_id: int) -> None:
        """Notes that a document's connections were looked for now."""
        self.connection.execute(
            update(documents).where(documents.c.id == document_id).values(connected_at=func.jobctl.clock())
        )

    def connections(self, document_id: int | None = None) -> list[dict[str, Any]]:
        """Connections with the documents at both ends, strongest first."""
        source, target = chunks.alias(), chunks.alias()
        query = (
            select(
                connections,
                source.c.document_id.label("source_document"),
                source.c.text.label("source_text"),
                target.c.document_id.label("target_document"),
                target.c.text.label("target_text"),
            )
            .join(source, source.c.id == connections.c.source_chunk)
            .join(target, target.c.id == connections.c.target_chunk)
            .order_by(connections.c.strength.desc(), connections.c.id)
        )
        if document_id is not None:
            query = query.where(or_(source.c.document_id == document_id, target.c.document_id == document_id))
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def judge(self, connection_id: int, **judgement: Any) -> bool:
        """Records what a person says of a connection; False when it is gone."""
        done = self.connection.execute(
            update(connections)
            .where(connections.c.id == connection_id)
            .values(**judgement, judged_at=func.jobctl.clock())
            .returning(connections.c.id)
        )
        return done.first() is not None

    # -- annotations and review ----------------------------------------------------------------------------------

    def annotations(self, document_id: int) -> list[dict[str, Any]]:
        """A person's highlights and notes, in reading order."""
        query = (
            select(annotations)
            .where(annotations.c.document_id == document_id)
            .order_by(annotations.c.start_offset, annotations.c.uid)
        )
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def annotate(self, values: Mapping[str, Any]) -> None:
        """Adds an annotation, or updates the one with this uid."""
        query = upsert(annotations).values(dict(values))
        changed = {name: query.excluded[name] for name in values if name not in ("uid", "created_at")}
        self.connection.execute(query.on_conflict_do_update(index_elements=["uid"], set_=changed))

    def move_annotation(self, uid: str, start: int | None, end: int | None) -> None:
        """Puts an annotation at another place; its words stay."""
        values = {"start_offset": start, "end_offset": end, "updated_at": func.jobctl.clock()}
        self.connection.execute(update(annotations).where(annotations.c.uid == uid).values(**values))

    def remove_annotation(self, uid: str) -> None:
        """Deletes an annotation; one that is not there is no error."""
        self.connection.execute(delete(annotations).where(annotations.c.uid == uid))

    def reviews(
        self, *, source: str | None = None, status: str = "open", document_id: int | None = None
    ) -> list[dict[str, Any]]:
        """What waits for a person, or for its document."""
        query = select(import_review).where(import_review.c.status == status).order_by(import_review.c.id)
        if source is not None:
            query = query.where(import_review.c.source == source)
        if document_id is not None:
            query = query.where(import_review.c.document_id == document_id)
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def decide(self, review_id: int, status: str) -> dict[str, Any] | None:
        """Records a decision on what is open or waits; None when there is no such line."""
        query = (
            update(import_review)
            .where(import_review.c.id == review_id, import_review.c.status.in_(["open", "waiting"]))
            .values(status=status, reviewed_at=func.jobctl.clock())
            .returning(import_review)
        )
        row = self.connection.execute(query).mappings().first()
        return dict(row) if row else None

    def update_review(self, review_id: int, values: Mapping[str, Any]) -> None:
        """Changes a line that is not decided yet."""
        undecided = and_(import_review.c.id == review_id, import_review.c.status.in_(["open", "waiting"]))
        self.connection.execute(update(import_review).where(undecided).values(dict(values)))

    # -- vaults --------------------------------------------------------------------------------------------------

    def synced(self, vault: str) -> list[dict[str, Any]]:
        """What a vault and the library agreed on last, note by note."""
        query = select(vault_sync).where(vault_sync.c.vault == vault).order_by(vault_sync.c.document_id)
        return [dict(row) for row in self.connection.execute(query).mappings()]

    def sync(self, values: Mapping[str, Any]) -> None:
        """Records what both sides agree on now."""
        query = upsert(vault_sync).values({**values, "synced_at": func.jobctl.clock()})
        changed = {
            name: query.excluded[name] for name in (*values, "synced_at") if name not in ("document_id", "vault")
        }
        self.connection.execute(query.on_conflict_do_update(index_elements=["document_id", "vault"], set_=changed))

    def unsync(self, document_id: int, vault: str) -> None:
        """Forgets a note."""
        mine = and_(vault_sync.c.document_id == document_id, vault_sync.c.vault == vault)
        self.connection.execute(delete(vault_sync).where(mine))

    def review(self, values: Mapping[str, Any]) -> None:
        """Adds a line for a person, or renews the undecided one; what was decided already is not asked again."""
        query = upsert(import_review).values(dict(values))
        undecided = import_review.c.status.in_(["open", "waiting"])
        changed = {name: query.excluded[name] for name in values if name not in ("source", "source_id")}
        self.connection.execute(
            query.on_conflict_do_update(constraint="import_review_source_key", set_=changed, where=undecided)
        )


@dataclass(frozen=True, slots=True)
class _Vector:
    """Little-endian float32 numbers on their way to pgvector."""

    data: bytes


class _VectorDumper(Dumper):
    """pgvector's wire form: dimension, zero, big-endian float32. As text, a vector costs five times the bytes."""

    format = Format.BINARY

    def dump(self, obj: Any) -> bytes:
        numbers = array("f", obj.data)
        if sys.byteorder == "little":
            numbers.byteswap()
        return struct.pack(">HH", len(numbers), 0) + numbers.tobytes()


class Libraries:
    """Makes a Library on a psycopg connection; keeps the SQLAlchemy engine of the connection it saw last."""

    def __init__(self) -> None:
        self._seen: psycopg.Connection[Any] | None = None
        self._sqlalchemy: Connection | None = None

    def __call__(self, connection: psycopg.Connection[Any]) -> Library:
        """A library whose statements run in whatever transaction the connection is in."""
        if self._sqlalchemy is None or self._seen is not connection:
            self._seen = connection
            self._sqlalchemy = _on(connection)
        return Library(self._sqlalchemy)


def _on(connection: psycopg.Connection[Any]) -> Connection:
    """SQLAlchemy on a connection whose transactions are somebody else's: it never begins, commits or closes."""
    engine = create_engine(
        "postgresql+psycopg://", creator=lambda: connection, poolclass=StaticPool, pool_reset_on_return=None
    )
    event.listen(engine, "handle_error", _translate)
    connection.adapters.register_dumper(_Vector, _VectorDumper)
    for verb in ("do_begin", "do_commit", "do_rollback", "do_close", "do_terminate"):
        setattr(engine.dialect, verb, lambda _: None)
    return engine.connect()


def _translate(context: Any) -> None:
    """A database that is out of reach, or refuses, is the same error here as in the queue."""
    if isinstance(context.original_exception, psycopg.errors.InsufficientPrivilege):
        reason = context.original_exception.diag.message_primary
        raise ConfigError(
            f"the database refuses: {reason}", hint="jobctl db roles prints the grants"
        ) from context.original_exception
    if isinstance(context.original_exception, (psycopg.OperationalError, psycopg.InterfaceError)):
        first = str(context.original_exception).strip().partition("\n")[0]
        raise StoreUnavailable(
            f"the database can't be reached: {first}", hint="Try again."
        ) from context.original_exception


__all__ = ["Libraries", "Library"]
