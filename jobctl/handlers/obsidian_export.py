"""obsidian_export: documents as notes of a vault, with highlights and links between connected passages."""

from __future__ import annotations

from collections.abc import Sequence
from os.path import abspath
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Row
from jobctl.documents import vault as engine
from jobctl.documents.vault import Note, Vault

MAX_TEXT = 256 << 20
INDEX = "jobctl index"


class ObsidianExport(BaseModel):
    """Input of obsidian_export."""

    model_config = ConfigDict(extra="forbid")

    vault: Annotated[str, AfterValidator(abspath)] = Field(
        min_length=1, description="The vault's folder; it must be there, under a root the worker allows"
    )
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


class Planned(BaseModel):
    """The note of a document: where, how links name it, and the digest of what stood there before this job."""

    document_id: int
    path: str
    link: str
    before: str


class Plan(BaseModel):
    """Which note each document gets."""

    notes: list[Planned]
    problems: list[str]


pipeline = Pipeline(
    "obsidian_export",
    label="Obsidian Export",
    args=ObsidianExport,
    help="Write documents as notes into an Obsidian vault.",
    title=lambda args: Path(args.vault).name,
    key=lambda args: f"vault:{args.vault}",
    example={"vault": "notes"},
)


def _vault(ctx: Context) -> Vault:
    held: Vault = ctx.once("vault", lambda: Vault(ctx.allowed(ctx.args.vault)))
    return held


def _synced(ctx: Context) -> dict[int, Row]:
    """What vault and library agreed on before this attempt, by document."""
    held: dict[int, Row] = ctx.once(
        "synced", lambda: {row["document_id"]: row for row in ctx.read().synced(str(_vault(ctx).root))}
    )
    return held


@pipeline.stage(share=10, verb="Looking at the vault", timeout="1h", cpu="20m")
def planning(ctx: Context, args: ObsidianExport) -> Plan:
    """A note for each document: the one it has, wherever it was moved, or a new one with a safe name."""
    documents = ctx.read().documents(args.document_ids or None)
    if missing := sorted(set(args.document_ids) - {row["id"] for row in documents}):
        raise Invalid(f"there is no document {', '.join(map(str, missing))}", hint="jobctl search TEXT shows documents")
    vault = _vault(ctx)
    vault.scan(lambda n, all_: ctx.progress(f"Reading note {n:,} of {all_:,}", current=n, total=all_, unit="note"))
    taken, paths = vault.names(), _paths(ctx, documents)
    names = engine.Names([*taken, INDEX])
    folder = "/".join(
        engine.safe_name(part) for part in PurePosixPath(args.folder).parts if part not in (".", "..", "/")
    )
    for row in documents:
        if row["id"] not in paths and not vault.torn(str(row["uid"])):
            name = names.take(row["title"])
            taken.append(name)
            paths[row["id"]] = f"{folder}/{name}.md" if folder else f"{name}.md"
    links = engine.link_names(paths.values(), taken)
    notes = [Planned(document_id=i, path=p, link=links[p], before=vault.digest(p)) for i, p in sorted(paths.items())]
    return Plan(notes=notes, problems=vault.problems)


def _paths(ctx: Context, documents: Sequence[Row]) -> dict[int, str]:
    """Where the documents that have a note have it."""
    known = {i: str(row["note_path"]) for i, row in _synced(ctx).items()}
    found = {row["id"]: _vault(ctx).place(str(row["uid"]), known.get(row["id"])) for row in documents}
    return {document_id: path for document_id, path in found.items() if path is not None}


@pipeline.batches(share=80, size=1, noun="document", over=lambda _, plan: plan.notes, verb="Writing")
def writing(ctx: Context, notes: Sequence[Planned]) -> list[Written]:
    """Each note, whole. One that a person changed since is left for a sync."""
    plan: Plan = ctx.result("planning")
    names = {note.document_id: note.link for note in plan.notes}
    return [_write(ctx, planned, names) for planned in notes]


def _write(ctx: Context, planned: Planned, names: dict[int, str]) -> Written:
    document_id, path = planned.document_id, planned.path
    note = _compose(ctx, document_id, names)
    vault = _vault(ctx)
    try:
        existing = vault.read(path) if vault.exists(path) else None
        mine = _synced(ctx).get(document_id)
        theirs = engine.body_of(existing) if existing is not None else None
        if theirs is not None and engine.digest(theirs) not in (
            mine and mine["library_hash"],
            engine.digest(note.body),
        ):
            why = "it was changed in the vault: submit obsidian_sync"
            return Written(document_id=document_id, note=path, outcome="changed_in_vault", reason=why)
        vault.write(path, engine.render(note) if existing is None else engine.update(existing, note))
    except Invalid as error:
        return Written(document_id=document_id, note=path, outcome="failed", reason=f"{path}: {error}")
    now = vault.digest(path)
    agreed = {
        "document_id": document_id, "vault": str(vault.root), "note_path": path, "note_hash": now,
        "library_hash": engine.digest(note.body), "body": "", "missing_since": None,
    }  # fmt: skip
    ctx.write(lambda library: library.sync(agreed))
    # by what stood there when the job began: an attempt that was killed may have written it already
    return Written(document_id=document_id, note=path, outcome="unchanged" if now == planned.before else "written")


def _compose(ctx: Context, document_id: int, names: dict[int, str]) -> Note:
    row = ctx.read().document(document_id)
    if row is None:
        raise Invalid(f"document {document_id} was deleted while this job ran", hint="Submit it again.")
    body = ctx.storage.get(row["markdown_key"], max_bytes=MAX_TEXT).decode()
    with_ = {"connections": ctx.args.include_connections, "annotations": ctx.args.include_annotations}
    return engine.compose(ctx.read(), row, body, names, **with_)


@pipeline.stage(share=10, verb="Writing the index")
def indexing(ctx: Context, written: list[Written]) -> Exported:
    """The note that lists all, and what was left."""
    vault = _vault(ctx)
    titles = {row["id"]: row["title"] for row in ctx.read().documents()}
    synced = ctx.read().synced(str(vault.root))
    links = engine.link_names((row["note_path"] for row in synced), vault.names())
    rows = sorted((links[row["note_path"]], titles[row["document_id"]]) for row in synced)
    path = f"{INDEX}.md"
    vault.write(path, engine.index_note(vault.read(path) if vault.exists(path) else None, rows))
    plan: Plan = ctx.result("planning")
    return Exported(
        vault=str(vault.root), written=sum(w.outcome == "written" for w in written),
        unchanged=sum(w.outcome == "unchanged" for w in written),
        left=[w for w in written if w.outcome in ("changed_in_vault", "failed")], problems=plan.problems,
    )  # fmt: skip
