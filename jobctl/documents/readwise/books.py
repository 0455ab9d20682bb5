"""Books and their highlights, wherever they were exported."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

_TAG = re.compile(r"\.[^\W\d_][\w\-]{0,60}")


@dataclass(frozen=True, slots=True)
class Highlight:
    """One highlight; ``location`` orders the highlights of a book, in the unit of its source."""

    id: str  # by book and text: the same from CSV, JSON and API
    text: str
    note: str | None = None
    colour: str | None = None
    tags: list[str] = field(default_factory=list)
    location: float | None = None
    highlighted_at: datetime | None = None
    origin: str | None = None  # Readwise's own number, where the source has it
    deleted: bool = False  # deleted in Readwise
    whole: bool = False  # an empty note or colour means that there is none


@dataclass(frozen=True, slots=True)
class ReadwiseBook:
    """A book and its highlights."""

    title: str
    author: str | None
    highlights: list[Highlight]


def identity(title: str, text: str) -> str:
    """Identifies a highlight whatever its source: by its book and text."""
    both = f"{plain(title)}\x1f{plain(text)}"
    return f"text:{hashlib.sha256(both.encode()).hexdigest()[:32]}"


def plain(text: str) -> str:
    """The letters and digits of a text, without case."""
    return "".join(c for c in text.casefold() if c.isalnum())


def note_and_tags(text: str) -> tuple[str | None, list[str]]:
    """(note, tags): lines like ``.tag`` are how Readwise's readers tag on a device."""
    lines = text.splitlines()
    tags = [line.strip()[1:] for line in lines if _TAG.fullmatch(line.strip())]
    rest = "\n".join(line for line in lines if not _TAG.fullmatch(line.strip())).strip()
    return rest or None, tags


def merged(highlights: Sequence[Highlight]) -> list[Highlight]:
    """One highlight for each identity: several notes of one are one note."""
    found: dict[str, Highlight] = {}
    for one in highlights:
        before = found.get(one.id)
        if before is None:
            found[one.id] = one
            continue
        notes = list(dict.fromkeys(note for note in (before.note, one.note) if note))
        found[one.id] = replace(
            before, note="\n".join(notes) or None, colour=before.colour or one.colour,
            tags=list(dict.fromkeys([*before.tags, *one.tags])), deleted=before.deleted and one.deleted,
            highlighted_at=before.highlighted_at or one.highlighted_at,
        )  # fmt: skip
    return list(found.values())


def near(book: ReadwiseBook, highlight: Highlight) -> float | None:
    """The relative position of a highlight in its book, 0 to 1: locations have no unit, only an order."""
    locations = [h.location for h in book.highlights if h.location is not None]
    if highlight.location is None or len(locations) < 3 or max(locations) == min(locations):
        return None
    return (highlight.location - min(locations)) / (max(locations) - min(locations))


def instant(value: object) -> datetime | None:
    """A time as exports write it (ISO 8601, UTC unless it says otherwise), or None for anything else."""
    try:
        found = datetime.fromisoformat(str(value).strip())
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
