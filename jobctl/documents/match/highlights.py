"""Imported highlights: which document they belong to, where in it, and what a person has to decide."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pydantic import TypeAdapter
from rapidfuzz import fuzz

from jobctl.core.library import Document, NewAnnotation, NewReviewItem, ReviewItem
from jobctl.core.ports import Library
from jobctl.documents.match.locate import FoldedText

NAMESPACE = uuid.UUID("5f0c2c1e-6d0a-5c5e-9d55-726561647769")
SAME, LIKELY = 88.0, 70.0
"""Percent of agreement: the same book from the first, perhaps from the second."""
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


def which(title: str, author: str | None, documents: Sequence[Document]) -> Book:
    """The best document for a title and an author."""
    ranked = sorted(((_alike(title, author, document), -document.id) for document in documents), reverse=True)
    if not ranked or ranked[0][0] < LIKELY:
        return Book(None, ranked[0][0] if ranked else 0.0, 0.0, sure=False)
    score, negative = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else 0.0
    return Book(-negative, score, second, sure=score >= SAME and second < score - APART)


def _alike(title: str, author: str | None, document: Document) -> float:
    whole = fuzz.token_sort_ratio(_normalised(title), _normalised(document.title))
    main = fuzz.token_sort_ratio(_normalised(_main(title)), _normalised(_main(document.title)))
    titles = max(whole, main - 2.0)
    if not author or not document.author:
        return titles
    authors = fuzz.token_set_ratio(_normalised(author), _normalised(document.author))
    return float(0.8 * titles + 0.2 * authors)


def _main(title: str) -> str:
    """Without the subtitle."""
    return re.split(r"[:(\u2013\u2014]", title)[0] or title


def _normalised(text: str) -> str:
    return _ARTICLE.sub("", " ".join(_NOISE.sub(" ", text.casefold()).split()))


@dataclass(frozen=True, slots=True)
class Highlight:
    """A highlight to place. ``near`` is its position in its book, 0 to 1, where that is known."""

    id: str
    text: str
    book: str
    author: str | None = None
    note: str | None = None
    colour: str | None = None
    tags: list[str] = field(default_factory=list)
    near: float | None = None
    origin: str | None = None  # the source's own number
    deleted: bool = False
    whole: bool = False  # an empty note or colour means that there is none
    highlighted_at: datetime | None = None

    @classmethod
    def from_payload(cls, payload: Mapping[str, object]) -> Highlight:
        """A highlight of the review; what an older line lacks has its default."""
        return _HIGHLIGHT.validate_python(dict(payload))

    def to_payload(self) -> dict[str, object]:
        """As plain data, for the review."""
        payload: dict[str, object] = _HIGHLIGHT.dump_python(self, mode="json")
        return payload


_HIGHLIGHT = TypeAdapter(Highlight)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written for a highlight: an annotation, a line of the review, or nothing."""

    outcome: str  # placed review failed waiting known updated deleted
    annotation: NewAnnotation | None = None
    review: NewReviewItem | None = None
    gone: str | None = None  # uid of an annotation that Readwise deleted
    withdrawn: str | None = None  # id of a highlight that Readwise deleted before it was placed

    def write(self, library: Library) -> None:
        """Writes it. A line of the review that a person has decided on stays decided."""
        if self.annotation is not None:
            library.annotate(self.annotation)
        if self.review is not None:
            library.review(self.review)
        if self.gone is not None:
            library.remove_annotation(self.gone)
        if self.withdrawn is not None:
            items = [*library.reviews(source="readwise"), *library.reviews(source="readwise", status="waiting")]
            for item in items:
                if item.source_id == self.withdrawn:
                    library.decide(item.id, "rejected")


def decide(
    document_id: int, known: Mapping[str, NewAnnotation], folded: FoldedText, highlight: Highlight, *, sure: bool = True
) -> Decision:
    """Where a highlight goes. ``known``: the document's annotations by ``known_rows``; they keep their position."""
    uid = str(uuid.uuid5(NAMESPACE, f"{document_id}:{highlight.id}"))
    existing = known.get(uid) or known.get(f"{ORIGIN}{highlight.origin}")
    if highlight.deleted:
        return Decision("deleted", gone=existing.uid) if existing else withdraw(highlight)
    if existing is not None:
        return _changed(existing, highlight)
    found = folded.locate(highlight.text, near=highlight.near)
    if found.outcome == "placed" and sure:
        return Decision("placed", _annotation(uid, document_id, highlight, found.start, found.end))
    if found.outcome == "failed":
        return Decision("failed")
    review = NewReviewItem(
        source="readwise", source_id=highlight.id, document_id=document_id,
        payload={**highlight.to_payload(), "annotation": uid}, suggestion=found.suggestion(), status="open",
        reason=found.reason if sure else "it is not certain that this is the book",
    )  # fmt: skip
    return Decision("review", review=review)


def known_rows(annotations: Sequence[NewAnnotation]) -> dict[str, NewAnnotation]:
    """A document's annotations by uid, and those of Readwise by its number too: their text may have changed."""
    by_origin = {f"{ORIGIN}{one.origin_id}": one for one in annotations if one.origin == "readwise"}
    return by_origin | {one.uid: one for one in annotations}


def withdraw(highlight: Highlight) -> Decision:
    """A deleted highlight that was not placed: it no longer waits for its document."""
    return Decision("known", withdrawn=highlight.id)


def _changed(existing: NewAnnotation, highlight: Highlight) -> Decision:
    """What Readwise has now for a highlight that exists; a source that leaves a field empty does not clear it."""
    new = replace(
        existing,
        note=_newer(existing.note, highlight.note, whole=highlight.whole),
        colour=_newer(existing.colour, highlight.colour, whole=highlight.whole),
        tags=highlight.tags if highlight.tags or highlight.whole else existing.tags,
        created_at=highlight.highlighted_at or existing.created_at,
        updated_at=None,
    )
    before = existing.note or None, existing.colour or None, existing.tags, existing.created_at
    same = (new.note, new.colour, new.tags, new.created_at) == before
    return Decision("known") if same else Decision("updated", new)


def _newer(old: str | None, new: str | None, *, whole: bool) -> str | None:
    return new or (None if whole else old) or None


def wait(highlight: Highlight) -> Decision:
    """A highlight whose document is not in the library yet."""
    review = NewReviewItem(
        source="readwise", source_id=highlight.id, document_id=None, payload=highlight.to_payload(),
        reason="its document is not in the library yet", status="waiting",
    )  # fmt: skip
    return Decision("waiting", review=review)


def arrived(library: Library, document_id: int, markdown: str) -> int:
    """Places the highlights that waited for this document; returns how many were placed."""
    waiting = library.reviews(source="readwise", status="waiting")
    if not waiting or library.document(document_id) is None:
        return 0
    documents = library.documents()
    known = known_rows(library.annotations(document_id))
    folded: FoldedText | None = None
    placed = 0
    for item in waiting:
        highlight = Highlight.from_payload(item.payload)
        book = which(highlight.book, highlight.author, documents)
        if book.document_id != document_id or not book.sure:
            continue
        folded = folded or FoldedText(markdown)
        decision = decide(document_id, known, folded, highlight)
        if decision.review is not None:  # the waiting line becomes the open one
            library.update_review(item.id, decision.review)
            continue
        library.decide(item.id, "accepted" if decision.outcome != "failed" else "rejected")
        decision.write(library)
        placed += decision.outcome == "placed"
    return placed


def accept(library: Library, item: ReviewItem) -> None:
    """What a person accepts: the suggested position, or the text without one."""
    start, end = _offset(item.suggestion.get("start")), _offset(item.suggestion.get("end"))
    uid = item.payload.get("annotation")
    if not isinstance(uid, str):
        return
    if item.source == "reanchor":
        library.move_annotation(uid, start, end)
    elif item.source == "readwise" and item.document_id is not None:
        library.annotate(_annotation(uid, item.document_id, Highlight.from_payload(item.payload), start, end))


def _offset(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _annotation(uid: str, document_id: int, highlight: Highlight, start: int | None, end: int | None) -> NewAnnotation:
    return NewAnnotation(
        uid=uid, document_id=document_id, start_offset=start, end_offset=end, text=highlight.text,
        note=highlight.note or None, colour=highlight.colour or None, tags=highlight.tags, origin="readwise",
        origin_id=highlight.origin or highlight.id, created_at=highlight.highlighted_at,
    )  # fmt: skip
