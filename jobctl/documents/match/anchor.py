"""A new generation of a document: what a person did with the old one finds its place in the new one, or a review.

Runs inside the transaction that saves the document, on the Library of core/ports.py.
"""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from typing import Any

from jobctl.core.ports import Library, Row
from jobctl.documents.match.place import FoldedText, Placement

HEAD = 400
"""Characters of a passage by which it is looked for."""


def save(library: Library, fields: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], markdown: str) -> int:
    """Writes a document and its chunks; annotations and judged connections of the old generation move along."""
    known = library.lock(str(fields["uid"]))
    if known is None:
        return library.save(fields, rows)
    judged = library.judged_chunks(known["id"])
    kept = {row["text"] for row in rows}
    lost = [chunk for chunk in judged if chunk["text"] not in kept]
    if known["markdown_sha256"] == fields["markdown_sha256"]:
        moves = {chunk["id"]: _covering(rows, chunk["start_offset"]) for chunk in lost}
        return library.save(fields, rows, moves=_named(rows, moves))
    folded = FoldedText(markdown)
    moves = {chunk["id"]: _moved(folded, rows, chunk, known) for chunk in lost}
    document_id = library.save(fields, rows, moves=_named(rows, moves))
    _annotations(library, document_id, folded)
    return document_id


def _annotations(library: Library, document_id: int, folded: FoldedText) -> None:
    """Each annotation to its place in the new text; one without a place keeps its words and goes to the review."""
    length = max(folded.length, 1)
    for note in library.annotations(document_id):
        near = None if note["start_offset"] is None else note["start_offset"] / length
        found = folded.place(note["text"], near=near)
        placed = found.outcome == "placed"
        library.move_annotation(note["uid"], found.start if placed else None, found.end if placed else None)
        if not placed:
            library.review(lost_annotation(document_id, note, found))


def lost_annotation(document_id: int, note: Row, found: Placement) -> dict[str, Any]:
    """The line of the review for an annotation that lost its place."""
    return {
        "source": "reanchor", "source_id": str(note["uid"]), "document_id": document_id,
        "payload": {"text": note["text"], "note": note["note"], "annotation": str(note["uid"])},
        "suggestion": {"start": found.start, "end": found.end, "score": found.score, "runner_up": found.runner_up},
        "reason": found.reason or "its passage is not in the new text", "status": "open",
    }  # fmt: skip


def _moved(folded: FoldedText, rows: Sequence[Mapping[str, Any]], chunk: Row, known: Row) -> int | None:
    found = folded.place(chunk["text"][:HEAD], near=chunk["start_offset"] / max(folded.length, 1))
    return _covering(rows, found.start) if found.start is not None else _nearest(rows, chunk, known)


def _covering(rows: Sequence[Mapping[str, Any]], offset: int) -> int | None:
    """The place in ``rows`` of the chunk that holds an offset, or of the last one before it."""
    if not rows:
        return None
    return max(0, bisect.bisect_right([row["start_offset"] for row in rows], offset) - 1)


def _nearest(rows: Sequence[Mapping[str, Any]], chunk: Row, known: Row) -> int | None:
    """Nothing like it is left: the passage under the same heading, else none."""
    path = chunk["heading_path"]
    same = [place for place, row in enumerate(rows) if path and list(row["heading_path"]) == list(path)]
    return same[0] if same and known else None


def _named(rows: Sequence[Mapping[str, Any]], moves: Mapping[int, int | None]) -> dict[int, int | None]:
    """Places in ``rows`` as the chunks' own index."""
    return {old: None if place is None else int(rows[place]["index"]) for old, place in moves.items()}
