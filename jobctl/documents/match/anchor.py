"""A new generation of a document: a person's annotations and judgements get their position in it, or go to the review.

Runs inside the transaction that saves the document, on the Library of core/ports.py.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence

from jobctl.core.library import DocumentFields, JudgedChunk, NewAnnotation, NewChunk, NewReviewItem
from jobctl.core.ports import Library
from jobctl.documents.match.locate import FoldedText, Placement

HEAD = 400
"""Characters of a passage by which it is searched for."""


def save(library: Library, fields: DocumentFields, chunks: Sequence[NewChunk], markdown: str) -> int:
    """Writes a document and its chunks; annotations and judged connections of the old generation move along.

    Returns the document's id.
    """
    old = library.lock(fields["uid"])
    if old is None:
        return library.save(fields, chunks)
    kept = {chunk.text for chunk in chunks}
    lost = [chunk for chunk in library.judged_chunks(old.id) if chunk.text not in kept]
    if old.markdown_sha256 == fields["markdown_sha256"]:
        moves = {chunk.id: _covering(chunks, chunk.start_offset) for chunk in lost}
        return library.save(fields, chunks, moves=_as_indexes(chunks, moves))
    folded = FoldedText(markdown)
    moves = {chunk.id: _moved(folded, chunks, chunk) for chunk in lost}
    document_id = library.save(fields, chunks, moves=_as_indexes(chunks, moves))
    _move_annotations(library, document_id, folded)
    return document_id


def _move_annotations(library: Library, document_id: int, folded: FoldedText) -> None:
    """Each annotation to its position in the new text; one without a position keeps its text and goes to the review."""
    length = max(folded.length, 1)
    for annotation in library.annotations(document_id):
        near = None if annotation.start_offset is None else annotation.start_offset / length
        found = folded.locate(annotation.text, near=near)
        placed = found.outcome == "placed"
        library.move_annotation(annotation.uid, found.start if placed else None, found.end if placed else None)
        if not placed:
            library.review(lost_annotation(document_id, annotation, found))


def lost_annotation(document_id: int, annotation: NewAnnotation, found: Placement) -> NewReviewItem:
    """The line of the review for an annotation that lost its position."""
    return NewReviewItem(
        source="reanchor", source_id=annotation.uid, document_id=document_id,
        payload={"text": annotation.text, "note": annotation.note, "annotation": annotation.uid},
        suggestion=found.suggestion(), reason=found.reason or "its passage is not in the new text", status="open",
    )  # fmt: skip


def _moved(folded: FoldedText, chunks: Sequence[NewChunk], chunk: JudgedChunk) -> int | None:
    found = folded.locate(chunk.text[:HEAD], near=chunk.start_offset / max(folded.length, 1))
    return _covering(chunks, found.start) if found.start is not None else _under_same_heading(chunks, chunk)


def _covering(chunks: Sequence[NewChunk], offset: int) -> int | None:
    """The position in ``chunks`` of the one that covers an offset, or of the last one before it."""
    if not chunks:
        return None
    return max(0, bisect.bisect_right([chunk.start_offset for chunk in chunks], offset) - 1)


def _under_same_heading(chunks: Sequence[NewChunk], chunk: JudgedChunk) -> int | None:
    """Where no text is alike: the first chunk under the same heading, else none."""
    path = chunk.heading_path
    return next((position for position, new in enumerate(chunks) if path and new.heading_path == path), None)


def _as_indexes(chunks: Sequence[NewChunk], moves: Mapping[int, int | None]) -> dict[int, int | None]:
    """Positions in ``chunks`` as the chunks' own index."""
    return {old: None if position is None else chunks[position].index for old, position in moves.items()}
