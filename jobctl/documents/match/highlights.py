"""Highlights that come from elsewhere: which document they belong to, where in it, and what a person has to decide."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz import fuzz

from jobctl.core.ports import Library, Row
from jobctl.documents.match.place import FoldedText, Placement

NAMESPACE = uuid.UUID("5f0c2c1e-6d0a-5c5e-9d55-726561647769")
SAME, LIKELY = 88.0, 70.0
"""Percent: the same book from the one on, perhaps from the other."""
APART = 4.0
ORIGIN = "origin:"
"""Before the keys of annotations by Readwise's own number."""
_NOISE = re.compile(r"[^\w\s]|_")
_ARTICLE = re.compile(r"^(?:the|a|an|der|die|das|le|la|les|el|los)\s+")


@dataclass(frozen=True, slots=True)
class Book:
    """Which document a book is: ``sure``, or the best guess, or none."""

    document_id: int | None
    score: float
    runner_up: float
    sure: bool


def which(title: str, author: str | None, documents: Sequence[Row]) -> Book:
    """The best document for a title and an author, never the first that is good enough."""
    ranked = sorted(((_alike(title, author, row), -int(row["id"])) for row in documents), reverse=True)
    if not ranked or ranked[0][0] < LIKELY:
        return Book(None, ranked[0][0] if ranked else 0.0, 0.0, sure=False)
    score, negative = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    return Book(-negative, score, second, sure=score >= SAME and second < score - APART)


def _alike(title: str, author: str | None, row: Row) -> float:
    whole = fuzz.token_sort_ratio(_words(title), _words(str(row["title"])))
    main = fuzz.token_sort_ratio(_words(_main(title)), _words(_main(str(row["title"]))))
    titles = max(whole, main - 2.0)
    if not author or not row["author"]:
        return titles
    authors = fuzz.token_set_ratio(_words(author), _words(str(row["author"])))
    return float(0.8 * titles + 0.2 * authors)


def _main(title: str) -> str:
    """Without the subtitle."""
    return re.split(r"[:(\u2013\u2014]", title)[0] or title


def _words(text: str) -> str:
    return _ARTICLE.sub("", " ".join(_NOISE.sub(" ", text.casefold()).split()))


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written for a highlight: an annotation, a line of the review, or nothing."""

    outcome: str  # placed review failed waiting known updated deleted
    annotation: dict[str, Any] | None = None
    review: dict[str, Any] | None = None
    gone: str | None = None  # uid of an annotation that Readwise deleted
    withdrawn: str | None = None  # id of a highlight that Readwise deleted before it had its place

    def write(self, library: Library) -> None:
        """Writes it. A line of the review that a person has decided on stays decided."""
        if self.annotation is not None:
            library.annotate(self.annotation)
        if self.review is not None:
            library.review(self.review)
        if self.gone is not None:
            library.remove_annotation(self.gone)
        if self.withdrawn is not None:
            for status in ("open", "waiting"):
                for row in library.reviews(source="readwise", status=status):
                    if row["source_id"] == self.withdrawn:
                        library.decide(row["id"], "rejected")


def decide(
    document_id: int, known: Mapping[str, Row], folded: FoldedText, highlight: Mapping[str, Any], *, sure: bool = True
) -> Decision:
    """Where a highlight goes. ``known``: the document's annotations as ``known_rows`` returns them; they keep their place.

    ``highlight``: id, text, note, colour, tags, near (0 to 1 or None), book, author, origin, deleted, whole.
    """
    uid = str(uuid.uuid5(NAMESPACE, f"{document_id}:{highlight['id']}"))
    row = known.get(uid) or known.get(f"{ORIGIN}{highlight.get('origin')}")
    if highlight.get("deleted"):
        return Decision("deleted", gone=str(row["uid"])) if row else withdraw(highlight)
    if row is not None:
        return _changed(row, highlight)
    found = folded.place(highlight["text"], near=highlight.get("near"))
    if found.outcome == "placed" and sure:
        return Decision("placed", _annotation(uid, document_id, highlight, found.start, found.end))
    if found.outcome == "failed":
        return Decision("failed")
    review = {
        "source": "readwise", "source_id": str(highlight["id"]), "document_id": document_id,
        "payload": {**highlight, "annotation": uid}, "suggestion": _suggestion(found), "status": "open",
        "reason": found.reason if sure else "it is not certain that this is the book",
    }  # fmt: skip
    return Decision("review", review=review)


def known_rows(annotations: Sequence[Row]) -> dict[str, Row]:
    """A document's annotations by uid, and those of Readwise by its number too: their words may have changed."""
    rows = {f"{ORIGIN}{row['origin_id']}": row for row in annotations if row["origin"] == "readwise"}
    return rows | {str(row["uid"]): row for row in annotations}


def withdraw(highlight: Mapping[str, Any]) -> Decision:
    """A deleted highlight that has no place: it does not wait for one any longer."""
    return Decision("known", withdrawn=str(highlight["id"]))


def _changed(row: Row, highlight: Mapping[str, Any]) -> Decision:
    """What Readwise says now of a highlight that is here; a source that leaves a field empty says nothing of it."""
    new = {name: highlight.get(name) or None for name in ("note", "colour")} | {
        "tags": list(highlight.get("tags") or ())
    }
    old = {"note": row["note"] or None, "colour": row["colour"] or None, "tags": list(row["tags"] or ())}
    taken = {name: value for name, value in new.items() if value != old[name] and (value or highlight.get("whole"))}
    if not taken:
        return Decision("known")
    names = (
        "uid",
        "document_id",
        "start_offset",
        "end_offset",
        "text",
        "note",
        "colour",
        "tags",
        "origin",
        "origin_id",
    )
    kept = {name: row[name] for name in names} | {"uid": str(row["uid"])}
    return Decision("updated", kept | taken)


def wait(highlight: Mapping[str, Any]) -> Decision:
    """A highlight whose document is not here yet."""
    review = {
        "source": "readwise", "source_id": str(highlight["id"]), "document_id": None, "payload": dict(highlight),
        "reason": "its document is not in the library yet", "status": "waiting",
    }  # fmt: skip
    return Decision("waiting", review=review)


def arrived(library: Library, document_id: int, markdown: str) -> int:
    """Places the highlights that waited for this document; gives how many were placed."""
    waiting = library.reviews(source="readwise", status="waiting")
    document = library.document(document_id)
    if not waiting or document is None:
        return 0
    everybody = library.documents()
    known = known_rows(library.annotations(document_id))
    folded: FoldedText | None = None
    placed = 0
    for row in waiting:
        highlight = row["payload"]
        book = which(highlight["book"], highlight.get("author"), everybody)
        if book.document_id != document_id or not book.sure:
            continue
        folded = folded or FoldedText(markdown)
        decision = decide(document_id, known, folded, highlight)
        if decision.outcome == "review":  # the line that waited becomes the one that asks
            library.update_review(row["id"], decision.review or {})
            continue
        library.decide(row["id"], "accepted" if decision.outcome != "failed" else "rejected")
        decision.write(library)
        placed += decision.outcome == "placed"
    return placed


def accept(library: Library, row: Row) -> None:
    """What a person accepts: the suggested place, or the words without one."""
    suggestion = row["suggestion"] or {}
    payload = row["payload"] or {}
    if row["source"] == "reanchor" and payload.get("annotation"):
        library.move_annotation(payload["annotation"], suggestion.get("start"), suggestion.get("end"))
    elif row["source"] == "readwise" and row["document_id"] is not None:
        uid, start, end = payload["annotation"], suggestion.get("start"), suggestion.get("end")
        library.annotate(_annotation(uid, row["document_id"], payload, start, end))


def _suggestion(found: Placement) -> dict[str, Any]:
    return {"start": found.start, "end": found.end, "score": found.score, "runner_up": found.runner_up}


def _annotation(
    uid: str, document_id: int, highlight: Mapping[str, Any], start: int | None, end: int | None
) -> dict[str, Any]:
    return {
        "uid": uid, "document_id": document_id, "start_offset": start, "end_offset": end, "text": highlight["text"],
        "note": highlight.get("note") or None, "colour": highlight.get("colour") or None,
        "tags": list(highlight.get("tags") or ()), "origin": "readwise",
        "origin_id": str(highlight.get("origin") or highlight["id"]),
    }  # fmt: skip
