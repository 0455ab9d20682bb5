"""obsidian_sync: changes in a vault are applied to the library and changes in the library to the vault; nothing is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from os.path import abspath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from jobctl.core.document import CleanText, Enricher, passage
from jobctl.core.errors import Invalid
from jobctl.core.keys import markdown_key
from jobctl.core.library import Document, DocumentFields, VaultSync
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Embedder, Library
from jobctl.documents import chunk as chunking
from jobctl.documents import clean as cleaning
from jobctl.documents import match
from jobctl.documents import vault as engine
from jobctl.documents.vault import Action, Damaged, Note
from jobctl.handlers.obsidian import notes
from jobctl.handlers.obsidian.notes import Plan, PlannedNote, VaultInput
from jobctl.system import clock


class ObsidianSync(VaultInput):
    """Input of obsidian_sync."""

    vault: Annotated[str, AfterValidator(abspath)] = Field(
        min_length=1, description="The vault's folder, exported to before"
    )
    forget: list[int] = Field(
        [], description="Documents whose note was deleted on purpose: they leave the vault for good"
    )


ATTENTION = ("conflict", "missing", "repaired", "damaged", "failed")


class Synced(BaseModel):
    """What became of a note."""

    document_id: int
    note: str
    outcome: str  # unchanged taken written conflict agreed repaired missing forgotten damaged failed
    reason: str = ""


class Report(BaseModel):
    """What the job reports."""

    vault: str
    counts: dict[str, int]
    attention: list[Synced]
    problems: list[str]


pipeline = Pipeline(
    "obsidian_sync",
    label="Obsidian Sync",
    args=ObsidianSync,
    help="Carry changes between a vault and the library, both ways.",
    title=notes.title,
    key=notes.key,
    example={"vault": "notes"},
)


@pipeline.stage(share=10, verb="Reading the vault", timeout="1h", cpu="20m")
def planning(ctx: Context, args: ObsidianSync) -> Plan:  # noqa: ARG001 - the signature of a first stage
    """The current path of each note: it may have been moved or renamed."""
    vault = notes.vault(ctx)
    synced = ctx.read().synced(str(vault.root))
    if not synced:
        raise Invalid(f"nothing was exported to {vault.root} yet", hint="jobctl submit obsidian_export --set vault=…")
    notes.scan(ctx)
    uids = {document.id: document.uid for document in ctx.read().documents()}
    paths = {
        note.document_id: vault.path_of(uids[note.document_id], note.note_path) or note.note_path for note in synced
    }
    links = engine.link_names(paths.values(), vault.names())
    planned = [_planned(ctx, document_id, path, links.get(path)) for document_id, path in paths.items()]
    return Plan(notes=planned, problems=vault.problems)


def _planned(ctx: Context, document_id: int, path: str, link: str | None) -> PlannedNote:
    try:
        text = notes.read(ctx, path)
        before = "" if text is None else engine.digest(engine.body_of(text))
    except Damaged:
        return PlannedNote(document_id=document_id, path=path, link=link, before="", damaged=True)
    except Invalid:
        text, before = None, ""
    return PlannedNote(document_id=document_id, path=path, link=link, before=before, damaged=notes.damaged(text))


@pipeline.batches(share=80, size=1, noun="document", over=lambda _, plan: plan.notes, verb="Syncing")
def syncing(ctx: Context, planned: Sequence[PlannedNote]) -> list[Synced]:
    """Note by note: the last agreement, the vault and the library are compared."""
    return [_sync(ctx, note) for note in planned]


def _sync(ctx: Context, planned: PlannedNote) -> Synced:
    document_id, path = planned.document_id, planned.path
    agreed, document = notes.synced(ctx).get(document_id), ctx.read().document(document_id)
    if agreed is None or document is None:
        return Synced(document_id=document_id, note=path, outcome="failed", reason="the document was deleted")
    try:
        text = notes.read(ctx, path)
        if text is None or engine.uid_of(text) not in (None, document.uid):  # or of another document by now
            return _missing(ctx, document, path, agreed)
        action = _action(ctx, document, text, agreed.library_hash, planned.before)
        return _act(ctx, action, document, planned, text)
    except Damaged as error:
        return Synced(document_id=document_id, note=path, outcome="damaged", reason=f"{path}: {error}")
    except Invalid as error:
        return Synced(document_id=document_id, note=path, outcome="failed", reason=f"{path}: {error}")


def _action(ctx: Context, document: Document, text: str, agreed: str, before: str | None = None) -> Action:
    """What is done with a note that exists. Raises ``Damaged``, unless the input asks for a repair.

    ``before``: the digest of its text before this job. One that differs by now an attempt that was killed has written.
    """
    try:
        vault_hash = engine.digest(engine.body_of(text))
    except Damaged:
        if not ctx.args.repair:
            raise
        return Action.WRITE
    action = engine.compare(agreed, vault_hash, document.markdown_sha256)
    written = before is not None and before != vault_hash
    return Action.WRITE if action in (Action.AGREED, Action.UNCHANGED) and written else action


def _rewritten(ctx: Context, document: Document, text: str) -> bool:
    """Whether this job writes a note that exists."""
    agreed = notes.synced(ctx).get(document.id)
    try:
        action = Action.UNCHANGED if agreed is None else _action(ctx, document, text, agreed.library_hash)
    except Damaged:
        return False
    return action is Action.WRITE and (ctx.args.repair or not notes.damaged(text))


def _act(ctx: Context, action: Action, document: Document, planned: PlannedNote, text: str) -> Synced:
    """Carries out an action on a note that exists."""
    path, outcome, reason = planned.path, str(action), ""
    library_hash = document.markdown_sha256
    if action is Action.WRITE:
        text = notes.write(ctx, path, text, notes.compose(ctx, document, partial(_rewritten, ctx)))
        if planned.damaged:
            outcome, reason = "repaired", "a copy of the damaged note is beside it"
    if action is Action.CONFLICT:
        note = Note(document.uid, document.title, document.author, notes.markdown(ctx, document))
        copy = notes.keep_copy(notes.vault(ctx), path, engine.render(note), "conflict")
        reason = f"both sides changed: the library's text is in {copy}, the vault's was taken"
    if action in (Action.TAKE, Action.CONFLICT):
        body = engine.body_of(text)
        _take(ctx, document, body)
        library_hash = engine.digest(body)
    if action is not Action.UNCHANGED:
        notes.agree(ctx, notes.agreed(ctx, document.id, path, text, library_hash))
    else:
        _moved(ctx, path, document.id)
    return Synced(document_id=document.id, note=path, outcome=outcome, reason=reason)


def _moved(ctx: Context, path: str, document_id: int) -> None:
    """Records where an unchanged note is now, and that it is there."""
    agreed = notes.synced(ctx)[document_id]
    notes.agree(ctx, replace(agreed, note_path=path, missing_since=None))


def _missing(ctx: Context, document: Document, path: str, agreed: VaultSync) -> Synced:
    """Records that a note is missing; only a person decides that its document leaves the vault."""
    vault = str(notes.vault(ctx).root)
    if document.id in ctx.args.forget:
        ctx.write(lambda library: library.unsync(document.id, vault))
        return Synced(document_id=document.id, note=path, outcome="forgotten")
    if not agreed.missing_since:
        missing = replace(agreed, missing_since=clock.now())
        ctx.write(lambda library: library.sync(missing))
    reason = (
        f"the note is gone: restore it, or submit again with forget=[{document.id}]; the document stays in the library"
    )
    return Synced(document_id=document.id, note=path, outcome=str(Action.MISSING), reason=reason)


def _take(ctx: Context, document: Document, body: str) -> None:
    """The vault's text becomes a new generation: cut, enriched and embedded again; judgements and notes are kept."""
    outline = cleaning.outline(body)
    spans = chunking.chunk(CleanText(body, [], outline))
    if not spans:
        raise Invalid("the note's text is empty: the library keeps what it has")
    texts = [span.text for span in spans]
    enricher: Enricher = ctx.plugin("enricher")
    embedder: Embedder = ctx.plugin("embedder")
    enriched = enricher.over(texts)
    chunks = [
        passage(span, enriched.enrich(span.index), vector)
        for span, vector in zip(spans, embedder.embed(texts), strict=True)
    ]
    sha256 = hashlib.sha256(body.encode()).hexdigest()
    key = markdown_key(sha256)
    if not ctx.storage.exists(key):
        ctx.storage.put(key, body.encode())
    fields: DocumentFields = {
        "uid": document.uid, "title": document.title, "source_type": document.source_type, "engine": embedder.id,
        "markdown_key": key, "markdown_sha256": sha256, "word_count": len(body.split()),
        "outline": [{"level": h.level, "title": h.title, "start": h.start} for h in outline],
    }  # fmt: skip

    def write(library: Library) -> None:
        match.save(library, fields, chunks, body)

    ctx.write(write)


@pipeline.stage(share=10, verb="Reporting")
def reporting(ctx: Context, synced: list[Synced]) -> Report:
    """Counts, and what needs a person."""
    counts: dict[str, int] = {}
    for note in synced:
        counts[note.outcome] = counts.get(note.outcome, 0) + 1
    plan: Plan = ctx.result("planning")
    attention = [note for note in synced if note.outcome in ATTENTION]
    return Report(vault=str(notes.vault(ctx).root), counts=counts, attention=attention, problems=plan.problems)
