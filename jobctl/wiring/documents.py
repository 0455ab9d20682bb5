"""Uses of the library without a job: reviews, backups."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from jobctl.client import Client
from jobctl.core.library import JudgedConnection
from jobctl.core.ports import Library
from jobctl.wiring.configuration import Settings
from jobctl.wiring.extras import needs_documents
from jobctl.wiring.plugins import storage


def library(client: Client) -> Library:
    """The document library on the client's connection."""
    from jobctl.postgres.library import Libraries

    return Libraries()(client.queue.connection)


@needs_documents("review")
def decide(client: Client, review_id: int, *, accept: bool) -> bool:
    """Records a person's decision on a line of the review, and does it; False when there is no such line."""
    from jobctl.documents import match

    with client.queue.transaction():
        documents = library(client)
        if accept and all(
            item.id != review_id for item in documents.reviews()
        ):  # a waiting highlight has no position yet
            return False
        item = documents.decide(review_id, "accepted" if accept else "rejected")
        if item is not None and accept:
            match.accept(documents, item)
    return item is not None


@needs_documents("connections --restore")
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
    saved = [_saved(json.loads(line)) for line in gzip.decompress(data).splitlines()]
    with client.queue.transaction():
        documents = library(client)
        existing = {chunk.id for chunk in documents.chunk_positions()}
        whole = [one for one in saved if {one.source_chunk, one.target_chunk} <= existing]
        documents.merge_connections(whole)
    return len(whole), len(saved) - len(whole)


def _saved(row: dict[str, Any]) -> JudgedConnection:
    """A line of a backup; times are in ISO 8601."""
    times = {name: datetime.fromisoformat(row[name]) if row[name] else None for name in ("judged_at", "created_at")}
    return JudgedConnection(**(row | times))
