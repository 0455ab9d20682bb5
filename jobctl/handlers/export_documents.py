"""export_documents: documents with all that belongs to them, as one archive that any library can take in."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.keys import work_key
from jobctl.core.names import plural
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Row
from jobctl.documents import archive
from jobctl.documents.archive import Entry, Manifest

KEPT = (
    "uid", "title", "author", "source_type", "source_name", "source_url", "source_sha256", "language", "page_count",
    "word_count", "outline", "frontmatter", "markdown_sha256", "engine", "created_at", "updated_at",
)  # fmt: skip
CHUNK = (
    "index", "text", "start_offset", "end_offset", "heading_path", "page_start", "page_end", "token_count", "themes",
    "summary", "importance", "polarity",
)  # fmt: skip
NOTE = (
    "uid", "start_offset", "end_offset", "text", "note", "colour", "tags", "origin", "origin_id", "created_at", "updated_at",
)  # fmt: skip
EDGE = (
    "source_index", "target_uid", "target_index", "type", "strength", "evidence", "engine", "user_validated", "starred",
    "note", "judged_at", "created_at",
)  # fmt: skip


class ExportDocuments(BaseModel):
    """Input of export_documents."""

    model_config = ConfigDict(extra="forbid")

    document_ids: list[int] = Field([], description="Which documents; by default all")
    path: str | None = Field(None, description="Where the archive goes; by default into the storage")
    format: Literal["zip", "folder"] = Field("zip", description="One file, or a folder")
    include_connections: bool = Field(False, description="With the connections between these documents")
    include_annotations: bool = Field(False, description="With highlights and notes")


class Packed(BaseModel):
    """A document, ready to be put in: its files in the storage."""

    uid: str
    title: str
    engine: str
    files: list[tuple[Entry, str]]  # and their storage keys
    counts: dict[str, int]


class Exported(BaseModel):
    """What the job reports."""

    documents: int
    path: str | None
    key: str | None
    bytes: int
    sha256: str
    counts: dict[str, int]


def _title(args: ExportDocuments) -> str:
    return plural(len(args.document_ids), "document") if args.document_ids else "all documents"


def _mode(args: ExportDocuments) -> str | None:
    parts = [
        name
        for name, on in (("connections", args.include_connections), ("annotations", args.include_annotations))
        if on
    ]
    return f"with {' and '.join(parts)}" if parts else None


pipeline = Pipeline(
    "export_documents",
    label="Export",
    args=ExportDocuments,
    help="Write documents and what belongs to them into an archive.",
    title=_title,
    mode=_mode,
    example={"path": "library.zip", "include_connections": True, "include_annotations": True},
)


@pipeline.stage(share=5, verb="Listing documents")
def listing(ctx: Context, args: ExportDocuments) -> list[int]:
    """The documents in the order of the archive. All ids that do not exist are named at once."""
    rows = ctx.read().documents(args.document_ids or None)
    if missing := sorted(set(args.document_ids) - {row["id"] for row in rows}):
        raise Invalid(f"there is no document {', '.join(map(str, missing))}", hint="jobctl search TEXT shows documents")
    if not rows:
        raise Invalid("the library is empty: there is nothing to export", hint="jobctl submit PATH")
    if args.path:
        _target(ctx, args.path)
    return [row["id"] for row in sorted(rows, key=lambda row: str(row["uid"]))]


@pipeline.batches(share=60, size=1, noun="document", verb="Packing")
def packing(ctx: Context, ids: Sequence[int]) -> list[Packed]:
    """The files of each document, by content, in the storage."""
    everything: list[int] = ctx.result("listing")
    return [_pack(ctx, document_id, everything) for document_id in ids]


def _pack(ctx: Context, document_id: int, everything: Sequence[int]) -> Packed:
    library = ctx.read()
    row = library.document(document_id)
    if row is None:
        raise Invalid(f"document {document_id} was deleted while this job ran", hint="Submit it again.")
    uid = str(row["uid"])
    chunks = library.chunks([document_id])
    notes = library.annotations(document_id) if ctx.args.include_annotations else []
    edges = _edges(ctx, everything).get(uid, []) if ctx.args.include_connections else []
    made = {
        "document.json": archive.plain(_told(row, KEPT)),
        "chunks.jsonl": archive.lines(_chunk(c) for c in chunks),
        "annotations.json": archive.plain([_told(n, NOTE) for n in sorted(notes, key=lambda n: str(n["uid"]))]),
        "connections.json": archive.plain([_told(e, EDGE) for e in edges]),
    }
    files = [(archive.entry(f"documents/{uid}/{name}", data), _kept(ctx, data)) for name, data in sorted(made.items())]
    files.append(_stored(ctx, f"documents/{uid}/content.md", row["markdown_key"]))
    if row["source_key"] and ctx.storage.exists(row["source_key"]):
        suffix = PurePath(row["source_name"] or "").suffix.lower()
        safe = suffix if suffix[1:].isalnum() and suffix.isascii() else ".bin"
        files.append(_stored(ctx, f"documents/{uid}/source{safe}", row["source_key"]))
    counts = {"documents": 1, "chunks": len(chunks), "annotations": len(notes), "connections": len(edges)}
    return Packed(uid=uid, title=row["title"], engine=row["engine"], files=files, counts=counts)


def _edges(ctx: Context, everything: Sequence[int]) -> dict[str, list[dict[str, Any]]]:
    """Connections between the documents, by the uid of their source; read once."""

    def read() -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for edge in ctx.read().edges(everything):
            found.setdefault(str(edge["source_uid"]), []).append(edge)
        return found

    held: dict[str, list[dict[str, Any]]] = ctx.once("edges", read)
    return held


def _kept(ctx: Context, data: bytes) -> str:
    """Bytes of this job into the storage, under their hash."""
    key = work_key(ctx.job_id, archive.entry("", data).sha256)
    if not ctx.storage.exists(key):
        ctx.storage.put(key, data)
    return key


def _stored(ctx: Context, name: str, key: str) -> tuple[Entry, str]:
    """A file that the storage holds already: its size and hash by reading it once."""
    with (
        tempfile.TemporaryDirectory(prefix="jobctl-export-") as folder,
        ctx.storage.local_path(key, Path(folder)).open("rb") as stream,
    ):
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Entry(name, stream.tell(), digest), key


def _told(row: Row, names: Sequence[str]) -> dict[str, Any]:
    return {name: _plain(row[name]) for name in names}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (int, float, list, dict, type(None))) else str(value)


def _chunk(row: Row) -> dict[str, Any]:
    return {**_told(row, CHUNK), "vector": base64.b64encode(bytes(row["vector"])).decode()}


def _target(ctx: Context, path: str) -> Path:
    """Where the archive may go. Raises ``Invalid``."""
    target = ctx.allowed(path)
    if not target.parent.is_dir():
        raise Invalid(f"there is no folder {target.parent}", hint="Make it, or give another path.")
    if target.is_dir() and ctx.args.format == "zip":
        raise Invalid(f"{target} is a folder", hint="Give the name of a file, or --set format=folder.")
    return target


@pipeline.stage(share=30, verb="Writing the archive")
def archiving(ctx: Context, packed: list[Packed]) -> Exported:
    """All files and the manifest, streamed, at their place only when they are whole."""
    files = [pair for document in packed for pair in sorted(document.files, key=lambda pair: pair[0].name)]
    manifest = Manifest(
        documents=[{"uid": p.uid, "title": p.title} for p in packed], files=[held for held, _ in files],
        counts=archive.total([p.counts for p in packed]), engines=sorted({p.engine for p in packed}),
        options={"annotations": ctx.args.include_annotations, "connections": ctx.args.include_connections},
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="jobctl-export-") as folder:
        target = _target(ctx, ctx.args.path) if ctx.args.path else Path(folder) / "export.zip"
        archive.write(
            target,
            ctx.args.format if ctx.args.path else "zip",
            manifest,
            _streams(ctx, files, Path(folder)),
            owner=str(ctx.job_id),
        )
        size, sha256 = _measured(target, manifest)
        key = None
        if not ctx.args.path:
            key = f"exports/{sha256[:2]}/{sha256}.zip"
            with target.open("rb") as stream:
                ctx.storage.put_file(key, stream)
    return Exported(
        documents=len(packed), path=str(target) if ctx.args.path else None, key=key, bytes=size, sha256=sha256,
        counts=manifest.counts,
    )  # fmt: skip


def _streams(ctx: Context, files: Sequence[tuple[Entry, str]], folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    for number, (held, key) in enumerate(files):
        ctx.check_interrupt()
        ctx.progress(
            f"Writing file {number + 1:,} of {len(files):,}", current=number + 1, total=len(files), unit="file"
        )
        path = ctx.storage.local_path(key, folder)
        with path.open("rb") as stream:
            yield held.name, stream
        if path.parent == folder:  # a copy, of a storage that is elsewhere
            path.unlink()


def _measured(target: Path, manifest: Manifest) -> tuple[int, str]:
    """Size and SHA-256 of the archive; of a folder those of its manifest, which names all the rest."""
    if target.is_dir():
        data = manifest.bytes()
        return sum(held.size for held in manifest.files) + len(data), hashlib.sha256(data).hexdigest()
    with target.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return stream.tell(), digest
