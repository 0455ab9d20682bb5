"""Readwise: its CSV export, the JSON of its export API, and the API itself (readwise.io/api_deets)."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from jobctl.core.errors import Invalid, Paywall, Permanent, Transient

BASE = "https://readwise.io/api/v2"
MAX_BYTES = 64 << 20
NEEDED = {"highlight": ("highlight",), "title": ("book title", "title")}
OTHERS = {
    "author": ("book author", "author"), "note": ("note",), "colour": ("color", "colour"), "tags": ("tags",),
    "location": ("location",), "url": ("url",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Highlight:
    """One highlight; ``location`` orders the highlights of a book, in whatever unit it counts."""

    id: str
    text: str
    note: str | None = None
    colour: str | None = None
    tags: list[str] = field(default_factory=list)
    location: float | None = None


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
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")  # what spreadsheets of Windows write


def _from_csv(text: str) -> list[ReadwiseBook]:
    csv.field_size_limit(1 << 20)
    try:
        reader = csv.DictReader(io.StringIO(text))
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
    return [ReadwiseBook(title, author or None, found) for (title, author), found in books.items()]


def _row(row: Mapping[str, str]) -> Highlight:
    """A line of the CSV. It has no id: what it says of itself stands for one."""
    folded = "".join(c for c in row["highlight"].casefold() if c.isalnum())
    told = "\x1f".join((row["title"], row["author"], folded, row["location"]))
    tags = [tag.strip() for tag in row["tags"].split(",") if tag.strip()]
    return Highlight(
        f"csv:{hashlib.sha256(told.encode()).hexdigest()[:32]}", row["highlight"].strip("“”"), row["note"] or None,
        row["colour"] or None, tags, _number(row["location"]),
    )  # fmt: skip


def _number(value: Any) -> float | None:
    try:
        return float(str(value).strip())
    except ValueError:
        return None


def _from_json(text: str) -> list[ReadwiseBook]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the JSON can't be read: {error}") from None
    return books(told)


def books(told: Any) -> list[ReadwiseBook]:
    """Books of an answer of the export API, of several, or of a bare list of them."""
    pages = told if isinstance(told, list) else [told]
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


def _book(told: Any) -> ReadwiseBook:
    try:
        title = str(told.get("readable_title") or told["title"])
        marks = [_mark(h) for h in told["highlights"] if h.get("text") and not h.get("is_deleted")]
        return ReadwiseBook(title, told.get("author") or None, marks)
    except (KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"a book of the JSON lacks {error}") from None


def _mark(told: Mapping[str, Any]) -> Highlight:
    tags = [str(tag.get("name")) for tag in told.get("tags") or () if tag.get("name")]
    return Highlight(
        str(told["id"]), str(told["text"]), told.get("note") or None, told.get("color") or None, tags,
        _number(told.get("location")),
    )  # fmt: skip


def near(book: ReadwiseBook, highlight: Highlight) -> float | None:
    """Where a highlight stands among those of its book, 0 to 1: locations have no unit, their order says enough."""
    places = [h.location for h in book.highlights if h.location is not None]
    if highlight.location is None or len(places) < 3 or max(places) == min(places):
        return None
    return (highlight.location - min(places)) / (max(places) - min(places))


class Api:
    """The export API: a page by a cursor. The token is never in an error."""

    def __init__(self, token: str, *, base: str = BASE, timeout: float = 30.0) -> None:
        self._client = httpx.Client(headers={"Authorization": f"Token {token}"}, timeout=timeout)
        self._base = base.rstrip("/")

    def page(self, cursor: str | None, updated_after: str | None = None) -> tuple[dict[str, Any], str | None]:
        """An answer and the cursor of the next one. Raises ``Transient``, ``Permanent``, ``Paywall``, ``Invalid``."""
        asked = {k: v for k, v in (("pageCursor", cursor), ("updatedAfter", updated_after)) if v}
        trying = Retrying(
            retry=retry_if_exception_type(httpx.TransportError), stop=stop_after_attempt(3),
            wait=wait_exponential(multiplier=0.2, max=2), reraise=True,
        )  # fmt: skip
        try:
            answer = trying(self._client.get, f"{self._base}/export/", params=asked)
        except httpx.TransportError as error:
            raise Transient(f"Readwise can't be reached: {type(error).__name__}") from None
        _check(answer)
        try:
            told = answer.json()
            return told, told.get("nextPageCursor")
        except (ValueError, AttributeError):
            raise Transient("Readwise gave an answer that is no JSON") from None

    def close(self) -> None:
        """Ends the connections."""
        self._client.close()


def _check(answer: httpx.Response) -> None:
    code = answer.status_code
    if code == 429:
        raise Transient("Readwise asks to come back later (429)", retry_in=_wait(answer))
    if code in (401, 403):
        raise Permanent("Readwise does not accept the token", hint="Set READWISE_TOKEN for the worker.")
    if code == 402:
        raise Paywall("Readwise says that the plan or quota of this account is used up (402)")
    if code >= 500:
        raise Transient(f"Readwise has trouble ({code})", retry_in=_wait(answer))
    if code != 200:
        raise Invalid(f"Readwise refused the request ({code})")


def _wait(answer: httpx.Response) -> float | None:
    seconds = _number(answer.headers.get("Retry-After", ""))
    return min(seconds, 3600.0) if seconds is not None and seconds >= 0 else None


__all__ = ["Api", "Highlight", "ReadwiseBook", "books", "near", "read"]
