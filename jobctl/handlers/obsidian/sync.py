"""obsidian_sync: changes in a vault are applied to the library and changes in the library to the vault; nothing is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from os.path import abspath
from pathlib import PurePosixPath
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
from jobctl.documents.vault import Action, Note, Vault
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
    planned = [
        PlannedNote(document_id=document_id, path=path, link=links[path], before=_body_digest(vault, path))
        for document_id, path in paths.items()
    ]
    return Plan(notes=planned, problems=vault.problems)


def _body_digest(vault: Vault, path: str) -> str:
    """The digest of a note's body; empty where it has none, or can't be read."""
    try:
        body = engine.body_of(vault.read(path)) if vault.exists(path) else None
    except Invalid:
        return ""
    return "" if body is None else engine.digest(body)


@pipeline.batches(share=80, size=1, noun="document", over=lambda _, plan: plan.notes, verb="Syncing")
def syncing(ctx: Context, planned: Sequence[PlannedNote]) -> list[Synced]:
    """Note by note: the last agreement, the vault and the library are compared."""
    return [_sync(ctx, note) for note in planned]


def _sync(ctx: Context, planned: PlannedNote) -> Synced:
    vault, document_id, path = notes.vault(ctx), planned.document_id, planned.path
    agreed, document = notes.synced(ctx).get(document_id), ctx.read().document(document_id)
    if agreed is None or document is None:
        return Synced(document_id=document_id, note=path, outcome="failed", reason="the document was deleted")
    try:
        text = vault.read(path) if vault.exists(path) else None
        vault_body = None if text is None else _body(text)
        digest = None if vault_body is None else engine.digest(vault_body)
        action = engine.compare(agreed.library_hash, digest, document.markdown_sha256)
        if action is Action.AGREED and planned.before != digest:  # an attempt that was killed had written it already
            action = Action.WRITE
        if text is None or vault_body is None:
            return _missing(ctx, document, path, agreed)
        return _act(ctx, action, document, path, text, vault_body, agreed)
    except Invalid as error:
        return Synced(document_id=document_id, note=path, outcome="failed", reason=f"{path}: {error}")


def _body(text: str) -> str:
    body = engine.body_of(text)
    if body is None:
        raise Invalid("its managed block is gone: restore it, or delete the note")
    return body


def _act(
    ctx: Context, action: Action, document: Document, path: str, text: str, vault_body: str, agreed: VaultSync
) -> Synced:
    """Carries out an action on a note that exists, ``text`` with the body ``vault_body``."""
    vault, reason = notes.vault(ctx), ""
    library_body = notes.markdown(ctx, document)
    if action is Action.WRITE:
        plan: Plan = ctx.result("planning")
        vault.write(path, engine.update(text, notes.compose(ctx, document, plan.links())))
        vault_body = library_body
    if action is Action.CONFLICT:
        copy = _write_copy(
            vault, path, engine.render(Note(document.uid, document.title, document.author, library_body))
        )
        reason = f"both sides changed: the library's text is in {copy}, the vault's was taken"
    if action in (Action.TAKE, Action.CONFLICT):
        _take(ctx, document, vault_body)
    now = notes.agreed(ctx, document.id, path, engine.digest(vault_body))
    if action is not Action.UNCHANGED or agreed.note_path != path or agreed.missing_since:
        ctx.write(lambda library: library.sync(now))
    return Synced(document_id=document.id, note=path, outcome=str(action), reason=reason)


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


def _write_copy(vault: Vault, path: str, text: str) -> str:
    """Writes a conflict copy next to a note under a name of its own; the same copy is not written twice."""
    original = PurePosixPath(path)
    text = text.replace("jobctl-id: ", "jobctl-conflict: ")  # a copy is not the note of the document
    for number in range(1, 100):
        mark = f"conflict {clock.now().date()}" + (f" {number}" if number > 1 else "")
        copy = str(original.with_name(f"{original.stem} ({mark}).md"))
        if not vault.exists(copy) or vault.read(copy) == text:
            vault.write(copy, text)
            return copy
    raise Invalid("there are a hundred conflict copies: remove some first")


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
    attention = [note for note in synced if note.outcome in ("conflict", "missing", "failed")]
    return Report(vault=str(notes.vault(ctx).root), counts=counts, attention=attention, problems=plan.problems)
