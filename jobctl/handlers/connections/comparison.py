"""What both job types share: input fields, the index of the library, engines, the end of the job."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.library import FoundConnection
from jobctl.core.ports import Context, Embedder, Library
from jobctl.core.titles import LibraryTitles
from jobctl.documents import relate
from jobctl.documents.relate import ConnectionEngine, Judge, Neighbourhoods


class Comparison(BaseModel):
    """Input of both job types: how passages are compared."""

    model_config = ConfigDict(extra="forbid")

    document_id: int | None = Field(None, ge=1, description="The document; default: all")
    engines: list[str] = Field(
        ["semantic_similarity"],
        min_length=1,
        description="Engines that compare; contradiction_detection and thematic_bridge need a judge",
    )
    per_chunk: int = Field(5, ge=1, le=100, description="Maximum connections per passage and engine")
    threshold: float | None = Field(None, ge=0, le=1, description="Minimum score; default: calibrated on this library")


def neighbourhoods(ctx: Context) -> Neighbourhoods:
    """Comparisons with what the library's index has; made once per attempt."""
    embedder: Embedder = ctx.plugin("embedder")
    return ctx.once("neighbourhoods", lambda: Neighbourhoods(ctx.read().index, embedder.id))


def sources(ctx: Context, args: Comparison) -> tuple[list[int], int]:
    """The passages of the input that can be compared, and how many the library has of other embedding engines."""
    index = ctx.read().index
    index.fill()
    return index.comparable(ctx.plugin("embedder").id, None if args.document_id is None else [args.document_id])


def thresholds(ctx: Context, args: Comparison) -> dict[str, float]:
    """The minimum score of each engine of the input."""
    return relate.thresholds(neighbourhoods(ctx).sample(), _engines(ctx, args), args.threshold)


def compare(
    ctx: Context, args: Comparison, sources: Sequence[int], thresholds: dict[str, float],
    within: Collection[int] | None = None,
) -> list[FoundConnection]:  # fmt: skip
    """Connections of source chunks (by id), by every engine of the input."""
    near = neighbourhoods(ctx).around(sources)
    return relate.compare(near, _engines(ctx, args), sources, thresholds, args.per_chunk, _judge(ctx), within=within)


def _judge(ctx: Context) -> Judge | None:
    judge: Judge | None = ctx.plugin("judge")
    return judge


def _engines(ctx: Context, args: Comparison) -> dict[str, ConnectionEngine]:
    """The engines of the input. Raises ``Invalid`` for one whose pairs are mostly wrong, where no model decides on them."""
    engines: dict[str, ConnectionEngine] = {name: ctx.plugin("engine", name) for name in args.engines}
    judge = _judge(ctx)
    for name, engine in engines.items():
        if getattr(engine, "needs_judge", False) and (judge is None or name not in judge.engines):
            raise Invalid(f"{name} needs a judge (JOBCTL_JUDGE=openai): without one most of what it finds is wrong")
    return engines


def require_document(ctx: Context, args: Comparison) -> None:
    """Raises ``Invalid`` when the document of the input does not exist."""
    if args.document_id is not None and ctx.read().document(args.document_id) is None:
        raise Invalid(f"no such document: {args.document_id}", hint="jobctl search TEXT shows documents")


def save(ctx: Context, args: Comparison, write: Callable[[Library, list[int] | None], None]) -> None:
    """Writes connections in the transaction that commits the stage; ``write`` receives the document ids, None: all."""
    if args.document_id is not None:
        if ctx.read().document(args.document_id) is None:
            raise Invalid(f"document {args.document_id} was deleted while this job ran")
        ctx.about("document", args.document_id)
    document_ids = None if args.document_id is None else [args.document_id]

    def write_all(library: Library) -> None:
        write(library, document_ids)
        for document in library.documents(document_ids):
            library.connected(document.id)

    ctx.write(write_all)


def title(args: Comparison) -> str:
    """What the job is about."""
    return f"document {args.document_id}" if args.document_id else "all documents"


def library_title(args: Comparison, library: LibraryTitles) -> str | None:
    """The title of the document."""
    return library.document_title(args.document_id) if args.document_id else None


def key(args: Comparison) -> str:
    """Jobs that write connections of the same document do not run at the same time."""
    return f"connections:{args.document_id or 'all'}"
