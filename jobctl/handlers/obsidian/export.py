"""obsidian_export: documents as notes of a vault, with highlights and links between connected passages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from os.path import abspath
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from jobctl.core.errors import Invalid
from jobctl.core.library import Document
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context
from jobctl.documents import vault as engine
from jobctl.documents.vault import Damaged
from jobctl.handlers.obsidian import notes
from jobctl.handlers.obsidian.notes import Plan, PlannedNote, VaultInput

INDEX = "jobctl index"
LEFT = ("changed_in_vault", "damaged", "failed")


class ObsidianExport(VaultInput):
    """Input of obsidian_export."""

    vault: Annotated[str, AfterValidator(abspath)] = Field(
        min_length=1, description="The vault's folder; it must exist, under an input root of the worker"
    )
    document_ids: list[int] = Field([], description="Documents; default: all")
    folder: str = Field("", description="Folder in the vault for new notes")
    include_connections: bool = Field(True, description="Link connected passages")
    include_annotations: bool = Field(True, description="Show highlights and notes")


class Written(BaseModel):
    """What became of a document's note."""

    document_id: int
    note: str
    outcome: str  # written unchanged repaired changed_in_vault damaged failed
    reason: str = ""


class Exported(BaseModel):
    """What the job reports."""

    vault: str
    written: int
    unchanged: int
    repaired: list[Written]
    left: list[Written]
    problems: list[str]


pipeline = Pipeline(
    "obsidian_export",
    label="Obsidian Export",
    args=ObsidianExport,
    help="Write documents as notes into an Obsidian vault.",
    title=notes.title,
    key=notes.key,
    example={"vault": "notes"},
)


@pipeline.stage(share=10, verb="Reading the vault", timeout="1h", cpu="20m")
def planning(ctx: Context, args: ObsidianExport) -> Plan:
    """A note for each document: the one it has, wherever it was moved, or a new one with a safe name."""
    documents = ctx.read().documents(args.document_ids or None)
    if missing := sorted(set(args.document_ids) - {document.id for document in documents}):
        raise Invalid(f"no such document: {', '.join(map(str, missing))}", hint="jobctl search TEXT shows documents")
    vault = notes.vault(ctx)
    notes.scan(ctx)
    taken, paths = vault.names(), _paths(ctx, documents)
    names = engine.Names([*taken, INDEX])
    parts = [part for part in PurePosixPath(args.folder).parts if part not in (".", "..", "/")]
    folder = "/".join(engine.safe_name(part) for part in parts)
    for document in documents:
        if document.id not in paths and not vault.torn(document.uid):
            name = names.take(document.title)
            taken.append(name)
            paths[document.id] = f"{folder}/{name}.md" if folder else f"{name}.md"
    links = engine.link_names(paths.values(), taken)
    planned = [_planned(ctx, document_id, path, links.get(path)) for document_id, path in sorted(paths.items())]
    return Plan(notes=planned, problems=vault.problems)


def _planned(ctx: Context, document_id: int, path: str, link: str | None) -> PlannedNote:
    try:
        text = notes.read(ctx, path)
    except Invalid:
        text = None
    before = "" if text is None else engine.digest(text)
    return PlannedNote(document_id=document_id, path=path, link=link, before=before, damaged=notes.damaged(text))


def _paths(ctx: Context, documents: Sequence[Document]) -> dict[int, str]:
    """The paths of the notes that exist, by document."""
    recorded = {document_id: note.note_path for document_id, note in notes.synced(ctx).items()}
    found = {document.id: notes.vault(ctx).path_of(document.uid, recorded.get(document.id)) for document in documents}
    return {document_id: path for document_id, path in found.items() if path is not None}


@pipeline.batches(share=80, size=1, noun="document", over=lambda _, plan: plan.notes, verb="Writing")
def writing(ctx: Context, planned: Sequence[PlannedNote]) -> list[Written]:
    """Each note, whole. One that a person changed since is left for a sync."""
    return [_write(ctx, note) for note in planned]


def _write(ctx: Context, planned: PlannedNote) -> Written:
    document_id, path = planned.document_id, planned.path
    document = ctx.read().document(document_id)
    if document is None:
        raise Invalid(f"document {document_id} was deleted while this job ran", hint="Submit it again.")
    left = partial(Written, document_id=document_id, note=path)
    try:
        existing = notes.read(ctx, path)
        if existing is not None and _changed_in_vault(ctx, document, existing):
            return left(outcome="changed_in_vault", reason="it was changed in the vault: submit obsidian_sync")
        text = notes.write(ctx, path, existing, notes.compose(ctx, document, partial(_rewritten, ctx)))
    except Damaged as error:
        return left(outcome="damaged", reason=f"{path}: {error}")
    except Invalid as error:
        return left(outcome="failed", reason=f"{path}: {error}")
    agreed = notes.agreed(ctx, document_id, path, text, document.markdown_sha256)
    notes.agree(ctx, agreed)
    if planned.damaged:
        return left(outcome="repaired", reason="a copy of the damaged note is beside it")
    # compared with the note before the job began: an attempt that was killed may have written it already
    return left(outcome="unchanged" if agreed.note_hash == planned.before else "written")


def _rewritten(ctx: Context, document: Document, existing: str) -> bool:
    """Whether this job writes a note that exists."""
    return not _changed_in_vault(ctx, document, existing) and (ctx.args.repair or not notes.damaged(existing))


def _changed_in_vault(ctx: Context, document: Document, existing: str) -> bool:
    """Whether a sound note's text is neither what both sides agreed on nor what would be written."""
    try:
        vault_hash = engine.digest(engine.body_of(existing))
    except Damaged:
        return False
    agreed = notes.synced(ctx).get(document.id)
    return vault_hash not in (agreed.library_hash if agreed else None, document.markdown_sha256)


@pipeline.stage(share=10, verb="Writing the index")
def indexing(ctx: Context, written: list[Written]) -> Exported:
    """The note that lists all, and what was left."""
    vault = notes.vault(ctx)
    titles = {document.id: document.title for document in ctx.read().documents()}
    synced = ctx.read().synced(str(vault.root))
    there = [note for note in synced if vault.exists(note.note_path)]
    links = engine.link_names((note.note_path for note in there), vault.names())
    rows = sorted((titles[note.document_id], links.get(note.note_path)) for note in there)
    problems = _write_index(ctx, [(link, title) for title, link in rows])
    plan: Plan = ctx.result("planning")
    return Exported(
        vault=str(vault.root), written=sum(w.outcome == "written" for w in written),
        unchanged=sum(w.outcome == "unchanged" for w in written),
        left=[w for w in written if w.outcome in LEFT], problems=plan.problems + problems,
        repaired=[w for w in written if w.outcome == "repaired"],
    )  # fmt: skip


def _write_index(ctx: Context, rows: Sequence[tuple[str | None, str]]) -> list[str]:
    """Writes the list of all notes; what prevents it."""
    vault, path = notes.vault(ctx), f"{INDEX}.md"
    try:
        existing = notes.read(ctx, path)
        try:
            text = engine.index_note(existing, rows)
        except Damaged:
            if not ctx.args.repair or existing is None:
                raise
            notes.keep_copy(vault, path, existing, "damaged")
            text = engine.index_note(existing, rows, anew=True)
        vault.write(path, text)
    except Damaged as error:
        return [f"{path}: {error}"]
    return []
