"""detect_connections: which passages of other documents belong to those of a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context
from jobctl.documents.relate import JoinedIndex, corpus


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


class Edge(BaseModel):
    """A connection, as it goes into the library."""

    source_chunk: int
    target_chunk: int
    type: str
    strength: float
    evidence: dict[str, Any]
    engine: str


class Detected(BaseModel):
    """What the job reports."""

    document_id: int | None
    compared: int
    connections: int
    thresholds: dict[str, float]
    skipped_chunks: int


pipeline = Pipeline(
    "detect_connections",
    args=DetectConnections,
    help="Compare the passages of a document with those of all others.",
    title=lambda args: f"document {args.document_id}" if args.document_id else "all documents",
    key=lambda args: f"connections:{args.document_id or 'all'}",
    example={"document_id": 1},
)


def _index(ctx: Context) -> tuple[JoinedIndex, int]:
    """All passages that the present embedding engine made, and how many others there are: they never mix."""
    engine = ctx.plugin("embedder").id
    rows = ctx.read().chunks(columns=["id", "document_id", "text", "vector", "themes", "polarity", "engine"])
    same = [row for row in rows if row["engine"] == engine]
    held = corpus(
        [row["id"] for row in same], [row["document_id"] for row in same], [row["text"] for row in same],
        [bytes(row["vector"]) for row in same], [row["themes"] for row in same], [row["polarity"] for row in same],
    )  # fmt: skip
    return JoinedIndex(held), len(rows) - len(same)


@pipeline.stage(share=10, verb="Preparing")
def preparing(ctx: Context, args: DetectConnections) -> Found:
    """What is compared, and the threshold of each engine."""
    if args.document_id is not None and ctx.read().document(args.document_id) is None:
        raise Invalid(f"there is no document {args.document_id}", hint="jobctl search TEXT shows documents")
    index, skipped = ctx.once("index", lambda: _index(ctx))
    thresholds = {
        name: args.threshold if args.threshold is not None else ctx.plugin("engine", name).calibrate(index)
        for name in args.engines
    }
    mine = [i for i, d in zip(index.corpus.ids, index.corpus.documents, strict=True) if args.document_id in (None, d)]
    return Found(sources=mine, thresholds=thresholds, skipped=skipped)


def _sources(ctx: Context, found: Found) -> list[tuple[JoinedIndex, int]]:
    """Each source chunk with the index it is compared in; one that went meanwhile is left out later."""
    index, _ = ctx.once("index", lambda: _index(ctx))
    return [(index, chunk) for chunk in found.sources]


@pipeline.batches(share=80, size=25, noun="chunk", over=_sources)
def comparing(ctx: Context, items: Sequence[tuple[JoinedIndex, int]]) -> list[Edge]:
    """Edges of a batch of source chunks, by every engine."""
    index = items[0][0]
    place = {chunk: i for i, chunk in enumerate(index.corpus.ids)}
    sources = [place[chunk] for _, chunk in items if chunk in place]
    found: Found = ctx.result("preparing")
    edges: list[Edge] = []
    for name in ctx.args.engines:
        engine = ctx.plugin("engine", name)
        threshold = found.thresholds[name]
        edges += [
            Edge(
                source_chunk=index.corpus.ids[edge.source], target_chunk=index.corpus.ids[edge.target], type=name,
                strength=edge.strength, evidence=edge.evidence, engine=f"{name}-{engine.version}@{threshold}",
            )
            for edge in engine.connect(index, sources, threshold=threshold, per_chunk=ctx.args.per_chunk)
        ]  # fmt: skip
    return edges


@pipeline.stage(share=10, verb="Saving connections")
def saving(ctx: Context, edges: list[Edge]) -> Detected:
    """New results for old, in one transaction."""
    found: Found = ctx.result("preparing")
    document_id: int | None = ctx.args.document_id
    rows = [edge.model_dump() for edge in edges]

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
