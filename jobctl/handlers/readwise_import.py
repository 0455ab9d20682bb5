"""readwise_import: highlights from Readwise, each at its place in its document, or before a person."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.credentials import credential
from jobctl.core.errors import CheckpointMissing, Permanent
from jobctl.core.keys import work_key
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library, Row
from jobctl.documents import match
from jobctl.documents.readwise import Api, ReadwiseBook, books, near, read

MAX_TEXT = 256 << 20


class ReadwiseImport(BaseModel):
    """Input of readwise_import."""

    model_config = ConfigDict(extra="forbid")

    path: str | None = Field(
        None, description="The CSV export, or the JSON of the export API; without it, the API itself"
    )
    updated_after: datetime | None = Field(
        None, description="API: only what changed since; an earlier result has its start"
    )
    token_variable: str = Field(
        "READWISE_TOKEN", pattern=r"^READWISE_[A-Z0-9_]+$", description="API: the worker's variable with the token"
    )


class Marked(BaseModel):
    """A highlight with its book, ready to be placed."""

    id: str
    text: str
    note: str | None
    colour: str | None
    tags: list[str]
    near: float | None
    book: str
    author: str | None
    origin: str | None
    deleted: bool
    whole: bool
    document_id: int | None
    sure: bool


class Outcome(BaseModel):
    """What became of a highlight."""

    id: str
    outcome: str  # placed review failed waiting known updated deleted
    book: str
    text: str


class Imported(BaseModel):
    """What the job reports."""

    started_at: str
    books: int
    highlights: int
    placed: int
    review: int
    failed: int
    waiting: int
    known: int
    updated: int
    deleted: int
    not_placed: list[Outcome]


pipeline = Pipeline(
    "readwise_import",
    label="Readwise Import",
    args=ReadwiseImport,
    help="Place highlights from Readwise in the documents of the library.",
    title=lambda args: PurePath(args.path).name if args.path else "from the API",
    key=lambda _: "readwise",
    input_files=["path"],
    example={"path": "readwise.csv"},
)


class Fetched(BaseModel):
    """Books as they came, and when the first was asked for."""

    started_at: str
    books: list[ReadwiseBook]


@pipeline.stage(share=30, verb="Reading highlights", timeout="1h", cpu="20m", on_timeout="transient")
def reading(ctx: Context, args: ReadwiseImport) -> Fetched:
    """From the file, or page by page from the API; each page is kept at once, so that none is asked for twice."""
    if args.path:
        return Fetched(started_at=datetime.now(UTC).isoformat(), books=read(ctx.open(args.path).read_bytes()))
    token = credential(args.token_variable, os.environ)
    if not token:
        raise Permanent(f"{args.token_variable} is not set for the worker", hint="readwise.io/access_token has it.")
    api = Api(token, base=ctx.settings["readwise_url"])  # the worker's, not the submitter's: the token goes there
    try:
        return _pages(ctx, api)
    finally:
        api.close()


def _pages(ctx: Context, api: Api) -> Fetched:
    found: list[ReadwiseBook] = []
    cursor, number, started = None, 0, datetime.now(UTC).isoformat()
    after = ctx.args.updated_after.isoformat() if ctx.args.updated_after else None
    while True:
        kept = _kept(ctx, number)
        if kept is None:
            ctx.check_interrupt()
            told, following = api.page(cursor, after)
            kept = {"told": told, "next": following, "started": started}
            ctx.storage.put(_key(ctx, number), json.dumps(kept).encode())
        started = kept["started"] if number == 0 else started
        found += books(kept["told"])
        cursor, number = kept["next"], number + 1
        ctx.progress(f"Reading page {number:,}, {sum(len(b.highlights) for b in found):,} highlights so far")
        if not cursor:
            return Fetched(started_at=started, books=found)


def _key(ctx: Context, number: int) -> str:
    return work_key(ctx.job_id, f"{number:06d}.json")


def _kept(ctx: Context, number: int) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(ctx.storage.get(_key(ctx, number), max_bytes=MAX_TEXT))
    except CheckpointMissing:
        return None
    return found


@pipeline.stage(share=10, verb="Finding the books")
def matching(ctx: Context, fetched: Fetched) -> list[Marked]:
    """The document of each book: the best one, and whether that is certain. By document, so that each text is read once."""
    documents = ctx.read().documents()
    marked: list[Marked] = []
    for book in fetched.books:
        found = match.which(book.title, book.author, documents)
        marked += [
            Marked(
                id=h.id, text=h.text, note=h.note, colour=h.colour, tags=h.tags, near=near(book, h), book=book.title,
                author=book.author, origin=h.origin, deleted=h.deleted, whole=h.whole, document_id=found.document_id,
                sure=found.sure,
            )
            for h in book.highlights
        ]  # fmt: skip
    first = {(one.document_id, one.id): one for one in reversed(marked)}  # once each, however often it is listed
    return sorted(first.values(), key=lambda m: (m.document_id or 0, m.book, m.id))


@pipeline.batches(share=50, size=50, noun="highlight", verb="Placing")
def placing(ctx: Context, marked: Sequence[Marked]) -> list[Outcome]:
    """An annotation, a line of the review, a wait for the document, or a failure."""
    decided = [(one, _decide(ctx, one)) for one in marked]
    ctx.write(lambda library: _write(library, [decision for _, decision in decided]))
    return [Outcome(id=m.id, outcome=d.outcome, book=m.book[:200], text=m.text[:200]) for m, d in decided]


def _write(library: Library, decisions: Sequence[match.Decision]) -> None:
    for decision in decisions:
        decision.write(library)


def _decide(ctx: Context, one: Marked) -> match.Decision:
    told = one.model_dump(exclude={"document_id", "sure"})
    held = _folded(ctx, one.document_id) if one.document_id is not None else None
    if one.document_id is None or held is None:
        return match.withdraw(told) if one.deleted else match.wait(told)
    return match.decide(one.document_id, held[1], held[0], told, sure=one.sure)


def _folded(ctx: Context, document_id: int) -> tuple[match.FoldedText, dict[str, Row]] | None:
    """The text of a document, folded, and its annotations; the one before is forgotten: they come document by document."""
    held: dict[int, tuple[match.FoldedText, dict[str, Row]]] = ctx.once("folded", dict)
    if document_id not in held:
        held.clear()
        document = ctx.read().document(document_id)
        if document is None:
            return None
        text = ctx.storage.get(document["markdown_key"], max_bytes=MAX_TEXT).decode()
        held[document_id] = (
            match.FoldedText(text),
            match.known_rows(ctx.read().annotations(document_id)),
        )
    return held[document_id]


@pipeline.stage(share=10, verb="Reporting")
def reporting(ctx: Context, outcomes: list[Outcome]) -> Imported:
    """Counts, and what was not placed."""
    fetched: Fetched = ctx.result("reading")
    count = {
        kind: sum(o.outcome == kind for o in outcomes)
        for kind in ("placed", "review", "failed", "waiting", "known", "updated", "deleted")
    }
    rest = [o for o in outcomes if o.outcome in ("review", "failed", "waiting")]
    return Imported(
        started_at=fetched.started_at,
        books=len(fetched.books),
        highlights=len(outcomes),
        not_placed=rest[:100],
        **count,
    )
