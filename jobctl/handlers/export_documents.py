"""export_documents: documents with all that belongs to them, as one archive that any library can import."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.keys import work_key
from jobctl.core.library import Document, PortableConnection
from jobctl.core.names import plural
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context
from jobctl.core.titles import LibraryTitles
from jobctl.documents import archive
from jobctl.documents.archive import Entry, Manifest, archived


class ExportDocuments(BaseModel):
    """Input of export_documents."""

    model_config = ConfigDict(extra="forbid")

    document_ids: list[int] = Field([], description="Documents; default: all")
    path: str | None = Field(None, description="Path of the archive; default: in the storage")
    format: Literal["zip", "folder"] = Field("zip", description="A ZIP file or a folder")
    include_connections: bool = Field(False, description="Include the connections between these documents")
    include_annotations: bool = Field(False, description="Include highlights and notes")


class Packed(BaseModel):
    """A document, ready for the archive: its files in the storage."""

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


def _library_title(args: ExportDocuments, library: LibraryTitles) -> str | None:
    count = None if args.document_ids else library.document_count()
    return None if count is None else plural(count, "document")


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
    library_title=_library_title,
    mode=_mode,
    example={"path": "library.zip", "include_connections": True, "include_annotations": True},
)


@pipeline.stage(share=5, verb="Listing documents")
def listing(ctx: Context, args: ExportDocuments) -> list[int]:
    """The documents in the order of the archive. Raises ``Invalid`` that names every id that does not exist."""
    documents = ctx.read().documents(args.document_ids or None)
    if missing := sorted(set(args.document_ids) - {document.id for document in documents}):
        raise Invalid(f"no such document: {', '.join(map(str, missing))}", hint="jobctl search TEXT shows documents")
    if not documents:
        raise Invalid("the library is empty: there is nothing to export", hint="jobctl submit PATH")
    if args.path:
        _target(ctx, args.path)
    return [document.id for document in sorted(documents, key=lambda document: document.uid)]


@pipeline.batches(share=60, size=1, noun="document", verb="Packing")
def packing(ctx: Context, ids: Sequence[int]) -> list[Packed]:
    """The files of each document, by content, in the storage."""
    return [_pack(ctx, document_id) for document_id in ids]


def _pack(ctx: Context, document_id: int) -> Packed:
    library = ctx.read()
    document = library.document(document_id)
    if document is None:
        raise Invalid(f"document {document_id} was deleted while this job ran", hint="Submit it again.")
    chunks = library.chunks([document_id])
    annotations = library.annotations(document_id) if ctx.args.include_annotations else []
    connections = _connections(ctx).get(document.uid, []) if ctx.args.include_connections else []
    contents = {
        "document.json": archive.plain(archived(document)),
        "chunks.jsonl": archive.lines(map(archived, chunks)),
        "annotations.json": archive.plain([archived(a) for a in sorted(annotations, key=lambda a: a.uid)]),
        "connections.json": archive.plain([archived(connection) for connection in connections]),
    }
    folder = f"documents/{document.uid}"
    files = [(archive.entry(f"{folder}/{name}", data), _put(ctx, data)) for name, data in sorted(contents.items())]
    files.append(_stored(ctx, f"{folder}/content.md", document.markdown_key))
    if document.source_key and ctx.storage.exists(document.source_key):
        files.append(_stored(ctx, f"{folder}/source{_suffix(document)}", document.source_key))
    counts = {
        "documents": 1, "chunks": len(chunks), "annotations": len(annotations), "connections": len(connections),
    }  # fmt: skip
    return Packed(uid=document.uid, title=document.title, engine=document.engine, files=files, counts=counts)


def _suffix(document: Document) -> str:
    """The suffix of the source's file name where it is a plain one."""
    suffix = PurePath(document.source_name or "").suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() else ".bin"


def _connections(ctx: Context) -> dict[str, list[PortableConnection]]:
    """Connections between the documents, by the uid of their source; read once an attempt."""

    def read() -> dict[str, list[PortableConnection]]:
        documents: list[int] = ctx.result("listing")
        found: dict[str, list[PortableConnection]] = {}
        for connection in ctx.read().portable_connections(documents):
            found.setdefault(connection.source_uid, []).append(connection)
        return found

    return ctx.once("connections", read)


def _put(ctx: Context, data: bytes) -> str:
    """Puts bytes of this job into the storage under their hash; returns the key."""
    key = work_key(ctx.job_id, archive.entry("", data).sha256)
    if not ctx.storage.exists(key):
        ctx.storage.put(key, data)
    return key


def _stored(ctx: Context, name: str, key: str) -> tuple[Entry, str]:
    """A file that is in the storage already: its size and hash by reading it once."""
    with (
        tempfile.TemporaryDirectory(prefix="jobctl-export-") as folder,
        ctx.storage.local_path(key, Path(folder)).open("rb") as stream,
    ):
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return Entry(name, stream.tell(), digest), key


def _target(ctx: Context, path: str) -> Path:
    """Where the archive may go. Raises ``Invalid``."""
    target = ctx.allowed(path)
    if not target.parent.is_dir():
        raise Invalid(f"no such folder: {target.parent}", hint="Create it, or choose another path.")
    if target.is_dir() and ctx.args.format == "zip":
        raise Invalid(f"{target} is a folder", hint="Name a file, or --set format=folder.")
    return target


@pipeline.stage(share=30, verb="Writing the archive")
def archiving(ctx: Context, packed: list[Packed]) -> Exported:
    """All files and the manifest, streamed; the archive appears under its name only when it is whole."""
    files = [pair for document in packed for pair in sorted(document.files, key=lambda pair: pair[0].name)]
    manifest = Manifest(
        documents=[{"uid": p.uid, "title": p.title} for p in packed], files=[file for file, _ in files],
        counts=archive.total([p.counts for p in packed]), engines=sorted({p.engine for p in packed}),
        options={"annotations": ctx.args.include_annotations, "connections": ctx.args.include_connections},
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="jobctl-export-") as folder:
        target = _target(ctx, ctx.args.path) if ctx.args.path else Path(folder).resolve() / "export.zip"
        written = archive.write(
            target,
            ctx.args.format if ctx.args.path else "zip",
            manifest,
            _streams(ctx, files, Path(folder)),
            owner=str(ctx.job_id),
        )
        key = None
        if not ctx.args.path:
            key = f"exports/{written.sha256[:2]}/{written.sha256}.zip"
            with target.open("rb") as stream:
                ctx.storage.put_file(key, stream)
    return Exported(
        documents=len(packed), path=str(target) if ctx.args.path else None, key=key,
        bytes=written.bytes, sha256=written.sha256, counts=manifest.counts,
    )  # fmt: skip


def _streams(ctx: Context, files: Sequence[tuple[Entry, str]], folder: Path) -> Iterator[tuple[str, BinaryIO]]:
    for number, (file, key) in enumerate(files):
        ctx.check_interrupt()
        ctx.progress(
            f"Writing file {number + 1:,} of {len(files):,}", current=number + 1, total=len(files), unit="file"
        )
        path = ctx.storage.local_path(key, folder)
        with path.open("rb") as stream:
            yield file.name, stream
        if path.parent == folder:  # a copy, of a storage that is elsewhere
            path.unlink()
