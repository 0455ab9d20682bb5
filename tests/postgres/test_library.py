"""The library on a real server, with pgvector where it is there, and without."""

import struct
import uuid

import pytest

from jobctl.core.library import FoundConnection, NewChunk
from jobctl.postgres.library import Libraries


@pytest.fixture
def library(conn):
    return Libraries()(conn)


def vector(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def save(library, texts, engine="e-1", uid=None, vectors=None) -> int:
    fields = {
        "uid": uid or str(uuid.uuid4()),
        "title": "T",
        "source_type": "text",
        "markdown_key": "k",
        "markdown_sha256": "s",
        "engine": engine,
    }
    rows, at = [], 0
    for index, text in enumerate(texts):
        numbers = vectors[index] if vectors else vector(1.0, float(index))
        rows.append(NewChunk(index=index, text=text, start_offset=at, end_offset=at + len(text), vector=numbers))
        at += len(text)
    return library.save(fields, rows)


def chunk_ids(library, document_id: int) -> list[int]:
    return [chunk.id for chunk in library.chunk_positions([document_id])]


def test_a_new_generation_keeps_the_ids_of_unchanged_passages_and_what_was_judged(library, conn):
    uid = str(uuid.uuid4())
    first = save(library, ["alpha", "beta", "gamma"], uid=uid)
    other = save(library, ["delta"])
    ids = chunk_ids(library, first)
    target = chunk_ids(library, other)[0]
    found = [FoundConnection(i, target, "semantic_similarity", 0.5, {}, "x") for i in ids]
    library.replace_connections(None, ["semantic_similarity"], found)
    kept = library.connections(first)[0]
    library.judge(kept.id, user_validated=True, note="yes")
    assert save(library, ["new", "alpha", "gamma"], uid=uid) == first
    again = chunk_ids(library, first)
    assert again[1:] == [ids[0], ids[2]]
    assert again[0] not in ids
    assert library.document(first).generation == 2
    library.replace_connections(None, ["semantic_similarity"], [])
    left = library.connections()
    assert [(c.id, c.note) for c in left] == ([(kept.id, "yes")] if kept.source_chunk != ids[1] else [])


def test_connections_of_passages_that_went_meanwhile_are_left_out(library, conn):
    """Found by a test that deletes documents while jobs run: the whole job failed on them."""
    first, other = save(library, ["alpha", "beta"]), save(library, ["gamma"])
    (one, two), (target,) = chunk_ids(library, first), chunk_ids(library, other)
    edges = [FoundConnection(i, target, "semantic_similarity", 0.5, {}, "x") for i in (one, two, 999_999)]
    conn.execute("DELETE FROM chunks WHERE id = %s", [two])
    library.merge_connections(edges)
    assert library.replace_connections(None, ["semantic_similarity"], edges) == 1
    assert [c.source_chunk for c in library.connections()] == [one]
