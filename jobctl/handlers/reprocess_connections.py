"""reprocess_connections: connections found anew, with everything kept that a person said of them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library
from jobctl.documents.relate import Connection, JoinedIndex, compare, indexed, thresholds


class ReprocessConnections(BaseModel):
    """Input of reprocess_connections."""

    model_config = ConfigDict(extra="forbid")

    document_id: int | None = Field(None, ge=1, description="Connections that start in this document; by default all")
    mode: Literal["smart", "all", "add_new"] = Field(
        "smart",
        description="smart leaves judged connections as they are; all finds everything anew, after a backup, and keeps the judgements; "
        "add_new looks at documents newer than the last run",
    )
    engines: list[str] = Field(["semantic_similarity"], min_length=1, description="Which engines look")
    per_chunk: int = Field(5, ge=1, le=100, description="Most connections a passage and engine")
    threshold: float | None = Field(None, ge=0, le=1, description="Least score; by default calibrated on this library")


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
    help="Find the connections of documents anew.",
    title=lambda args: f"document {args.document_id}" if args.document_id else "all documents",
    mode=lambda args: MODE_LABELS[args.mode],
    key=lambda args: f"connections:{args.document_id or 'all'}",
    example={"mode": "smart"},
)


def _index(ctx: Context) -> tuple[JoinedIndex, int]:
    held: tuple[JoinedIndex, int] = ctx.once("index", lambda: indexed(ctx.read(), ctx.plugin("embedder").id))
    return held


def _engines(ctx: Context) -> dict[str, Any]:
    return {name: ctx.plugin("engine", name) for name in ctx.args.engines}


@pipeline.stage(share=10, verb="Preparing")
def preparing(ctx: Context, args: ReprocessConnections) -> Prepared:
    """Sources, thresholds, and for ``all`` a backup that can be merged again."""
    documents = ctx.read().documents()
    wanted = {row["id"] for row in documents if args.document_id in (None, row["id"])}
    if not wanted and args.document_id is not None:
        raise Invalid(f"there is no document {args.document_id}", hint="jobctl search TEXT shows documents")
    index, skipped = _index(ctx)
    new = [row["id"] for row in documents if not row["connected_at"] or row["connected_at"] < row["updated_at"]]
    return Prepared(
        sources=[i for i, d in zip(index.corpus.ids, index.corpus.documents, strict=True) if d in wanted],
        new=new if args.mode == "add_new" else [], thresholds=thresholds(index, _engines(ctx), args.threshold),
        skipped=skipped, backup=_backup(ctx) if args.mode == "all" else None,
    )  # fmt: skip


def _backup(ctx: Context) -> str:
    """All connections, in the storage; ``jobctl connections --restore KEY`` merges them again."""
    rows = [
        {n: v.isoformat() if isinstance(v, datetime) else v for n, v in r.items()}
        for r in ctx.read().backup_connections()
    ]
    data = gzip.compress("".join(json.dumps(row, sort_keys=True) + "\n" for row in rows).encode(), mtime=0)
    key = f"backups/connections-{ctx.job_id}-{ctx.attempt}.jsonl.gz"
    ctx.storage.put(key, data)
    return key


@pipeline.batches(share=80, size=25, noun="chunk", over=lambda _, prepared: prepared.sources)
def comparing(ctx: Context, sources: Sequence[int]) -> list[Connection]:
    """Connections of a batch of source chunks, by every engine; for ``add_new`` only those with a newer document."""
    index, _ = _index(ctx)
    prepared: Prepared = ctx.result("preparing")
    edges = compare(index, _engines(ctx), sources, prepared.thresholds, ctx.args.per_chunk, ctx.plugin("judge"))
    if ctx.args.mode != "add_new":
        return edges
    document = dict(zip(index.corpus.ids, index.corpus.documents, strict=True))
    return [e for e in edges if {document[e.source_chunk], document[e.target_chunk]} & set(prepared.new)]


@pipeline.stage(share=10, verb="Saving connections")
def saving(ctx: Context, edges: list[Connection]) -> Reprocessed:
    """New results for old in one transaction: there is no moment without connections."""
    prepared: Prepared = ctx.result("preparing")
    mode, document_id = ctx.args.mode, ctx.args.document_id
    if document_id is not None and ctx.read().document(document_id) is None:
        raise Invalid(f"document {document_id} was deleted while this job ran")
    rows = [asdict(edge) for edge in edges]

    def write(library: Library) -> None:
        documents = None if document_id is None else [document_id]
        if mode == "add_new":
            library.merge_connections(rows)
        else:
            library.replace_connections(documents, ctx.args.engines, rows, keep_judged=mode == "smart")
        for known in library.documents(documents):
            library.connected(known["id"])

    ctx.write(write)
    if document_id is not None:
        ctx.about("document", document_id)
    return Reprocessed(
        document_id=document_id, mode=mode, compared=len(prepared.sources), connections=len(rows),
        backup=prepared.backup, skipped_chunks=prepared.skipped,
    )  # fmt: skip
