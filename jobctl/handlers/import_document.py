"""import_document: an archive of another library, imported without losing judgements and notes of either library."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from jobctl.core.errors import Invalid
from jobctl.core.keys import markdown_key, source_key
from jobctl.core.library import DocumentFields, JudgedConnection, NewChunk
from jobctl.core.names import plural
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Context, Embedder, Library
from jobctl.documents import match
from jobctl.documents.archive import Archive, ArchivedAnnotation, ArchivedDocument


class ImportDocument(BaseModel):
    """Input of import_document."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(
        min_length=1, description="An archive of export_documents: a ZIP, or a folder the worker may read"
    )
    mode: Literal["skip", "replace", "merge_smart"] = Field(
        "skip",
        description="Existing documents: skip them, replace them, or keep the newer version with the notes of both",
    )
    with_embeddings: bool = Field(True, description="Import the vectors of the archive; else compute them")
    with_connections: bool = Field(True, description="Import the connections")


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


def _title(args: ImportDocument) -> str:
    """The title of an archive's only document, or how many it has; the file's name where it can't be read here."""
    path = Path(args.path)
    try:
        if not path.is_file():  # a pipe would block
            return path.stem
        archive = Archive(path)
    except (Invalid, OSError):
        return path.stem  # the job says what is wrong with it
    archive.close()
    documents = archive.manifest.documents
    return (documents[0].get("title") or path.stem) if len(documents) == 1 else plural(len(documents), "document")


pipeline = Pipeline(
    "import_document",
    label="Import",
    args=ImportDocument,
    help="Import an exported archive into the library.",
    title=_title,
    mode=lambda args: "with embeddings" if args.with_embeddings else None,
    input_files=["path"],
    example={"path": "library.zip", "mode": "merge_smart"},
)


def _archive(ctx: Context) -> Archive:
    return ctx.once("archive", lambda: Archive(ctx.open(ctx.args.path)))


def _listed(ctx: Context, args: ImportDocument) -> list[dict[str, str]]:  # noqa: ARG001 - the signature of ``over``
    return _archive(ctx).manifest.documents


@pipeline.batches(share=20, size=1, noun="document", over=_listed, verb="Verifying", timeout="30m", cpu="20m")
def verifying(ctx: Context, documents: Sequence[dict[str, str]]) -> list[str]:
    """Every file against the manifest, before anything is written."""
    archive = _archive(ctx)
    for document in documents:
        archive.verify(document["uid"])
        archive.document(document["uid"])
        archive.chunks(document["uid"])
    return [document["uid"] for document in documents]


@pipeline.batches(share=60, size=1, noun="document", verb="Importing")
def importing(ctx: Context, uids: Sequence[str]) -> list[Taken]:
    """Each document with its passages and notes, in one transaction."""
    return [_import(ctx, uid) for uid in uids]


def _import(ctx: Context, uid: str) -> Taken:
    archive = _archive(ctx)
    archived, existing = archive.document(uid), ctx.read().document_with_uid(uid)
    if existing is not None and ctx.args.mode == "skip":
        return Taken(uid=uid, title=archived.title, outcome="skipped")
    newer = existing is None or ctx.args.mode == "replace" or archived.updated_at > existing.updated_at
    if existing is None:
        outcome = "added"
    elif ctx.args.mode == "replace":
        outcome = "replaced"
    else:
        outcome = "merged" if newer else "kept"
    fields, chunks = (_fields(ctx, archived), _embedded(ctx, archived, archive.chunks(uid))) if newer else (None, [])
    text, annotations = archive.text(uid), archive.annotations(uid)

    def write(library: Library) -> None:
        if fields is not None:
            match.save(library, fields, chunks, text)
        saved = library.document_with_uid(uid)
        if saved is None:
            raise Invalid("the document was deleted while this job ran", hint="Submit it again.")
        same = saved.markdown_sha256 == archived.markdown_sha256
        _merge_annotations(library, saved.id, annotations, None if same else match.FoldedText(text))

    ctx.write(write)
    return Taken(uid=uid, title=archived.title, outcome=outcome, chunks=len(chunks), annotations=len(annotations))


def _fields(ctx: Context, archived: ArchivedDocument) -> DocumentFields:
    """The columns of the document; its bytes go into the storage first."""
    return {
        "uid": archived.uid, "title": archived.title, "author": archived.author, "source_type": archived.source_type,
        "source_name": archived.source_name, "source_url": archived.source_url, "source_sha256": archived.source_sha256,
        "source_key": _store_source(ctx, archived), "language": archived.language, "page_count": archived.page_count,
        "word_count": archived.word_count, "outline": archived.outline, "frontmatter": archived.frontmatter,
        "markdown_key": _store_markdown(ctx, archived), "markdown_sha256": archived.markdown_sha256,
        "engine": archived.engine if ctx.args.with_embeddings else _embedder(ctx).id,
        "created_at": archived.created_at, "updated_at": archived.updated_at,
    }  # fmt: skip


def _store_markdown(ctx: Context, archived: ArchivedDocument) -> str:
    key = markdown_key(archived.markdown_sha256)
    if not ctx.storage.exists(key):
        ctx.storage.put(key, _archive(ctx).text(archived.uid).encode())
    return key


def _store_source(ctx: Context, archived: ArchivedDocument) -> str | None:
    """The storage key of the original, None where the archive has none."""
    name = _archive(ctx).source(archived.uid)
    if name is None or not archived.source_sha256:
        return None
    key = source_key(archived.source_sha256)
    if not ctx.storage.exists(key):
        with tempfile.TemporaryFile(prefix="jobctl-import-") as stream:
            _archive(ctx).copy(name, stream)
            stream.seek(0)
            ctx.storage.put_file(key, stream)
    return key


def _embedder(ctx: Context) -> Embedder:
    embedder: Embedder = ctx.plugin("embedder")
    return embedder


def _embedded(ctx: Context, archived: ArchivedDocument, chunks: list[NewChunk]) -> list[NewChunk]:
    """The chunks with the archive's vectors, or new ones by the configured engine."""
    if ctx.args.with_embeddings or archived.engine == _embedder(ctx).id:
        return chunks
    vectors = _embedder(ctx).embed([chunk.text for chunk in chunks])
    return [replace(chunk, vector=vector) for chunk, vector in zip(chunks, vectors, strict=True)]


def _merge_annotations(
    library: Library, document_id: int, archived: Sequence[ArchivedAnnotation], folded: match.FoldedText | None
) -> None:
    """Adds the archive's annotations; of one that exists in both, the newer is kept.

    ``folded``: the text in which positions are searched for; None where it is the archive's own.
    """
    existing = {annotation.uid: annotation for annotation in library.annotations(document_id)}
    for one in archived:
        own = existing.get(one.uid)
        if own is not None and own.updated_at >= one.updated_at:
            continue
        annotation = one.annotation(document_id)
        if folded is not None:
            found = folded.locate(one.text)
            placed = found.outcome == "placed"
            annotation = replace(
                annotation, start_offset=found.start if placed else None, end_offset=found.end if placed else None
            )
            if not placed:
                library.review(match.lost_annotation(document_id, annotation, found))
        library.annotate(annotation)


@pipeline.stage(share=20, verb="Importing connections")
def connecting(ctx: Context, taken: list[Taken]) -> Imported:
    """The connections between documents that are in this library now; judged ones keep their judgement."""
    connections: list[JudgedConnection] = []
    left_out = 0
    if ctx.args.with_connections:
        connections, left_out = _connections(ctx, {t.uid for t in taken if t.outcome != "skipped"})
    ctx.write(lambda library: library.merge_connections(connections))
    counts: dict[str, int] = {}
    for document in taken:
        counts[document.outcome] = counts.get(document.outcome, 0) + 1
    return Imported(
        documents=counts, chunks=sum(t.chunks for t in taken), annotations=sum(t.annotations for t in taken),
        connections=len(connections), connections_left_out=left_out, taken=taken,
    )  # fmt: skip


def _connections(ctx: Context, uids: set[str]) -> tuple[list[JudgedConnection], int]:
    """The connections whose chunks both exist here, and the number of the others."""
    positions: dict[str, dict[int, int]] = {}

    def chunk(uid: str, index: int) -> int | None:
        if uid not in positions:
            positions[uid] = _chunk_ids(ctx.read(), uid)
        return positions[uid].get(index)

    connections: list[JudgedConnection] = []
    left_out = 0
    for uid in sorted(uids):
        for one in _archive(ctx).connections(uid):
            source, target = chunk(uid, one.source_index), chunk(one.target_uid, one.target_index)
            if source is None or target is None:
                left_out += 1
                continue
            connections.append(
                JudgedConnection(
                    source_chunk=source, target_chunk=target, type=one.type, strength=one.strength,
                    evidence=one.evidence, engine=one.engine, user_validated=one.user_validated, starred=one.starred,
                    note=one.note, judged_at=one.judged_at, created_at=one.created_at,
                )
            )  # fmt: skip
    return connections, left_out


def _chunk_ids(library: Library, uid: str) -> dict[int, int]:
    """Chunk ids of a document by index; empty for one that is not in this library."""
    document = library.document_with_uid(uid)
    return {chunk.index: chunk.id for chunk in library.chunk_positions([document.id])} if document else {}
