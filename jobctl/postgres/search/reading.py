"""Reading the index on a connection of psycopg."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TypeVar

import psycopg
from psycopg.rows import DictRow, dict_row

from jobctl.core.search import EVERYTHING, Chosen, FoundPassage, IndexedPassage, IndexSize, Postings
from jobctl.postgres.refusals import translated
from jobctl.postgres.search.dictionaries import stems
from jobctl.postgres.search.writing import VERSION, fill
from jobctl.postgres.session import statement
from jobctl.postgres.vector import Vector, register_vectors

EXPLORED = 120
"""Candidates that pgvector's graph keeps while it searches."""
T = TypeVar("T")


class Index:
    """The index of the library on a connection. Raises ``StoreUnavailable`` and ``ConfigError`` as the library does."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def fill(self) -> int:
        """Indexes documents that came before there was an index; returns how many."""
        with self._translating():
            return fill(self._connection)

    def size(self, chosen: Chosen = EVERYTHING) -> IndexSize:
        """What the index has of the chosen documents, and what it lacks."""
        return self._all(IndexSize, "search_size", version=VERSION, **_of(chosen))[0]

    def stems(self, dictionary: str, words: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """The stems of each word by a dictionary; none for a stop word."""
        with self._translating():
            return stems(self._connection, dictionary, words)

    def postings(self, terms: Sequence[int], chosen: Chosen = EVERYTHING) -> Mapping[int, Postings]:
        """Where each word is."""
        rows = self._rows("search_postings", terms=list(terms), **_of(chosen))
        return {row["term"]: Postings(row["passages"], bytes(row["packed"])) for row in rows}

    def frequencies(self) -> tuple[bytes, bytes]:
        """All terms ascending, and the number of passages of each, as big-endian int4."""
        (row,) = self._rows("search_frequencies")
        return bytes(row["terms"]), bytes(row["passages"])

    @cached_property
    def _pgvector(self) -> tuple[str, frozenset[int]]:
        """The quoted schema of pgvector, and the dimensions with an index; empty where there is none."""
        rows = self._rows("search_pgvector")
        dims = frozenset(int(str(row["name"]).split("_")[2]) for row in rows if row["name"] is not None)
        return (str(rows[0]["home"]) if rows else ""), dims

    @property
    def graphs(self) -> frozenset[int]:
        """The dimensions of vectors that have an index; empty: vectors are compared exactly, in blocks."""
        return self._pgvector[1]

    def nearest(self, engine: str, vector: bytes, count: int, chosen: Chosen = EVERYTHING) -> list[int] | None:
        """About the ``count`` nearest passages; None where there is no index for such vectors."""
        dims = len(vector) // 4
        if dims not in self.graphs:
            return None
        register_vectors(self._connection)
        with self._exploring(count):
            rows = self._rows(
                "search_nearest", self._template(dims), engine=engine, vector=Vector(vector), count=count, **_of(chosen)
            )
        return [row["id"] for row in rows]

    def neighbours(self, passages: Sequence[int], dims: int, count: int) -> list[tuple[int, int]] | None:
        """For each passage about the ``count`` nearest of other documents; None where there is no index for them."""
        if dims not in self.graphs:
            return None
        with self._exploring(count):
            rows = self._rows("search_neighbours", self._template(dims), passages=list(passages), count=count)
        return [(row["source"], row["target"]) for row in rows]

    def _template(self, dims: int) -> Callable[[str], str]:
        return lambda text: text.replace("{schema}", self._pgvector[0]).replace("{dims}", str(dims))

    @contextmanager
    def _exploring(self, count: int) -> Iterator[None]:
        with self._translating(), self._connection.transaction():
            # read by pgvector alone: an older one, which can't continue a filtered search, ignores the second
            self._connection.execute(
                "SELECT set_config('hnsw.ef_search', %s, true), set_config('hnsw.iterative_scan', 'relaxed_order', true)",
                [str(min(1000, max(EXPLORED, 2 * count)))],
            )
            yield

    def vectors(
        self, engine: str, chosen: Chosen = EVERYTHING, *, size: int = 2000
    ) -> Iterator[tuple[list[int], bytes]]:
        """All vectors in blocks of ``size``: the passages, and their vectors one after the other."""
        after = 0
        while rows := self._rows("search_vectors", engine=engine, after=after, size=size, **_of(chosen)):
            yield [row["id"] for row in rows], b"".join(bytes(row["vector"]) for row in rows)
            after = rows[-1]["id"]

    def found(self, passages: Sequence[int]) -> list[FoundPassage]:
        """Passages as a search shows them, by id."""
        return self._all(FoundPassage, "search_found", passages=list(passages))

    def compared(self, engine: str, passages: Sequence[int]) -> list[IndexedPassage]:
        """Passages to compare, in order of document and index; without those of other engines and boilerplate."""
        return self._all(IndexedPassage, "search_compared", engine=engine, passages=list(passages))

    def sample(self, engine: str, count: int) -> list[int]:
        """Up to ``count`` passages, the same ones whatever the order in which they came."""
        return [row["id"] for row in self._rows("search_sample", engine=engine, count=count)]

    def comparable(self, engine: str, documents: Sequence[int] | None) -> tuple[list[int], int]:
        """The passages of an engine that may be compared, in order, and how many the library has of other engines."""
        listed = None if documents is None else list(documents)
        rows = self._rows("search_comparable", engine=engine, documents=listed)
        (others,) = self._rows("search_other_engines", engine=engine)
        return [row["id"] for row in rows], int(others["others"])

    def _rows(self, verb: str, template: Callable[[str], str] = str, /, **values: object) -> list[DictRow]:
        with self._translating(), self._connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(template(statement(verb)), values, binary=True).fetchall()

    def _all(self, row_type: Callable[..., T], verb: str, /, **values: object) -> list[T]:
        return [row_type(**row) for row in self._rows(verb, **values)]

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            understood = translated(error)
            if understood is None:
                raise
            raise understood from error


def _of(chosen: Chosen) -> dict[str, object]:
    return {
        "documents": None if chosen.documents is None else list(chosen.documents),
        "types": None if chosen.types is None else list(chosen.types),
        "languages": None if chosen.languages is None else list(chosen.languages),
        "since": chosen.since,
        "without": chosen.without,
    }
