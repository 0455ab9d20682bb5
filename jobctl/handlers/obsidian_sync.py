"""obsidian_sync: what changed in a vault comes into the library, what changed here goes there, and nothing is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from os.path import abspath
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobctl.core.document import CleanText, passage
from jobctl.core.errors import Invalid
from jobctl.core.keys import markdown_key
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library, Row
from jobctl.documents import chunk as chunking
from jobctl.documents import clean as cleaning
from jobctl.documents import match
from jobctl.documents import vault as engine
from jobctl.documents.vault import Action, Note, Vault

MAX_TEXT = 256 << 20


class ObsidianSync(BaseModel):
    """Input of obsidian_sync."""

    model_config = ConfigDict(extra="forbid")

    vault: Annotated[str, AfterValidator(abspath)] = Field(
        min_length=1, description="The vault's folder, exported to before"
    )
    forget: list[int] = Field(
        [], description="Documents whose note was deleted on purpose: they leave the vault for good"
    )
    include_connections: bool = Field(True, description="Link connected passages in notes that are written")
    include_annotations: bool = Field(True, description="Show highlights and notes in them")


class Synced(BaseModel):
    """What became of a note."""

    document_id: int
    note: str
    outcome: str  # unchanged taken written conflict agreed missing forgotten failed
    reason: str = ""


class Report(BaseModel):
    """What the job reports."""

    vault: str
    counts: dict[str, int]
    attention: list[Synced]
    problems: list[str]


class Known(BaseModel):
    """A note that both sides know: where it is now, how links name it, and its body's digest before this job."""

    document_id: int
    path: str
    link: str
    before: str


class Plan(BaseModel):
    """The notes that both sides know."""

    notes: list[Known]
    problems: list[str]


pipeline = Pipeline(
    "obsidian_sync",
    label="Obsidian Sync",
    args=ObsidianSync,
    help="Carry changes between a vault and the library, both ways.",
    title=lambda args: Path(args.vault).name,
    key=lambda args: f"vault:{args.vault}",
    example={"vault": "notes"},
)


def _vault(ctx: Context) -> Vault:
    held: Vault = ctx.once("vault", lambda: Vault(ctx.allowed(ctx.args.vault)))
    return held


@pipeline.stage(share=10, verb="Looking at the vault", timeout="1h", cpu="20m")
def planning(ctx: Context, args: ObsidianSync) -> Plan:  # noqa: ARG001 - the shape of a first stage
    """Where each note is now: it may have been moved or renamed."""
    vault = _vault(ctx)
    known = ctx.read().synced(str(vault.root))
    if not known:
        raise Invalid(f"nothing was exported to {vault.root} yet", hint="jobctl submit obsidian_export --set vault=…")
    vault.scan(lambda n, all_: ctx.progress(f"Reading note {n:,} of {all_:,}", current=n, total=all_, unit="note"))
    uids = {row["id"]: str(row["uid"]) for row in ctx.read().documents()}
    paths = {
        row["document_id"]: vault.place(uids[row["document_id"]], row["note_path"]) or row["note_path"] for row in known
    }
    links = engine.link_names(paths.values(), vault.names())
    notes = [Known(document_id=i, path=p, link=links[p], before=_now(vault, p)) for i, p in paths.items()]
    return Plan(notes=notes, problems=vault.problems)


def _now(vault: Vault, path: str) -> str:
    """The digest of a note's body; empty where it has none, or can't be read."""
    try:
        body = engine.body_of(vault.read(path)) if vault.exists(path) else None
    except Invalid:
        return ""
    return "" if body is None else engine.digest(body)


@pipeline.batches(share=80, size=1, noun="document", over=lambda _, plan: plan.notes, verb="Syncing")
def syncing(ctx: Context, notes: Sequence[Known]) -> list[Synced]:
    """Note by note, three ways."""
    return [_sync(ctx, known) for known in notes]


def _agreed(ctx: Context, document_id: int) -> Row | None:
    """What vault and library agreed on before this attempt."""
    held: dict[int, Row] = ctx.once(
        "synced", lambda: {row["document_id"]: row for row in ctx.read().synced(str(_vault(ctx).root))}
    )
    return held.get(document_id)


def _sync(ctx: Context, known: Known) -> Synced:
    vault, document_id, path = _vault(ctx), known.document_id, known.path
    agreed, row = _agreed(ctx, document_id), ctx.read().document(document_id)
    if agreed is None or row is None:
        return Synced(document_id=document_id, note=path, outcome="failed", reason="the document was deleted")
    try:
        text = vault.read(path) if vault.exists(path) else None
        theirs = None if text is None else _body(text)
        now = None if theirs is None else engine.digest(theirs)
        action = engine.compare(agreed["library_hash"], now, row["markdown_sha256"])
        if action is Action.AGREED and known.before != now:  # an attempt that was killed had written it already
            action = Action.WRITE
        return _act(ctx, action, row, path, text or "", theirs or "", agreed)
    except Invalid as error:
        return Synced(document_id=document_id, note=path, outcome="failed", reason=f"{path}: {error}")


def _body(text: str) -> str:
    body = engine.body_of(text)
    if body is None:
        raise Invalid("its managed block is gone: restore it, or delete the note")
    return body


def _act(ctx: Context, action: Action, row: Row, path: str, text: str, theirs: str, agreed: Row) -> Synced:
    vault, document_id, reason = _vault(ctx), row["id"], ""
    if action is Action.MISSING:
        return _missing(ctx, row, path, agreed)
    ours = ctx.storage.get(row["markdown_key"], max_bytes=MAX_TEXT).decode()
    if action is Action.WRITE:
        vault.write(path, engine.update(text, _note(ctx, row, ours)))
        theirs = ours
    if action is Action.CONFLICT:
        copy = _beside(vault, path, engine.render(Note(str(row["uid"]), row["title"], row["author"], ours)))
        reason = f"both sides changed: the library's text is in {copy}, the vault's was taken"
    if action in (Action.TAKE, Action.CONFLICT):
        _take(ctx, row, theirs)
    now = {
        "document_id": document_id, "vault": str(vault.root), "note_path": path, "note_hash": engine.digest(vault.read(path)),
        "library_hash": engine.digest(theirs), "body": "", "missing_since": None,
    }  # fmt: skip
    if action is not Action.UNCHANGED or agreed["note_path"] != path or agreed["missing_since"]:
        ctx.write(lambda library: library.sync(now))
    return Synced(document_id=document_id, note=path, outcome=str(action), reason=reason)


def _missing(ctx: Context, row: Row, path: str, agreed: Row) -> Synced:
    """A tombstone; only a person makes it a departure."""
    vault = str(_vault(ctx).root)
    if row["id"] in ctx.args.forget:
        ctx.write(lambda library: library.unsync(row["id"], vault))
        return Synced(document_id=row["id"], note=path, outcome="forgotten")
    if not agreed["missing_since"]:
        stone = {**agreed, "missing_since": datetime.now(UTC)}
        stone.pop("synced_at")
        ctx.write(lambda library: library.sync(stone))
    why = f"the note is gone: restore it, or submit again with forget=[{row['id']}]; the document stays in the library"
    return Synced(document_id=row["id"], note=path, outcome=str(Action.MISSING), reason=why)


def _note(ctx: Context, row: Row, body: str) -> Note:
    """The note as an export would write it: the library's text, with links and highlights."""
    plan: Plan = ctx.result("planning")
    names = {known.document_id: known.link for known in plan.notes}
    with_ = {"connections": ctx.args.include_connections, "annotations": ctx.args.include_annotations}
    return engine.compose(ctx.read(), row, body, names, **with_)


def _beside(vault: Vault, path: str, text: str) -> str:
    """A conflict copy under a name of its own; the same copy is not written twice."""
    place = PurePosixPath(path)
    text = text.replace("jobctl-id: ", "jobctl-conflict: ")  # a copy is nobody's note
    for number in range(1, 100):
        mark = f"conflict {datetime.now(UTC).date()}" + (f" {number}" if number > 1 else "")
        copy = str(place.with_name(f"{place.stem} ({mark}).md"))
        if not vault.exists(copy) or vault.read(copy) == text:
            vault.write(copy, text)
            return copy
    raise Invalid("there are a hundred conflict copies: clear them up first")


def _take(ctx: Context, row: Row, body: str) -> None:
    """The vault's text becomes a new generation: cut, enriched and embedded again, everything a person did carried over."""
    outline = cleaning.outline(body)
    text = CleanText(body, [], outline)
    spans = chunking.chunk(text)
    if not spans:
        raise Invalid("the note's text is empty: the library keeps what it has")
    enricher = ctx.plugin("enricher").over([span.text for span in spans])
    embedder = ctx.plugin("embedder")
    vectors = embedder.embed([span.text for span in spans])
    rows = [passage(span, enricher.enrich(span.index), vector) for span, vector in zip(spans, vectors, strict=True)]
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    key = markdown_key(sha256)
    if not ctx.storage.exists(key):
        ctx.storage.put(key, body.encode())
    fields = {
        "uid": str(row["uid"]), "title": row["title"], "source_type": row["source_type"], "engine": embedder.id,
        "markdown_key": key, "markdown_sha256": sha256, "word_count": len(body.split()),
        "outline": [{"level": h.level, "title": h.title, "start": h.start} for h in outline],
    }  # fmt: skip

    def write(library: Library) -> None:
        match.save(library, fields, rows, body)

    ctx.write(write)


@pipeline.stage(share=10, verb="Reporting")
def reporting(ctx: Context, synced: list[Synced]) -> Report:
    """Counts, and what needs a person."""
    counts: dict[str, int] = {}
    for one in synced:
        counts[one.outcome] = counts.get(one.outcome, 0) + 1
    plan: Plan = ctx.result("planning")
    attention = [s for s in synced if s.outcome in ("conflict", "missing", "failed")]
    return Report(vault=str(_vault(ctx).root), counts=counts, attention=attention, problems=plan.problems)
