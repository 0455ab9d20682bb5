"""What both job types share: input fields, the vault, the notes that are planned, and how a note is composed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os.path import abspath
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobctl.core.bounds import MAX_TEXT
from jobctl.core.errors import Invalid
from jobctl.core.library import Document, VaultSync
from jobctl.core.ports import Context
from jobctl.documents import vault as engine
from jobctl.documents.vault import Damaged, Derived, Note, Vault
from jobctl.system import clock


class VaultInput(BaseModel):
    """Input of both job types: the vault, and what its notes contain."""

    model_config = ConfigDict(extra="forbid")

    vault: Annotated[str, AfterValidator(abspath)] = Field(min_length=1, description="The vault's folder")
    include_connections: bool = Field(True, description="Link connected passages in notes that are written")
    include_annotations: bool = Field(True, description="Show highlights and notes in them")
    repair: bool = Field(
        False, description="Write notes anew whose managed block is damaged; each is kept beside it as a copy"
    )


class PlannedNote(BaseModel):
    """The note of a document: its path, how links name it, and a digest of it before this job."""

    document_id: int
    path: str
    link: str | None  # None: no link can name it
    before: str
    damaged: bool = False  # before this job


class Plan(BaseModel):
    """The notes that the job works on."""

    notes: list[PlannedNote]
    problems: list[str]

    def links(self) -> dict[int, str]:
        """How links name the notes, by document."""
        return {note.document_id: note.link for note in self.notes if note.link is not None}

    def paths(self) -> dict[int, str]:
        """The paths of the notes, by document."""
        return {note.document_id: note.path for note in self.notes}


def title(args: VaultInput) -> str:
    """The name of the vault."""
    return Path(args.vault).name


def key(args: VaultInput) -> str:
    """Jobs on one vault do not run at the same time."""
    return f"vault:{args.vault}"


def vault(ctx: Context) -> Vault:
    """The vault, opened once an attempt."""
    return ctx.once("vault", lambda: Vault(ctx.allowed(ctx.args.vault)))


def scan(ctx: Context) -> None:
    """Finds which notes belong to documents, with progress."""
    vault(ctx).scan(
        lambda n, count: ctx.progress(f"Reading note {n:,} of {count:,}", current=n, total=count, unit="note")
    )


def synced(ctx: Context) -> dict[int, VaultSync]:
    """What vault and library agreed on before this attempt, by document."""
    return ctx.once("synced", lambda: {note.document_id: note for note in ctx.read().synced(str(vault(ctx).root))})


def agreed(ctx: Context, document_id: int, path: str, text: str, library_hash: str) -> VaultSync:
    """What both sides agree on after a note was written or read, as ``text``."""
    return VaultSync(
        document_id=document_id, vault=str(vault(ctx).root), note_path=path, note_hash=engine.digest(text),
        library_hash=library_hash,
    )  # fmt: skip


def agree(ctx: Context, now: VaultSync) -> None:
    """Records what both sides agree on now, unless that is recorded already."""
    before = synced(ctx).get(now.document_id)
    if before is None or _agreement(before) != _agreement(now):
        ctx.write(lambda library: library.sync(now))


def _agreement(note: VaultSync) -> tuple[object, ...]:
    return note.note_path, note.note_hash, note.library_hash, note.missing_since


def markdown(ctx: Context, document: Document) -> str:
    """The library's text of a document."""
    return ctx.storage.get(document.markdown_key, max_bytes=MAX_TEXT).decode()


def read(ctx: Context, path: str) -> str | None:
    """A note; None where there is none. Raises ``Invalid``."""
    held = vault(ctx)
    return held.read(path) if held.exists(path) else None


def damaged(text: str | None) -> bool:
    """Whether a note is there and can be renewed by a repair only."""
    try:
        return text is not None and not engine.require_sound(text)
    except Damaged:
        return True


def compose(ctx: Context, document: Document, rewritten: Callable[[Document, str], bool]) -> Note:
    """The note of a document: the library's text, with links and highlights as the input asks for.

    ``rewritten``: whether this job writes the note of a document of which the vault has this text.
    """
    plan: Plan = ctx.result("planning")
    paths: dict[int, str] = ctx.once("paths", plan.paths)
    known: dict[int, Mapping[int, str] | None] = ctx.once("block ids", dict)

    def block_ids(document_id: int) -> Mapping[int, str] | None:
        if document_id not in known:
            known[document_id] = _block_ids(ctx, document_id, paths[document_id], rewritten)
        return known[document_id]

    links = ctx.once("links", plan.links)
    return engine.compose(document, markdown(ctx, document), derived(ctx, document.id), links, block_ids)


def derived(ctx: Context, document_id: int) -> Derived:
    """What the input asks for beside the text of a document."""
    return engine.derived(
        ctx.read(), document_id, connections=ctx.args.include_connections, annotations=ctx.args.include_annotations
    )


def _block_ids(
    ctx: Context, document_id: int, path: str, rewritten: Callable[[Document, str], bool]
) -> Mapping[int, str] | None:
    """The block ids that a note has when this job is done."""
    document = ctx.read().document(document_id)
    try:
        text = read(ctx, path)
    except Invalid:
        return {}
    if document is None:
        return None
    beside = derived(ctx, document_id)
    if text is not None and not rewritten(document, text):
        there = engine.ids(text)
        return {chunk.id: name for chunk in beside.chunks if (name := engine.chunk_mark(chunk)) in there}
    body = markdown(ctx, document)
    return None if engine.taken(body) else beside.block_ids(body)


def write(ctx: Context, path: str, existing: str | None, note: Note) -> str:
    """Writes a note and returns its text. Raises ``Damaged`` for one that is, unless the input asks for a repair."""
    if existing is None:
        text = engine.render(note)
    else:
        try:
            text = engine.update(existing, note)
        except Damaged:
            if not ctx.args.repair:
                raise
            text = engine.repair(existing, note)
            keep_copy(vault(ctx), path, existing, "damaged")
    if text != existing:
        vault(ctx).write(path, text)
    return text


def keep_copy(vault: Vault, path: str, text: str, why: str) -> str:
    """Writes a copy next to a note under a name of its own; the same copy is not written twice. Returns its path."""
    original, text = PurePosixPath(path), engine.disowned(text)  # a copy is not the note of the document
    for number in range(1, 100):
        mark = f"{why} {clock.now().date()}" + (f" {number}" if number > 1 else "")
        copy = str(original.with_name(f"{original.stem} ({mark}).md"))
        if not vault.exists(copy) or vault.read(copy) == text:
            vault.write(copy, text)
            return copy
    raise Invalid(f"there are a hundred copies of it called ({why} …): remove some first")
