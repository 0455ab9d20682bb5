"""detect_connections: which passages of other documents belong to those of a document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context
from jobctl.documents.relate import Connection, JoinedIndex, compare, indexed, thresholds


class DetectConnections(BaseModel):
    """Input of detect_connections."""

    model_config = ConfigDict(extra="forbid")

    document_id: int | None = Field(None, ge=1, description="Whose passages to start from; by default all documents")
    engines: list[str] = Field(["semantic_similarity"], min_length=1, description="Which engines look")
    per_chunk: int = Field(5, ge=1, le=100, description="Most connections a passage and engine")
    threshold: float | None = Field(None, ge=0, le=1, description="Least score; by default calibrated on this library")


class Found(BaseModel):
    """What the comparison is prepared with."""

    sources: list[int]
    thresholds: dict[str, float]
    skipped: int


class Detected(BaseModel):
    """What the job reports."""

    document_id: int | None
    compared: int
    connections: int
    thresholds: dict[str, float]
    skipped_chunks: int


pipeline = Pipeline(
    "detect_connections",
    label="Detecting",
    args=DetectConnections,
    help="Compare the passages of a document with those of all others.",
    title=lambda args: f"document {args.document_id}" if args.document_id else "all documents",
    key=lambda args: f"connections:{args.document_id or 'all'}",
    example={"document_id": 1},
)


def _index(ctx: Context) -> tuple[JoinedIndex, int]:
    held: tuple[JoinedIndex, int] = ctx.once("index", lambda: indexed(ctx.read(), ctx.plugin("embedder").id))
    return held


def _engines(ctx: Context) -> dict[str, Any]:
    return {name: ctx.plugin("engine", name) for name in ctx.args.engines}


@pipeline.stage(share=10, verb="Preparing")
def preparing(ctx: Context, args: DetectConnections) -> Found:
    """What is compared, and the threshold of each engine."""
    if args.document_id is not None and ctx.read().document(args.document_id) is None:
        raise Invalid(f"there is no document {args.document_id}", hint="jobctl search TEXT shows documents")
    index, skipped = _index(ctx)
    mine = [i for i, d in zip(index.corpus.ids, index.corpus.documents, strict=True) if args.document_id in (None, d)]
    return Found(sources=mine, thresholds=thresholds(index, _engines(ctx), args.threshold), skipped=skipped)


@pipeline.batches(share=80, size=25, noun="chunk", over=lambda _, found: found.sources)
def comparing(ctx: Context, sources: Sequence[int]) -> list[Connection]:
    """Connections of a batch of source chunks, by every engine."""
    found: Found = ctx.result("preparing")
    return compare(_index(ctx)[0], _engines(ctx), sources, found.thresholds, ctx.args.per_chunk, ctx.plugin("judge"))


@pipeline.stage(share=10, verb="Saving connections")
def saving(ctx: Context, edges: list[Connection]) -> Detected:
    """New results for old, in one transaction."""
    found: Found = ctx.result("preparing")
    document_id: int | None = ctx.args.document_id
    if document_id is not None and ctx.read().document(document_id) is None:
        raise Invalid(f"document {document_id} was deleted while this job ran")
    rows = [asdict(edge) for edge in edges]

    def write(library: Any) -> None:
        documents = None if document_id is None else [document_id]
        library.replace_connections(documents, ctx.args.engines, rows)
        for known in library.documents(documents):
            library.connected(known["id"])

    ctx.write(write)
    if document_id is not None:
        ctx.about("document", document_id)
    return Detected(
        document_id=document_id, compared=len(found.sources), connections=len(rows), thresholds=found.thresholds,
        skipped_chunks=found.skipped,
    )  # fmt: skip
