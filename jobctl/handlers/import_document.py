"""import_document: an archive of another library, taken in without losing what a person did here or there."""

from __future__ import annotations

import base64
import binascii
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.keys import markdown_key, source_key
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Embedder, Library
from jobctl.documents import match
from jobctl.documents.archive import Archive


class ImportDocument(BaseModel):
    """Input of import_document."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(
        min_length=1, description="An archive of export_documents: a ZIP, or a folder the worker may read"
    )
    mode: Literal["skip", "replace", "merge_smart"] = Field(
        "skip",
        description="Of documents that are here: leave them, replace them, or take the newer and keep both sides' notes",
    )
    with_embeddings: bool = Field(True, description="Take the vectors of the archive; else compute them anew")
    with_connections: bool = Field(True, description="Take the connections")


class Taken(BaseModel):
    """What became of a document of the archive."""

    uid: str
    title: str
    outcome: str  # added replaced merged kept skipped
    chunks: int = 0
    annotations: int = 0


class Imported(BaseModel):
    """What the job reports."""

    documents: dict[str, int]
    chunks: int
    annotations: int
    connections: int
    connections_left_out: int
    taken: list[Taken]


pipeline = Pipeline(
    "import_document",
    label="Import",
    args=ImportDocument,
    help="Take an exported archive into the library.",
    title=lambda args: PurePath(args.path).stem,
    mode=lambda args: "with embeddings" if args.with_embeddings else None,
    input_files=["path"],
    example={"path": "library.zip", "mode": "merge_smart"},
)


def _archive(ctx: Context) -> Archive:
    held: Archive = ctx.once("archive", lambda: Archive(ctx.open(ctx.args.path)))
    return held


def _parts(ctx: Context, args: ImportDocument) -> list[dict[str, Any]]:  # noqa: ARG001 - shape of ``over``
    return _archive(ctx).manifest.documents


@pipeline.batches(share=20, size=1, noun="document", over=_parts, verb="Verifying", timeout="30m", cpu="20m")
def verifying(ctx: Context, documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every file against the manifest, before anything is written."""
    for document in documents:
        _archive(ctx).verify(document["uid"])
        _row(ctx, document["uid"])
        _passages(ctx, document["uid"])
    return [document["uid"] for document in documents]


def _row(ctx: Context, uid: str) -> dict[str, Any]:
    row = _archive(ctx).json(f"documents/{uid}/document.json")
    if not isinstance(row, dict) or row.get("uid") != uid or not row.get("title"):
        raise Invalid(f"{_archive(ctx).name}: the description of document {uid} is not one")
    return row


def _passages(ctx: Context, uid: str) -> list[dict[str, Any]]:
    """The chunks; each must be exactly its range of the text."""
    held = _archive(ctx)
    text = held.read(f"documents/{uid}/content.md").decode("utf-8", "strict")
    rows: list[dict[str, Any]] = held.json_lines(f"documents/{uid}/chunks.jsonl")
    try:
        for row in rows:
            if text[row["start_offset"] : row["end_offset"]] != row["text"]:
                raise Invalid(f"{held.name}: chunk {row['index']} of document {uid} is not where it says")
            row["vector"] = base64.b64decode(row["vector"], validate=True)
    except (KeyError, TypeError, binascii.Error):
        raise Invalid(f"{held.name}: the chunks of document {uid} lack something") from None
    return rows


@pipeline.batches(share=60, size=1, noun="document", verb="Importing")
def importing(ctx: Context, uids: Sequence[str]) -> list[Taken]:
    """Each document with its passages and notes, in one transaction."""
    return [_take(ctx, uid) for uid in uids]


def _take(ctx: Context, uid: str) -> Taken:
    row = _row(ctx, uid)
    here = ctx.read().document_by(uid=uid)
    notes = _archive(ctx).json(f"documents/{uid}/annotations.json")
    if here is not None and ctx.args.mode == "skip":
        return Taken(uid=uid, title=row["title"], outcome="skipped")
    newer = here is None or ctx.args.mode == "replace" or _when(row["updated_at"]) > here["updated_at"]
    outcome = "added" if here is None else "replaced" if ctx.args.mode == "replace" else "merged" if newer else "kept"
    passages = _embedded(ctx, row, _passages(ctx, uid)) if newer else []
    fields = _fields(ctx, uid, row) if newer else {}
    text = _archive(ctx).read(f"documents/{uid}/content.md").decode()

    def write(library: Library) -> None:
        if newer:
            match.save(library, fields, passages, text)
        saved = library.document_by(uid=uid)
        if saved is None:
            raise Invalid("the document was deleted while this job ran", hint="Submit it again.")
        _notes(library, saved, notes, same=saved["markdown_sha256"] == row["markdown_sha256"], text=text)

    ctx.write(write)
    return Taken(uid=uid, title=row["title"], outcome=outcome, chunks=len(passages), annotations=len(notes))


def _fields(ctx: Context, uid: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of the document; its bytes go into the storage first."""
    held = _archive(ctx)
    markdown = markdown_key(row["markdown_sha256"])
    if not ctx.storage.exists(markdown):
        ctx.storage.put(markdown, held.read(f"documents/{uid}/content.md"))
    source, key = held.source(uid), None
    if source is not None and row["source_sha256"]:
        key = source_key(row["source_sha256"])
        if not ctx.storage.exists(key):
            with tempfile.TemporaryFile(prefix="jobctl-import-") as stream:
                held.copy(source, stream)
                stream.seek(0)
                ctx.storage.put_file(key, stream)
    engine = row["engine"] if ctx.args.with_embeddings else ctx.plugin("embedder").id
    times = {name: _when(row[name]) for name in ("created_at", "updated_at")}
    return {**row, **times, "markdown_key": markdown, "source_key": key, "engine": engine}


def _embedded(ctx: Context, row: Mapping[str, Any], passages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The archive's vectors, or new ones by the present engine."""
    embedder: Embedder = ctx.plugin("embedder")
    if ctx.args.with_embeddings or row["engine"] == embedder.id:
        return passages
    vectors = embedder.embed([passage["text"] for passage in passages])
    return [passage | {"vector": vector} for passage, vector in zip(passages, vectors, strict=True)]


def _notes(
    library: Library, saved: Mapping[str, Any], notes: Sequence[Mapping[str, Any]], *, same: bool, text: str
) -> None:
    """The archive's annotations beside those that are here; of one that is in both the newer stays."""
    here = {str(note["uid"]): note for note in library.annotations(saved["id"])}
    folded = None if same else match.FoldedText(text)
    for note in notes:
        mine = here.get(note["uid"])
        if mine is not None and mine["updated_at"] >= _when(note["updated_at"]):
            continue
        times = {name: _when(note[name]) for name in ("created_at", "updated_at")}
        values = {**note, **times, "document_id": saved["id"]}
        if folded is not None:
            found = folded.place(note["text"])
            placed = found.outcome == "placed"
            values |= {"start_offset": found.start if placed else None, "end_offset": found.end if placed else None}
            if not placed:
                library.review(match.lost_annotation(saved["id"], dict(note), found))
        library.annotate(values)


def _when(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pipeline.stage(share=20, verb="Importing connections")
def connecting(ctx: Context, taken: list[Taken]) -> Imported:
    """The connections between documents that are here now; judged ones keep their judgement."""
    rows: list[dict[str, Any]] = []
    out = 0
    if ctx.args.with_connections:
        rows, out = _edges(ctx, {t.uid for t in taken if t.outcome != "skipped"})
    ctx.write(lambda library: library.merge_connections(rows))
    counts: dict[str, int] = {}
    for document in taken:
        counts[document.outcome] = counts.get(document.outcome, 0) + 1
    return Imported(
        documents=counts, chunks=sum(t.chunks for t in taken), annotations=sum(t.annotations for t in taken),
        connections=len(rows), connections_left_out=out, taken=taken,
    )  # fmt: skip


def _edges(ctx: Context, uids: set[str]) -> tuple[list[dict[str, Any]], int]:
    library = ctx.read()
    places: dict[str, dict[int, int]] = {}

    def chunk(uid: str, index: int) -> int | None:
        if uid not in places:
            document = library.document_by(uid=uid)
            found = library.chunks([document["id"]], columns=["id", "index"]) if document else []
            places[uid] = {row["index"]: row["id"] for row in found}
        return places[uid].get(index)

    rows: list[dict[str, Any]] = []
    out = 0
    for uid in sorted(uids):
        for edge in _archive(ctx).json(f"documents/{uid}/connections.json"):
            source, target = chunk(uid, edge["source_index"]), chunk(edge["target_uid"], edge["target_index"])
            if source is None or target is None:
                out += 1
                continue
            kept = {n: v for n, v in edge.items() if n not in ("source_index", "target_uid", "target_index")}
            times = {n: _when(kept[n]) if kept[n] else None for n in ("judged_at", "created_at")}
            rows.append({**kept, **times, "source_chunk": source, "target_chunk": target})
    return rows, out
