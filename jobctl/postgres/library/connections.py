"""Connections between chunks, and what a person judged of them."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    and_,
    any_,
    delete,
    func,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from jobctl.core.library import Connection, FoundConnection, JudgedConnection, PortableConnection
from jobctl.postgres.library.queries import Queries
from jobctl.postgres.tables import chunks, connections, documents

JUDGED = or_(
    connections.c.user_validated.is_not(None), connections.c.starred.is_(True), connections.c.note.is_not(None)
)
"""A connection that a person judged, starred or noted: no job may destroy it."""
_table = connections
_PORTABLE = [c for c in connections.c if c.name not in ("id", "source_chunk", "target_chunk")]
_BACKED_UP = [c for c in connections.c if c.name != "id"]


class Connections(Queries):
    """Reads, replaces, merges and judges connections."""

    def replace_connections(
        self,
        document_ids: Sequence[int] | None,
        types: Sequence[str],
        connections: Sequence[FoundConnection],
        *,
        keep_judged: bool = True,
    ) -> int:
        """New results for old at once. What a person judged, starred or noted is never removed.

        ``document_ids``: only connections that start in these; None: all. ``keep_judged``: judged ones keep their
        scores too. Returns the number that exist now.
        """
        replaced = _of(document_ids, types)
        self.connection.execute(delete(_table).where(replaced, not_(JUDGED)))
        existing = self._with_both_ends(self._new_pairs(connections))
        if existing:
            query = upsert(_table)
            new = query.excluded
            merged = query.on_conflict_do_update(
                constraint="connections_pair_key",
                set_={"strength": new.strength, "evidence": new.evidence, "engine": new.engine},
                where=not_(JUDGED) if keep_judged else None,
            )
            self.connection.execute(merged, existing)
        return self.connection.execute(select(func.count()).select_from(_table).where(replaced)).scalar_one()

    def merge_connections(self, connections: Sequence[FoundConnection]) -> None:
        """Adds connections; of one that exists a person's judgement stays, and what is new in it is added.

        All of one class: ``FoundConnection``, or ``JudgedConnection`` with the judgements to merge.
        """
        found = [one for one in connections if not isinstance(one, JudgedConnection)]
        existing = self._with_both_ends(self._new_pairs(found) if found else connections)
        if not existing:
            return
        query = upsert(_table)
        new, old = query.excluded, _table.c
        merged = query.on_conflict_do_update(
            constraint="connections_pair_key",
            set_={
                "user_validated": func.coalesce(old.user_validated, new.user_validated),
                "starred": or_(old.starred, new.starred),
                "note": func.coalesce(old.note, new.note),
                "judged_at": func.coalesce(old.judged_at, new.judged_at),
            },
        )
        self.connection.execute(merged, existing)

    def _with_both_ends(self, found: Sequence[FoundConnection]) -> list[dict[str, object]]:
        """The columns of those whose chunks both exist, and will until this transaction ends.

        Since they were compared a document may have been deleted, or have got a new generation.
        """
        ends = sorted({end for one in found for end in (one.source_chunk, one.target_chunk)})
        query = (
            select(chunks.c.id)
            .where(chunks.c.id == any_(literal(ends, ARRAY(BigInteger))))
            .order_by(chunks.c.id)
            .with_for_update(read=True, key_share=True)
        )
        existing = set(self.connection.execute(query).scalars()) if ends else set()
        return [asdict(one) for one in found if {one.source_chunk, one.target_chunk} <= existing]

    def _new_pairs(self, found: Sequence[FoundConnection]) -> list[FoundConnection]:
        """Those whose pair does not exist in the other direction: each pair is in the library once."""
        sources = sorted({one.source_chunk for one in found})
        query = select(_table.c.target_chunk, _table.c.source_chunk, _table.c.type).where(
            _table.c.target_chunk == any_(literal(sources, ARRAY(BigInteger)))
        )
        turned = {tuple(row) for row in self.connection.execute(query)} if sources else set()
        return [one for one in found if (one.source_chunk, one.target_chunk, one.type) not in turned]

    def _judged(self, condition: ColumnElement[bool]) -> dict[int, JudgedConnection]:
        """Judged connections by id."""
        rows = self.connection.execute(select(_table).where(condition, JUDGED).order_by(_table.c.id)).mappings()
        return {row["id"]: JudgedConnection(**{c.name: row[c.name] for c in _BACKED_UP}) for row in rows}

    def backup_connections(self) -> list[JudgedConnection]:
        """All connections, as they can be merged again."""
        return self._all(JudgedConnection, select(*_BACKED_UP).order_by(_table.c.id))

    def portable_connections(self, document_ids: Sequence[int]) -> list[PortableConnection]:
        """Connections between these documents."""
        source, target, of_source, of_target = chunks.alias(), chunks.alias(), documents.alias(), documents.alias()
        query = (
            select(
                of_source.c.uid.label("source_uid"), source.c.index.label("source_index"),
                of_target.c.uid.label("target_uid"), target.c.index.label("target_index"), *_PORTABLE,
            )
            .join(source, source.c.id == _table.c.source_chunk)
            .join(target, target.c.id == _table.c.target_chunk)
            .join(of_source, of_source.c.id == source.c.document_id)
            .join(of_target, of_target.c.id == target.c.document_id)
            .where(of_source.c.id.in_(list(document_ids)), of_target.c.id.in_(list(document_ids)))
            .order_by(of_source.c.uid, source.c.index, of_target.c.uid, target.c.index, _table.c.type)
        )  # fmt: skip
        return self._all(PortableConnection, query)

    def connections(self, document_id: int | None = None) -> list[Connection]:
        """Connections with the documents at both ends, strongest first."""
        source, target = chunks.alias(), chunks.alias()
        query = (
            select(
                _table,
                source.c.document_id.label("source_document"),
                source.c.text.label("source_text"),
                target.c.document_id.label("target_document"),
                target.c.text.label("target_text"),
            )
            .join(source, source.c.id == _table.c.source_chunk)
            .join(target, target.c.id == _table.c.target_chunk)
            .order_by(_table.c.strength.desc(), _table.c.id)
        )
        if document_id is not None:
            query = query.where(or_(source.c.document_id == document_id, target.c.document_id == document_id))
        return self._all(Connection, query)

    def judge(
        self, connection_id: int, *, user_validated: bool | None = None, starred: bool | None = None,
        note: str | None = None,
    ) -> bool:  # fmt: skip
        """Records a person's judgement of a connection, None: as it was; False when the connection is gone."""
        judgement = {"user_validated": user_validated, "starred": starred, "note": note}
        changed = {name: value for name, value in judgement.items() if value is not None}
        query = update(_table).where(_table.c.id == connection_id).values(**changed, judged_at=func.jobctl.clock())
        return self.connection.execute(query.returning(_table.c.id)).first() is not None


def _of(document_ids: Sequence[int] | None, types: Sequence[str]) -> ColumnElement[bool]:
    """Connections of these types that start in these documents, None: in any."""
    condition: ColumnElement[bool] = _table.c.type.in_(list(types))
    if document_ids is None:
        return condition
    own = select(chunks.c.id).where(chunks.c.document_id.in_(list(document_ids)))
    return and_(condition, _table.c.source_chunk.in_(own))
