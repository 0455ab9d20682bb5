"""reprocess_connections: connections found again; a person's judgements of them stay."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from jobctl.core.library import FoundConnection
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library
from jobctl.documents import relate
from jobctl.handlers.connections import comparison
from jobctl.handlers.connections.comparison import Comparison


class ReprocessConnections(Comparison):
    """Input of reprocess_connections."""

    document_id: int | None = Field(None, ge=1, description="Document whose connections are found again; default: all")
    mode: Literal["smart", "all", "add_new"] = Field(
        "smart",
        description="smart keeps judged connections unchanged; all finds every connection again, after a backup, and keeps the judgements; "
        "add_new compares documents newer than the last run",
    )


class Prepared(BaseModel):
    """What is compared with what."""

    sources: list[int]
    new: list[int]  # add_new: documents that came or changed since the last run
    thresholds: dict[str, float]
    skipped: int
    backup: str | None


class Reprocessed(BaseModel):
    """What the job reports."""

    document_id: int | None
    mode: str
    compared: int
    connections: int
    backup: str | None
    skipped_chunks: int


MODE_LABELS = {"smart": "Smart Mode", "all": "Reprocess All", "add_new": "Add New"}

pipeline = Pipeline(
    "reprocess_connections",
    label="Connections",
    args=ReprocessConnections,
    help="Find the connections of documents again.",
    title=comparison.title,
    library_title=comparison.library_title,
    mode=lambda args: MODE_LABELS[args.mode],
    key=comparison.key,
    example={"mode": "smart"},
)


@pipeline.stage(share=10, verb="Preparing")
def preparing(ctx: Context, args: ReprocessConnections) -> Prepared:
    """Sources, thresholds, and for ``all`` a backup that can be merged again."""
    comparison.require_document(ctx, args)
    documents = ctx.read().documents()
    sources, skipped = comparison.sources(ctx, args)
    new = [d.id for d in documents if d.connected_at is None or d.connected_at < d.updated_at]
    return Prepared(
        sources=sources,
        new=new if args.mode == "add_new" else [], thresholds=comparison.thresholds(ctx, args),
        skipped=skipped, backup=_backup(ctx) if args.mode == "all" else None,
    )  # fmt: skip


def _backup(ctx: Context) -> str:
    """All connections, in the storage; ``jobctl connections --restore KEY`` merges them again."""
    rows = [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in asdict(connection).items()
        }
        for connection in ctx.read().backup_connections()
    ]
    data = gzip.compress("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode(), mtime=0)
    key = f"backups/connections-{ctx.job_id}-{ctx.attempt}.jsonl.gz"
    ctx.storage.put(key, data)
    return key


@pipeline.batches(share=80, size=25, noun="chunk", over=lambda _, prepared: prepared.sources)
def comparing(ctx: Context, sources: Sequence[int]) -> list[FoundConnection]:
    """Connections of a batch of source chunks, by every engine; for ``add_new`` only those with a newer document."""
    prepared: Prepared = ctx.result("preparing")
    within = prepared.new if ctx.args.mode == "add_new" else None
    return comparison.compare(ctx, ctx.args, sources, prepared.thresholds, within)


@pipeline.stage(share=10, verb="Saving connections")
def saving(ctx: Context, connections: list[FoundConnection]) -> Reprocessed:
    """Replaces the old results in one transaction: there is no moment without connections."""
    prepared: Prepared = ctx.result("preparing")
    args: ReprocessConnections = ctx.args
    connections = relate.once(connections)

    def write(library: Library, document_ids: list[int] | None) -> None:
        if args.mode == "add_new":
            library.merge_connections(connections)
        else:
            library.replace_connections(document_ids, args.engines, connections, keep_judged=args.mode == "smart")

    comparison.save(ctx, args, write)
    return Reprocessed(
        document_id=args.document_id, mode=args.mode, compared=len(prepared.sources), connections=len(connections),
        backup=prepared.backup, skipped_chunks=prepared.skipped,
    )  # fmt: skip
