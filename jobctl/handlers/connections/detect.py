"""detect_connections: which passages of other documents belong to those of a document."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, Field

from jobctl.core.library import FoundConnection
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library
from jobctl.documents import relate
from jobctl.handlers.connections import comparison
from jobctl.handlers.connections.comparison import Comparison


class DetectConnections(Comparison):
    """Input of detect_connections."""

    document_id: int | None = Field(None, ge=1, description="Document whose passages are compared; default: all")


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
    title=comparison.title,
    library_title=comparison.library_title,
    key=comparison.key,
    example={"document_id": 1},
)


@pipeline.stage(share=10, verb="Preparing")
def preparing(ctx: Context, args: DetectConnections) -> Found:
    """What is compared, and the threshold of each engine."""
    comparison.require_document(ctx, args)
    own, skipped = comparison.sources(ctx, args)
    return Found(sources=own, thresholds=comparison.thresholds(ctx, args), skipped=skipped)


@pipeline.batches(share=80, size=25, noun="chunk", over=lambda _, found: found.sources)
def comparing(ctx: Context, sources: Sequence[int]) -> list[FoundConnection]:
    """Connections of a batch of source chunks, by every engine."""
    found: Found = ctx.result("preparing")
    return comparison.compare(ctx, ctx.args, sources, found.thresholds)


@pipeline.stage(share=10, verb="Saving connections")
def saving(ctx: Context, connections: list[FoundConnection]) -> Detected:
    """Replaces the old results in one transaction."""
    found: Found = ctx.result("preparing")
    args: DetectConnections = ctx.args
    connections = relate.once(connections)

    def write(library: Library, document_ids: list[int] | None) -> None:
        library.replace_connections(document_ids, args.engines, connections)

    comparison.save(ctx, args, write)
    return Detected(
        document_id=args.document_id, compared=len(found.sources), connections=len(connections),
        thresholds=found.thresholds, skipped_chunks=found.skipped,
    )  # fmt: skip
