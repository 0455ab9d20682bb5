"""readwise_import: highlights from Readwise or a Kindle, each at its position in its document, or in the review."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from jobctl.core.bounds import MAX_TEXT
from jobctl.core.credentials import credential
from jobctl.core.errors import CheckpointMissing, Permanent
from jobctl.core.keys import work_key
from jobctl.core.library import NewAnnotation
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library
from jobctl.documents import match
from jobctl.documents.readwise import Api, ReadwiseBook, books, near, read
from jobctl.system import clock
from jobctl.system.environment import variables


class ReadwiseImport(BaseModel):
    """Input of readwise_import."""

    model_config = ConfigDict(extra="forbid")

    path: str | None = Field(
        None, description="The CSV export, the JSON of the export API, or My Clippings.txt; without it, the API itself"
    )
    updated_after: datetime | None = Field(
        None, description="API: only changes since then (``started_at`` of an earlier result)"
    )
    token_variable: str = Field(
        "READWISE_TOKEN",
        pattern=r"^READWISE_[A-Z0-9_]+$",
        description="API: the environment variable of the worker that has the token",
    )


class Marked(BaseModel):
    """A highlight with its book and the document it may belong to."""

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
    highlighted_at: datetime | None = None  # not in the checkpoints of older versions
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
    help="Place highlights from Readwise or a Kindle in the documents of the library.",
    title=lambda args: PurePath(args.path).name if args.path else "from the API",
    key=lambda _: "readwise",
    input_files=["path"],
    environment=["READWISE_*"],
    example={"path": "readwise.csv"},
)


class Fetched(BaseModel):
    """Books as they were read, and when the first page was requested."""

    started_at: str
    books: list[ReadwiseBook]


class Page(BaseModel):
    """A page of the API as it is stored, so that no attempt requests it again."""

    payload: Any = Field(validation_alias=AliasChoices("payload", "told"))  # pages of older versions have the latter
    next: str | None
    started: str


@pipeline.stage(share=30, verb="Reading highlights", timeout="1h", cpu="20m", on_timeout="transient")
def reading(ctx: Context, args: ReadwiseImport) -> Fetched:
    """From the file, or page by page from the API; each page is stored at once, so that none is requested twice."""
    if args.path:
        return Fetched(started_at=clock.now().isoformat(), books=read(ctx.open(args.path).read_bytes()))
    token = credential(args.token_variable, variables)
    if not token:
        raise Permanent(f"{args.token_variable} is not set for the worker", hint="readwise.io/access_token has it.")
    api = Api(token, base=ctx.settings["readwise_url"])  # the worker's, not the submitter's: the token goes there
    try:
        return _pages(ctx, api)
    finally:
        api.close()


def _pages(ctx: Context, api: Api) -> Fetched:
    found: list[ReadwiseBook] = []
    cursor, number, started = None, 0, clock.now().isoformat()
    after = ctx.args.updated_after.isoformat() if ctx.args.updated_after else None
    while True:
        page = _stored_page(ctx, number)
        if page is None:
            ctx.check_interrupt()
            payload, following = api.page(cursor, after)
            page = Page(payload=payload, next=following, started=started)
            ctx.storage.put(_key(ctx, number), json.dumps(page.model_dump()).encode())
        started = page.started if number == 0 else started
        found += books(page.payload)
        cursor, number = page.next, number + 1
        ctx.progress(f"Reading page {number:,}, {sum(len(b.highlights) for b in found):,} highlights so far")
        if not cursor:
            return Fetched(started_at=started, books=found)


def _key(ctx: Context, number: int) -> str:
    return work_key(ctx.job_id, f"{number:06d}.json")


def _stored_page(ctx: Context, number: int) -> Page | None:
    """A page that an earlier attempt stored."""
    try:
        return Page.model_validate_json(ctx.storage.get(_key(ctx, number), max_bytes=MAX_TEXT))
    except CheckpointMissing:
        return None


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
                author=book.author, origin=h.origin, deleted=h.deleted, whole=h.whole,
                highlighted_at=h.highlighted_at, document_id=found.document_id, sure=found.sure,
            )
            for h in book.highlights
        ]  # fmt: skip
    first = {(one.document_id, one.id): one for one in reversed(marked)}  # once each, however often it is listed
    return sorted(first.values(), key=lambda m: (m.document_id or 0, m.book, m.id))


@pipeline.batches(share=50, size=50, noun="highlight", verb="Placing")
def placing(ctx: Context, marked: Sequence[Marked]) -> list[Outcome]:
    """An annotation, a line of the review, a wait for the document, or a failure."""
    decided = [(highlight, _decide(ctx, highlight)) for highlight in marked]
    ctx.write(lambda library: _write(library, [decision for _, decision in decided]))
    return [Outcome(id=m.id, outcome=d.outcome, book=m.book[:200], text=m.text[:200]) for m, d in decided]


def _write(library: Library, decisions: Sequence[match.Decision]) -> None:
    for decision in decisions:
        decision.write(library)


def _decide(ctx: Context, marked: Marked) -> match.Decision:
    highlight = match.Highlight(**marked.model_dump(exclude={"document_id", "sure"}))
    text = _text(ctx, marked.document_id) if marked.document_id is not None else None
    if marked.document_id is None or text is None:
        return match.withdraw(highlight) if highlight.deleted else match.wait(highlight)
    return match.decide(marked.document_id, text.annotations, text.folded, highlight, sure=marked.sure)


@dataclass(frozen=True)
class Text:
    """The text of a document, folded, and its annotations as ``match.decide`` takes them."""

    folded: match.FoldedText
    annotations: dict[str, NewAnnotation]


def _text(ctx: Context, document_id: int) -> Text | None:
    """The text of a document; only the latest is kept: highlights come document by document."""
    latest: dict[int, Text] = ctx.once("folded", dict)
    if document_id not in latest:
        latest.clear()
        document = ctx.read().document(document_id)
        if document is None:
            return None
        markdown = ctx.storage.get(document.markdown_key, max_bytes=MAX_TEXT).decode()
        annotations = match.known_rows(ctx.read().annotations(document_id))
        latest[document_id] = Text(match.FoldedText(markdown), annotations)
    return latest[document_id]


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
