"""What both job types share: input fields, the vault, the notes that are planned, and how a note is composed."""

from __future__ import annotations

from collections.abc import Mapping
from os.path import abspath
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobctl.core.bounds import MAX_TEXT
from jobctl.core.library import Document, VaultSync
from jobctl.core.ports import Context
from jobctl.documents import vault as engine
from jobctl.documents.vault import Note, Vault


class VaultInput(BaseModel):
    """Input of both job types: the vault, and what its notes contain."""

    model_config = ConfigDict(extra="forbid")

    vault: Annotated[str, AfterValidator(abspath)] = Field(min_length=1, description="The vault's folder")
    include_connections: bool = Field(True, description="Link connected passages in notes that are written")
    include_annotations: bool = Field(True, description="Show highlights and notes in them")


class PlannedNote(BaseModel):
    """The note of a document: its path, how links name it, and a digest of it before this job."""

    document_id: int
    path: str
    link: str
    before: str


class Plan(BaseModel):
    """The notes that the job works on."""

    notes: list[PlannedNote]
    problems: list[str]

    def links(self) -> dict[int, str]:
        """How links name the notes, by document."""
        return {note.document_id: note.link for note in self.notes}


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


def agreed(ctx: Context, document_id: int, path: str, library_hash: str) -> VaultSync:
    """What both sides agree on after a note was written or read."""
    root = vault(ctx)
    return VaultSync(
        document_id=document_id, vault=str(root.root), note_path=path, note_hash=root.digest(path),
        library_hash=library_hash,
    )  # fmt: skip


def markdown(ctx: Context, document: Document) -> str:
    """The library's text of a document."""
    return ctx.storage.get(document.markdown_key, max_bytes=MAX_TEXT).decode()


def compose(ctx: Context, document: Document, links: Mapping[int, str]) -> Note:
    """The note of a document: the library's text, with links and highlights as the input asks for."""
    return engine.compose(
        ctx.read(), document, markdown(ctx, document), links,
        connections=ctx.args.include_connections, annotations=ctx.args.include_annotations,
    )  # fmt: skip
