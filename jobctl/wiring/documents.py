"""What people ask of the library: search, judgements, backups."""

from __future__ import annotations

import json
from typing import Any

from jobctl.client import Client
from jobctl.wiring.configuration import Settings
from jobctl.wiring.plugins import plugin, storage


def search(
    held: Settings, client: Client, text: str, *, k: int = 10, document: int | None = None
) -> list[dict[str, Any]]:
    """The passages nearest to a text, by the joined score, with their document and headings."""
    from jobctl.documents.relate import JoinedIndex, corpus
    from jobctl.postgres.library import Libraries

    embedder = plugin(held, {}, "embedder", None)
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
    """Records what a person decided of a line of the review, and does it; False when there is no such line."""
    from jobctl.documents import match

    with client.queue.transaction():
        held = library(client)
        if accept and all(row["id"] != review_id for row in held.reviews()):  # what waits has no place to accept yet
            return False
        row = held.decide(review_id, "accepted" if accept else "rejected")
        if row is not None and accept:
            match.accept(held, row)
    return row is not None


def restore_connections(held: Settings, client: Client, key: str) -> tuple[int, int]:
    """Merges a backup of connections; gives how many were there, and how many had lost a passage."""
    import gzip

    from jobctl.core.errors import CheckpointMissing, UsageError

    try:
        data = storage(held).get(key, max_bytes=1 << 30)
    except (ValueError, CheckpointMissing):
        raise UsageError(
            f"there is no backup {key}", hint="The result of the job names it: jobctl show ID --result"
        ) from None
    rows = [json.loads(line) for line in gzip.decompress(data).splitlines()]
    with client.queue.transaction():
        place = library(client)
        there = {row["id"] for row in place.chunks(columns=["id"])}
        good = [row for row in rows if {row["source_chunk"], row["target_chunk"]} <= there]
        place.merge_connections(good)
    return len(good), len(rows) - len(good)
