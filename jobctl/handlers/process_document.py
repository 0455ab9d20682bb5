"""process_document: a file becomes a searchable, connected document of the library."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.account import Account
from jobctl.core.document import (
    CleanText,
    Enricher,
    Enrichment,
    OpenSource,
    Part,
    PassageEnricher,
    SourceInfo,
    Span,
    passage,
)
from jobctl.core.errors import Invalid
from jobctl.core.keys import markdown_key, source_key
from jobctl.core.library import Document, DocumentFields
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Embedder, Library
from jobctl.documents import chunk as chunking_engine
from jobctl.documents import clean as cleaning_engine
from jobctl.documents import match
from jobctl.documents.extract import detect

NAMESPACE = uuid.UUID("0b9d7f4e-5e0c-5f0e-9a3e-6a6f62637463")
"""Documents are named by their source: the same file has the same uid in every library."""


class ProcessDocument(BaseModel):
    """Input of process_document."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(description="The document: PDF, EPUB, DOCX, HTML, Markdown or text", min_length=1)
    title: str | None = Field(None, description="Title; default: the title in the document, else the file name")
    source_type: Literal["pdf", "epub", "docx", "html", "markdown", "text"] | None = Field(
        None, description="Format; default: detected from the content"
    )
    chunk_size: int = Field(2000, ge=200, le=20_000, description="Maximum characters per passage")
    language: str | None = Field(None, pattern=r"^[a-z]{2}$", description="Two-letter code; default: detected")
    detect_connections: bool = Field(True, description="Find connections to other documents afterwards")
    force: bool = Field(False, description="Process again even if this file is already in the library")
    strict: bool = Field(
        False,
        description="Fail instead of warn when text is missing: pages without text, missing chapters, an uncertain encoding",
    )


class Cleaned(BaseModel):
    """What cleanup keeps."""

    info: SourceInfo
    text: CleanText
    title: str
    language: str | None


class Saved(BaseModel):
    """What the job reports."""

    document_id: int | None
    uid: str
    title: str
    source_type: str
    pages: int | None
    words: int
    chunks: int
    engine: str
    unchanged: bool = False
    account: Account | None = None  # what of the source is not in the stored text; None for an unchanged document


pipeline = Pipeline(
    "process_document",
    label="Processing",
    args=ProcessDocument,
    help="Extract, clean, cut, enrich, embed and save one document.",
    title=lambda args: args.title or Path(args.path).name,
    input_files=["path"],
    example={"path": "tests/data/lighthouse.md"},
)


def _parts(ctx: Context, args: ProcessDocument) -> list[tuple[OpenSource, int]]:
    """Pages or chapters by number, with the source they are read from; a file that is known has none to read."""
    if _known(ctx, args) is not None:
        return []
    source = _opened(ctx)
    ctx.count_as(source.info.part_noun)
    return [(source, number) for number in range(source.info.part_count)]


def _opened(ctx: Context) -> OpenSource:
    """The source, opened once an attempt by the extractor of its format."""

    def opened() -> OpenSource:
        path = ctx.open(ctx.args.path)
        source: OpenSource = ctx.plugin("extractor", ctx.args.source_type or detect(path)).open(path)
        return source

    return ctx.once("source", opened)


def _digest(ctx: Context, args: ProcessDocument) -> str:
    with ctx.open(args.path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _known(ctx: Context, args: ProcessDocument) -> Document | None:
    """The document of this file, unless it is to be processed again."""
    return None if args.force else ctx.read().document_with_source(_digest(ctx, args))


@pipeline.batches(share=35, size=32, noun="part", over=_parts, verb="Extracting", timeout="30m", cpu="20m")
def extraction(_ctx: Context, parts: Sequence[tuple[OpenSource, int]]) -> list[Part]:
    """Pages or chapters, as the format has them."""
    return [source.part(number) for source, number in parts]


@pipeline.stage(share=5, verb="Cleaning up", timeout="10m", cpu="5m")
def cleanup(ctx: Context, parts: list[Part]) -> Cleaned | None:
    """The Markdown that is stored; nothing for a file that is known."""
    if not parts:
        return None
    info = _opened(ctx).info
    text = cleaning_engine.clean(info, parts)
    _report(ctx, text.account)
    title = ctx.args.title or cleaning_engine.title_of(info, parts, text.outline, ctx.name(ctx.args.path))
    language = ctx.args.language or info.language or cleaning_engine.language(text.markdown)
    return Cleaned(info=info, text=text, title=" ".join(title.split())[:512], language=language)


def _report(ctx: Context, account: Account) -> None:
    """Logs what was left out. Raises ``Invalid`` for a strict job whose document has a warning."""
    warnings = account.warnings()
    if warnings and ctx.args.strict:
        raise Invalid(
            f"{ctx.name(ctx.args.path)}: {'; '.join(warnings)}", hint="Without strict=true this is a warning."
        )
    for sentence in warnings:
        ctx.log(sentence, level="warning")
    for sentence in account.notes():
        ctx.log(sentence)


@pipeline.stage(share=5, timeout="10m", cpu="5m")
def chunking(ctx: Context, cleaned: Cleaned | None) -> list[Span]:
    """Passages with exact offsets."""
    return [] if cleaned is None else chunking_engine.chunk(cleaned.text, size=ctx.args.chunk_size)


def _enriching(ctx: Context, spans: list[Span]) -> list[tuple[PassageEnricher, int]]:
    """Each passage with what knows the whole document."""
    enricher: Enricher = ctx.plugin("enricher")
    enriched = enricher.over([span.text for span in spans])
    return [(enriched, index) for index in range(len(spans))]


@pipeline.batches(share=10, size=10, noun="chunk", over=_enriching, verb="Enriching")
def enrichment(_ctx: Context, items: Sequence[tuple[PassageEnricher, int]]) -> list[Enrichment]:
    """Key phrases, lead sentences, centrality, polarity."""
    return [enricher.enrich(index) for enricher, index in items]


@pipeline.batches(share=25, size=50, noun="chunk", over=lambda ctx, _: ctx.result("chunking"))
def embedding(ctx: Context, spans: Sequence[Span]) -> list[bytes]:
    """A vector a passage."""
    embedder: Embedder = ctx.plugin("embedder")
    return embedder.embed([span.text for span in spans])


@pipeline.stage(share=10)
def saving(ctx: Context, vectors: list[bytes]) -> Saved:
    """Everything into the library, in the transaction that commits this stage."""
    cleaned: Cleaned | None = ctx.result("cleanup")
    if cleaned is None:
        return _unchanged(ctx)
    spans: list[Span] = ctx.result("chunking")
    enriched: list[Enrichment] = ctx.result("enrichment")
    markdown = cleaned.text.markdown.encode()
    sha256 = hashlib.sha256(markdown).hexdigest()
    key = markdown_key(sha256)
    if not ctx.storage.exists(key):
        ctx.storage.put(key, markdown)
    source = _digest(ctx, ctx.args)
    saved = Saved(
        document_id=None, uid=str(uuid.uuid5(NAMESPACE, source)), title=cleaned.title,
        source_type=cleaned.info.source_type, pages=cleaned.info.page_count, words=len(cleaned.text.markdown.split()),
        chunks=len(spans), engine=ctx.plugin("embedder").id,
        account=cleaned.text.account,
    )  # fmt: skip
    fields: DocumentFields = {
        "uid": saved.uid, "title": saved.title, "source_type": saved.source_type, "engine": saved.engine,
        "markdown_key": key, "markdown_sha256": sha256,
        "author": cleaned.info.author, "source_name": ctx.name(ctx.args.path), "source_sha256": source,
        "source_key": source_key(source), "language": cleaned.language,
        "page_count": cleaned.info.page_count, "word_count": saved.words,
        "outline": [{"level": h.level, "title": h.title, "start": h.start} for h in cleaned.text.outline],
        "frontmatter": cleaned.info.properties,
    }  # fmt: skip
    rows = [passage(*both) for both in zip(spans, enriched, vectors, strict=True)]

    def write(library: Library) -> None:
        match.arrived(library, match.save(library, fields, rows, cleaned.text.markdown), cleaned.text.markdown)

    ctx.write(write)
    return saved


def _unchanged(ctx: Context) -> Saved:
    """The library has this file already."""
    known = _known(ctx, ctx.args)
    if known is None:  # it was deleted while this job ran: the next attempt would read it anew
        raise Invalid("the document was deleted while this job ran", hint="Submit it again.")
    return Saved(
        document_id=known.id, uid=known.uid, title=known.title, source_type=known.source_type, pages=known.page_count,
        words=known.word_count, chunks=len(ctx.read().chunk_positions([known.id])), engine=known.engine, unchanged=True,
    )  # fmt: skip


@pipeline.stage(share=10, verb="Connecting")
def connections(ctx: Context, saved: Saved) -> Saved:
    """Submits the search for connections, once."""
    document = ctx.read().document_with_uid(saved.uid)
    if document is None:
        raise Invalid("the document was deleted while this job ran", hint="Submit it again.")
    ctx.about("document", document.id)
    if ctx.args.detect_connections and not saved.unchanged:
        ctx.submit("detect_connections", {"document_id": document.id}, title=saved.title)
    return saved.model_copy(update={"document_id": document.id})
