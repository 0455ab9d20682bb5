"""Readwise: its CSV export, the JSON of its export API, and the API itself (readwise.io/api_deets)."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from jobctl.core.errors import Invalid, Paywall, Permanent, Transient
from jobctl.documents.http import retry_after, send

BASE = "https://readwise.io/api/v2"
MAX_BYTES = 64 << 20
DELIMITERS = ",;\t|"
_TAG = re.compile(r"\.[^\W\d_][\w\-]{0,60}")
NEEDED = {"highlight": ("highlight",), "title": ("book title", "title")}
OTHERS = {
    "author": ("book author", "author"), "note": ("note",), "colour": ("color", "colour"), "tags": ("tags",),
    "location": ("location",), "url": ("url",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Highlight:
    """One highlight; ``location`` orders the highlights of a book, in the unit of its source."""

    id: str  # by book and text: the same from CSV, JSON and API
    text: str
    note: str | None = None
    colour: str | None = None
    tags: list[str] = field(default_factory=list)
    location: float | None = None
    origin: str | None = None  # Readwise's own number, where the source has it
    deleted: bool = False  # deleted in Readwise
    whole: bool = False  # an empty note or colour means that there is none


@dataclass(frozen=True, slots=True)
class ReadwiseBook:
    """A book and its highlights."""

    title: str
    author: str | None
    highlights: list[Highlight]


def read(data: bytes) -> list[ReadwiseBook]:
    """Books from a CSV or JSON file, whichever it is. Raises ``Invalid``."""
    if len(data) > MAX_BYTES:
        raise Invalid(f"the file is larger than {MAX_BYTES >> 20} MB")
    text = _decoded(data).replace("\x00", "")
    if not text.strip():
        raise Invalid("the file is empty")
    return _from_json(text) if text.lstrip()[:1] in "[{" else _from_csv(text)


def _decoded(data: bytes) -> str:
    """UTF-8, the UTF-16 of Excel's "Unicode text", else what spreadsheets of Windows write."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _from_csv(text: str) -> list[ReadwiseBook]:
    csv.field_size_limit(1 << 20)
    text, delimiter = _dialect(text)
    try:
        reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
        names = {(name or "").strip().casefold(): name for name in reader.fieldnames or ()}
        columns = {key: next((names[n] for n in among if n in names), None) for key, among in (NEEDED | OTHERS).items()}
        missing = [among[0] for key, among in NEEDED.items() if columns[key] is None]
        if missing:
            raise Invalid(
                f"the CSV has no column {' and no column '.join(repr(m) for m in missing)}",
                hint="The export of Readwise has: Highlight, Book Title, Book Author, Note, Color, Tags, Location …",
            )
        rows = [{key: (row.get(name) or "").strip() if name else "" for key, name in columns.items()} for row in reader]
    except csv.Error as error:
        raise Invalid(f"the CSV can't be read: {error}") from None
    books: dict[tuple[str, str], list[Highlight]] = {}
    for row in rows:
        if row["highlight"]:
            books.setdefault((row["title"], row["author"]), []).append(_row(row))
    return [ReadwiseBook(title, author or None, _merged(found)) for (title, author), found in books.items()]


def _dialect(text: str) -> tuple[str, str]:
    """(text, delimiter): the one that Excel names in a line of its own, or that cuts the header into most columns."""
    first, _, rest = text.partition("\n")
    named = first.strip("\r\n")
    if named.lower().startswith("sep=") and len(named) == len("sep=") + 1:
        return rest, named[-1]
    return text, max(DELIMITERS, key=first.count)


def _row(row: Mapping[str, str]) -> Highlight:
    """A line of the CSV."""
    text = row["highlight"].strip("“”")
    tags = [tag.strip() for tag in row["tags"].split(",") if tag.strip()]
    note, more = _note(row["note"])
    return Highlight(
        _identity(row["title"], text), text, note, row["colour"] or None, [*tags, *more], _number(row["location"])
    )


def _identity(title: str, text: str) -> str:
    """Identifies a highlight whatever its source: by its book and text."""
    plain = "\x1f".join("".join(c for c in part.casefold() if c.isalnum()) for part in (title, text))
    return f"text:{hashlib.sha256(plain.encode()).hexdigest()[:32]}"


def _note(text: str) -> tuple[str | None, list[str]]:
    """(note, tags): lines like ``.tag`` are how Readwise's readers tag on a device."""
    lines = text.splitlines()
    tags = [line.strip()[1:] for line in lines if _TAG.fullmatch(line.strip())]
    rest = "\n".join(line for line in lines if not _TAG.fullmatch(line.strip())).strip()
    return rest or None, tags


def _merged(highlights: Sequence[Highlight]) -> list[Highlight]:
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
        )  # fmt: skip
    return list(found.values())


def _number(value: object) -> float | None:
    try:
        return float(str(value).strip())
    except ValueError:
        return None


def _from_json(text: str) -> list[ReadwiseBook]:
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the JSON can't be read: {error}") from None
    return books(payload)


def books(payload: Any) -> list[ReadwiseBook]:
    """Books of an answer of the export API, of several, or of a bare list of them."""
    pages = payload if isinstance(payload, list) else [payload]
    found: list[ReadwiseBook] = []
    for page in pages:
        if not isinstance(page, dict):
            raise Invalid("the JSON is not one of the Readwise export API: it has no results")
        if "results" in page:
            found += [_book(book) for book in page["results"]]
        elif "highlights" in page:
            found.append(_book(page))
        else:
            raise Invalid("the JSON is not one of the Readwise export API: it has no results")
    return found


def _book(payload: Any) -> ReadwiseBook:
    try:
        title = str(payload.get("readable_title") or payload["title"])
        gone = bool(payload.get("is_deleted"))
        highlights = [_highlight(title, h, gone=gone) for h in payload["highlights"] if h.get("text")]
        return ReadwiseBook(title, payload.get("author") or None, _merged(highlights))
    except (KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"a book of the JSON lacks {error}") from None


def _highlight(title: str, payload: Mapping[str, Any], *, gone: bool) -> Highlight:
    text = str(payload["text"])
    note, more = _note(str(payload.get("note") or ""))
    tags = [str(tag.get("name")) for tag in payload.get("tags") or () if tag.get("name")]
    deleted = gone or bool(payload.get("is_deleted")) or bool(payload.get("is_discard"))
    return Highlight(
        _identity(title, text), text, note, payload.get("color") or None, list(dict.fromkeys([*tags, *more])),
        _number(payload.get("location")), origin=str(payload["id"]), deleted=deleted, whole=True,
    )  # fmt: skip


def near(book: ReadwiseBook, highlight: Highlight) -> float | None:
    """The relative position of a highlight in its book, 0 to 1: locations have no unit, only an order."""
    locations = [h.location for h in book.highlights if h.location is not None]
    if highlight.location is None or len(locations) < 3 or max(locations) == min(locations):
        return None
    return (highlight.location - min(locations)) / (max(locations) - min(locations))


class Api:
    """The export API: a page by a cursor. The token is never in an error."""

    def __init__(self, token: str, *, base: str = BASE, timeout: float = 30.0) -> None:
        self._client = httpx.Client(headers={"Authorization": f"Token {token}"}, timeout=timeout)
        self._base = base.rstrip("/")

    def page(self, cursor: str | None, updated_after: str | None = None) -> tuple[dict[str, Any], str | None]:
        """An answer and the cursor of the next one. Raises ``Transient``, ``Permanent``, ``Paywall``, ``Invalid``."""
        parameters = {k: v for k, v in (("pageCursor", cursor), ("updatedAfter", updated_after)) if v}
        answer = send("Readwise", lambda: self._client.get(f"{self._base}/export/", params=parameters))
        _check(answer)
        try:
            payload = answer.json()
            return payload, payload.get("nextPageCursor")
        except (ValueError, AttributeError):
            raise Transient("the answer of Readwise is not JSON") from None

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()


def _check(answer: httpx.Response) -> None:
    code = answer.status_code
    if code == 429:
        raise Transient("Readwise limits the rate of requests (429)", retry_in=retry_after(answer))
    if code in (401, 403):
        raise Permanent("Readwise does not accept the token", hint="Set READWISE_TOKEN for the worker.")
    if code == 402:
        raise Paywall("the plan or quota of the Readwise account is used up (402)")
    if code >= 500:
        raise Transient(f"Readwise reports an error ({code})", retry_in=retry_after(answer))
    if code != 200:
        raise Invalid(f"Readwise refused the request ({code})")


__all__ = ["Api", "Highlight", "ReadwiseBook", "books", "near", "read"]
