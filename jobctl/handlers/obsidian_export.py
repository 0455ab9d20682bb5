"""obsidian_export: documents as notes of a vault, with highlights and links between connected passages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Library
from jobctl.documents import vault as engine
from jobctl.documents.vault import Link, Mark, Note, Quote, Vault

MAX_TEXT = 256 << 20
INDEX = "jobctl index"
LEAST = 0.0


class ObsidianExport(BaseModel):
    """Input of obsidian_export."""

    model_config = ConfigDict(extra="forbid")

    vault: str = Field(min_length=1, description="The vault's folder; it must be there, under a root the worker allows")
    document_ids: list[int] = Field([], description="Which documents; by default all")
    folder: str = Field("", description="Folder in the vault for new notes")
    include_connections: bool = Field(True, description="Link connected passages")
    include_annotations: bool = Field(True, description="Show highlights and notes")


class Written(BaseModel):
    """What became of a document's note."""

    document_id: int
    note: str
    outcome: str  # written unchanged changed_in_vault failed
    reason: str = ""


class Exported(BaseModel):
    """What the job reports."""

    vault: str
    written: int
    unchanged: int
    left: list[Written]
    problems: list[str]


class Plan(BaseModel):
    """Which note each document gets."""

    notes: list[tuple[int, str]]
    problems: list[str]


pipeline = Pipeline(
    "obsidian_export",
    args=ObsidianExport,
    help="Write documents as notes into an Obsidian vault.",
    title=lambda args: Path(args.vault).name,
    key=lambda args: f"vault:{args.vault}",
    example={"vault": "notes"},
)


def _vault(ctx: Context) -> Vault:
    held: Vault = ctx.once("vault", lambda: Vault(ctx.allowed(ctx.args.vault)))
    return held


@pipeline.stage(share=10, verb="Looking at the vault")
def planning(ctx: Context, args: ObsidianExport) -> Plan:
    """A note for each document: the one it has, wherever it was moved, or a new one with a safe name."""
    documents = ctx.read().documents(args.document_ids or None)
    if missing := sorted(set(args.document_ids) - {row["id"] for row in documents}):
        raise Invalid(f"there is no document {', '.join(map(str, missing))}", hint="jobctl search TEXT shows documents")
    vault = _vault(ctx)
    known, taken = vault.by_uid(), vault.names()
    folder = "/".join(
        engine.safe_name(part) for part in PurePosixPath(args.folder).parts if part not in (".", "..", "/")
    )
    notes: list[tuple[int, str]] = []
    for row in documents:
        path = known.get(str(row["uid"]))
        if path is None:
            name = engine.safe_name(row["title"], [*taken, INDEX])
            taken.append(name)
            path = f"{folder}/{name}.md" if folder else f"{name}.md"
        notes.append((row["id"], path))
    return Plan(notes=notes, problems=vault.problems)


@pipeline.batches(share=80, size=1, noun="document", over=lambda _, plan: plan.notes, verb="Writing")
def writing(ctx: Context, notes: Sequence[tuple[int, str]]) -> list[Written]:
    """Each note, whole. One that a person changed since is left for a sync."""
    plan: Plan = ctx.result("planning")
    names = {document_id: PurePosixPath(path).stem for document_id, path in plan.notes}
    return [_write(ctx, document_id, path, names) for document_id, path in notes]


def _write(ctx: Context, document_id: int, path: str, names: dict[int, str]) -> Written:
    note = compose(ctx, document_id, names)
    vault = _vault(ctx)
    try:
        existing = vault.read(path) if vault.exists(path) else None
        mine = next((r for r in ctx.read().synced(str(vault.root)) if r["document_id"] == document_id), None)
        theirs = engine.body_of(existing) if existing is not None else None
        if theirs is not None and engine.digest(theirs) not in (
            mine and mine["library_hash"],
            engine.digest(note.body),
        ):
            why = "it was changed in the vault: submit obsidian_sync"
            return Written(document_id=document_id, note=path, outcome="changed_in_vault", reason=why)
        changed = vault.write(path, engine.render(note) if existing is None else engine.update(existing, note))
    except Invalid as error:
        return Written(document_id=document_id, note=path, outcome="failed", reason=f"{path}: {error}")
    agreed = {
        "document_id": document_id, "vault": str(vault.root), "note_path": path, "note_hash": engine.digest(vault.read(path)),
        "library_hash": engine.digest(note.body), "body": "", "missing_since": None,
    }  # fmt: skip
    ctx.write(lambda library: library.sync(agreed))
    return Written(document_id=document_id, note=path, outcome="written" if changed else "unchanged")


def compose(ctx: Context, document_id: int, names: dict[int, str]) -> Note:
    """A document as a note, with links to the notes of ``names``."""
    library = ctx.read()
    row = library.document(document_id)
    if row is None:
        raise Invalid(f"document {document_id} was deleted while this job ran", hint="Submit it again.")
    body = ctx.storage.get(row["markdown_key"], max_bytes=MAX_TEXT).decode()
    marks: dict[str, Mark] = {}
    links = _links(library, document_id, names, marks) if ctx.args.include_connections else []
    quotes = _quotes(library, document_id, marks) if ctx.args.include_annotations else []
    return Note(str(row["uid"]), row["title"], row["author"], body, list(marks.values()), links, quotes)


def _links(library: Library, document_id: int, names: dict[int, str], marks: dict[str, Mark]) -> list[Link]:
    """Connections that nobody rejected; both ends of each get a block id, also where it comes from elsewhere."""
    ends = {c["id"]: c for c in library.chunks([document_id], columns=["id", "index", "end_offset"])}
    links: list[Link] = []
    rows = [row for row in library.connections(document_id) if row["user_validated"] is not False]
    places = _places(library, rows)
    for row in rows:
        for side in ("source_chunk", "target_chunk"):
            if row[side] in ends:
                name = f"c{ends[row[side]]['index']}"
                marks[name] = Mark(name, max(0, ends[row[side]]["end_offset"] - 1))
        if row["source_document"] == document_id and row["target_document"] in names:
            links.append(
                Link(
                    f"c{ends[row['source_chunk']]['index']}", names[row["target_document"]], f"c{places[row['target_chunk']]}",
                    row["strength"], row["type"].replace("_", " "), row["target_text"],
                )
            )  # fmt: skip
    return links


def _places(library: Library, rows: Sequence[dict[str, Any]]) -> dict[int, int]:
    """Index of each target chunk in its document."""
    documents = sorted({row["target_document"] for row in rows})
    return {c["id"]: c["index"] for c in library.chunks(documents, columns=["id", "index"])} if documents else {}


def _quotes(library: Library, document_id: int, marks: dict[str, Mark]) -> list[Quote]:
    quotes: list[Quote] = []
    for note in library.annotations(document_id):
        name = None
        if note["end_offset"] is not None:
            name = f"h{str(note['uid']).replace('-', '')[:12]}"
            marks[name] = Mark(name, max(0, note["end_offset"] - 1))
        quotes.append(Quote(name, note["text"], note["note"]))
    return quotes


@pipeline.stage(share=10, verb="Writing the index")
def indexing(ctx: Context, written: list[Written]) -> Exported:
    """The note that lists all, and what was left."""
    vault = _vault(ctx)
    titles = {row["id"]: row["title"] for row in ctx.read().documents()}
    rows = sorted(
        (PurePosixPath(r["note_path"]).stem, titles[r["document_id"]]) for r in ctx.read().synced(str(vault.root))
    )
    path = f"{INDEX}.md"
    vault.write(path, engine.index_note(vault.read(path) if vault.exists(path) else None, rows))
    plan: Plan = ctx.result("planning")
    return Exported(
        vault=str(vault.root), written=sum(w.outcome == "written" for w in written),
        unchanged=sum(w.outcome == "unchanged" for w in written),
        left=[w for w in written if w.outcome in ("changed_in_vault", "failed")], problems=plan.problems,
    )  # fmt: skip
