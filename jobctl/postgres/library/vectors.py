"""Vectors as pgvector stores them, where the server has it."""

from functools import cached_property

from sqlalchemy import TableClause, column, table, text

from jobctl.postgres.library.queries import Queries
from jobctl.postgres.tables import chunks
from jobctl.postgres.vector import Vector


class Vectors(Queries):
    """The second copy of the chunks' vectors, in pgvector's own type."""

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
    def _writable_chunks(self) -> TableClause:
        """The chunks, with pgvector's column where there is one."""
        if self._pgvector is None:
            return chunks
        return table("chunks", *(column(c.name, c.type) for c in chunks.c), column("embedding"), schema="jobctl")

    def _embedding(self, vector: bytes) -> dict[str, Vector | None]:
        """The value of pgvector's column by its name; empty where there is no pgvector."""
        if self._pgvector is None:
            return {}
        return {"embedding": Vector(vector) if vector else None}

    def embed_again(self, size: int = 500) -> None:
        """Fills pgvector's column, where there is one, for vectors that came without it (``db load``)."""
        while self._pgvector is not None:
            query = text("SELECT id, vector FROM jobctl.chunks WHERE vector IS NOT NULL AND embedding IS NULL LIMIT :n")
            rows = self.connection.execute(query, {"n": size}).all()
            if not rows:
                return
            update = text("UPDATE jobctl.chunks SET embedding = :v WHERE id = :i")
            self.connection.execute(update, [{"v": Vector(bytes(row.vector)), "i": row.id} for row in rows])
