"""The "My Clippings.txt" of a Kindle, in the languages of its menus.

    The Keeper (Ann Writer)
    - Your Highlight on page 12 | Location 170-172 | Added on Monday, April 10, 2023 9:41:07 PM

    The lamp burns from dusk to dawn.
    ==========

A device only ever adds entries: an edited highlight or note stands there again, and the last one counts. A note is an entry of
its own at the position of its highlight; a bookmark is an entry without text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from jobctl.documents.readwise.books import Highlight, ReadwiseBook, identity, merged, note_and_tags, plain

_END = re.compile(r"^={10}[^\S\n]*$", re.MULTILINE)
_NOTE = re.compile(r"\b(?:note|notiz|nota|notitie|заметка)\b|笔记|筆記|メモ|메모", re.IGNORECASE)
_RANGE = re.compile(r"(\d{1,9})(?:[-\u2013](\d{1,9}))?")
_DAY_FIRST = re.compile(r"\b(\d{1,2})\.? (?:de )?([^\W\d_]{3,12})\.?,? (?:de )?(\d{4})\b")
_MONTH_FIRST = re.compile(r"\b([^\W\d_]{3,12}) (\d{1,2}), (\d{4})\b")
_NUMBERS = re.compile(r"(\d{4})[年년] ?(\d{1,2})[月월] ?(\d{1,2})[日일]")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_AFTERNOON = re.compile(r"\bp\.? ?m\b|下午|午後|오후", re.IGNORECASE)
_FORENOON = re.compile(r"\ba\.? ?m\b|上午|午前|오전", re.IGNORECASE)
_MONTHS = (
    "jan ene gen янв", "feb fév fev фев", "mar mär mrt maa мар", "apr avr abr апр", "may mai mag mei maj maё мая май",
    "jun juin giu июн", "jul juil lug июл", "aug aoû ago авг", "sep set сен", "oct okt ott out окт", "nov ноя",
    "dec dez déc dic дек",
)  # fmt: skip
"""How the names of each month begin, in English, German, French, Spanish, Italian, Portuguese, Dutch and Russian."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the file; ``start`` and ``end`` are locations, or pages where there are none."""

    title: str
    author: str | None
    text: str
    is_note: bool
    start: int | None
    end: int | None
    at: datetime | None


def recognise(text: str) -> bool:
    """Whether a text is such a file: its entries end with a line of ten equals signs."""
    return _END.search(text) is not None


def read(text: str) -> list[ReadwiseBook]:
    """Books in the order of the file. Time grows with ``n log n``."""
    books: dict[tuple[str, str | None], list[Entry]] = {}
    for entry in _entries(text):
        books.setdefault((entry.title, entry.author), []).append(entry)
    return [ReadwiseBook(title, author, _highlights(entries)) for (title, author), entries in books.items()]


def _entries(text: str) -> Iterator[Entry]:
    for block in _END.split(text.replace("\r\n", "\n").replace("\ufeff", "")):
        heading, _, rest = block.strip().partition("\n")
        facts, _, body = rest.partition("\n")
        if not facts.startswith("-"):  # an entry whose line of facts was removed
            facts, body = "", rest
        if body.strip():
            *places, added = facts.split("|") if "|" in facts else [facts, facts]
            start, end = _position(places)
            yield Entry(
                *_title_and_author(heading), body.strip(), bool(_NOTE.search(places[0])), start, end, _at(added)
            )


def _title_and_author(heading: str) -> tuple[str, str | None]:
    """``Title (Series) (Author)``: the author is in the last pair of parentheses."""
    heading = " ".join(heading.split())
    depth = 0
    for at in range(len(heading) - 1, 0, -1) if heading.endswith(")") else ():
        depth += {")": 1, "(": -1}.get(heading[at], 0)
        if depth == 0:
            title, author = heading[:at].strip(), heading[at + 1 : -1].strip()
            return (title, author) if title and author else (heading, None)
    return heading, None


def _position(places: Sequence[str]) -> tuple[int | None, int | None]:
    """The last numbers of the line of facts, without its date. Older devices shorten the second: 1234-41."""
    found = [match for place in places for match in _RANGE.finditer(place)]
    if not found:
        return None, None
    first, last = found[-1].group(1), found[-1].group(2) or found[-1].group(1)
    if len(last) < len(first):
        last = first[: len(first) - len(last)] + last
    return int(first), max(int(first), int(last))


def _at(added: str) -> datetime | None:
    """When an entry was added, by the clock of the device, which has no time zone: taken as UTC."""
    added = " ".join(added.split())
    date, time = _date(added), _TIME.search(added)
    if date is None or time is None:
        return None
    hour, minute, second = (int(part or 0) for part in time.groups())
    if _AFTERNOON.search(added) and hour < 12:
        hour += 12
    elif _FORENOON.search(added) and hour == 12:
        hour = 0
    try:
        return datetime(*date, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _date(added: str) -> tuple[int, int, int] | None:
    """(year, month, day)"""
    if found := _NUMBERS.search(added):
        return int(found[1]), int(found[2]), int(found[3])
    if found := _MONTH_FIRST.search(added):
        name, day, year = found.groups()
    elif found := _DAY_FIRST.search(added):
        day, name, year = found.groups()
    else:
        return None
    month = next((n for n, starts in enumerate(_MONTHS, 1) if name.lower().startswith(tuple(starts.split()))), None)
    return None if month is None else (int(year), month, int(day))


def _highlights(entries: Sequence[Entry]) -> list[Highlight]:
    """The highlights of a book with their notes. A note without a highlight is one itself: it is reported, not dropped."""
    marks = _latest([entry for entry in entries if not entry.is_note])
    places = sorted((mark.start, number) for number, mark in enumerate(marks) if mark.start is not None)
    notes: dict[int, str] = {}
    alone: list[Entry] = []
    for note in _last_notes(entries):
        number = _marked_at(note.start, marks, places)
        if number is None:
            alone.append(note)
        else:
            notes[number] = note.text
    found = [_highlight(mark, notes.get(number, "")) for number, mark in enumerate(marks)]
    return merged([*found, *(_highlight(note, "") for note in alone)])


def _last_notes(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Each position's last note, and those without a position."""
    notes = [entry for entry in entries if entry.is_note]
    yield from {note.start: note for note in notes if note.start is not None}.values()
    yield from (note for note in notes if note.start is None)


def _latest(marks: Sequence[Entry]) -> list[Entry]:
    """Without the highlights that were edited: a later one begins or ends where they do, and has their text or a part of it."""
    texts = [plain(mark.text) for mark in marks]
    kept: dict[int, Entry] = {}
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    for number, mark in enumerate(marks):
        if mark.start is not None and mark.end is not None:
            for before in (starts.get(mark.start), ends.get(mark.end)):
                if before in kept and _same_passage(texts[before], texts[number]):
                    del kept[before]
            starts[mark.start] = ends[mark.end] = number
        kept[number] = mark
    return list(kept.values())


def _same_passage(one: str, other: str) -> bool:
    return bool(one and other) and (one in other or other in one)


def _marked_at(location: int | None, marks: Sequence[Entry], places: Sequence[tuple[int, int]]) -> int | None:
    """The number of the highlight around a location: the one that begins last."""
    if location is None:
        return None
    at = bisect_right(places, (location, len(marks))) - 1
    if at < 0:
        return None
    number = places[at][1]
    return number if (marks[number].end or 0) >= location else None


def _highlight(entry: Entry, note: str) -> Highlight:
    text, tags = note_and_tags(note)
    return Highlight(
        identity(entry.title, entry.text), entry.text, text, tags=tags, location=entry.start, highlighted_at=entry.at
    )
