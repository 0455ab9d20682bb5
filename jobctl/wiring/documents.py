"""Library use cases: search, review decisions, backups of connections."""

from __future__ import annotations

import json
from typing import Any

from jobctl.client import Client
from jobctl.wiring.configuration import Settings
from jobctl.wiring.plugins import plugin, storage


def search(
    settings: Settings, client: Client, text: str, *, k: int = 10, document: int | None = None
) -> list[dict[str, Any]]:
    """The passages nearest to a text, by the joined score, with their document and headings."""
    from jobctl.documents.relate import JoinedIndex, corpus
    from jobctl.postgres.library import Libraries

    embedder = plugin(settings, {}, "embedder", None)
    queue: Any = client.queue
    library = Libraries()(queue.connection)
    question = embedder.embed([text])[0]
    cosines = library.cosines(embedder.id, question)
    rows = library.passages(embedder.id, document, vectors=cosines is None)
    titles = {row["id"]: row["title"] for row in library.documents()}
    vectors = [bytes(row["vector"]) for row in rows] if cosines is None else [b""] * len(rows)
    index = JoinedIndex(
        corpus([r["id"] for r in rows], [r["document_id"] for r in rows], [r["text"] for r in rows], vectors)
    )
    hits = index.search(
        text, question, k, cosines=None if cosines is None else [cosines.get(row["id"], 0.0) for row in rows]
    )
    return [
        {
            "document_id": rows[hit.position]["document_id"], "title": titles[rows[hit.position]["document_id"]],
            "chunk": rows[hit.position]["index"], "heading_path": rows[hit.position]["heading_path"],
            "page": rows[hit.position]["page_start"], "score": round(hit.score, 4), "lexical": round(hit.lexical, 4),
            "vector": round(hit.vector, 4), "start": rows[hit.position]["start_offset"],
            "end": rows[hit.position]["end_offset"], "text": rows[hit.position]["text"],
        }
        for hit in hits
    ]  # fmt: skip


def library(client: Client) -> Any:
    """The document library on the client's connection."""
    from jobctl.postgres.library import Libraries

    queue: Any = client.queue
    return Libraries()(queue.connection)


def decide(client: Client, review_id: int, *, accept: bool) -> bool:
    """Records a person's decision on an entry of the review and applies it; False when there is no such entry."""
    from jobctl.documents import match

    with client.queue.transaction():
        store = library(client)
        if accept and all(
            row["id"] != review_id for row in store.reviews()
        ):  # an entry that is waiting has no position to accept yet
            return False
        row = store.decide(review_id, "accepted" if accept else "rejected")
        if row is not None and accept:
            match.accept(store, row)
    return row is not None


def restore_connections(settings: Settings, client: Client, key: str) -> tuple[int, int]:
    """Merges a backup of connections; returns how many were merged, and how many had lost a passage."""
    import gzip

    from jobctl.core.errors import CheckpointMissing, UsageError

    try:
        data = storage(settings).get(key, max_bytes=1 << 30)
    except (ValueError, CheckpointMissing):
        raise UsageError(
            f"no such backup: {key}", hint="The key is in the result of the job: jobctl result ID"
        ) from None
    rows = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    with client.queue.transaction():
        store = library(client)
        there = {row["id"] for row in store.chunks(columns=["id"])}
        good = [row for row in rows if {row["source_chunk"], row["target_chunk"]} <= there]
        store.merge_connections(good)
    return len(good), len(rows) - len(good)
