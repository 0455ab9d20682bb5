"""Files of highlights: the CSV of Readwise, the JSON of its export API, the "My Clippings.txt" of a Kindle."""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Mapping
from typing import Any

from jobctl.core.errors import Invalid
from jobctl.documents.readwise import clippings
from jobctl.documents.readwise.books import Highlight, ReadwiseBook, identity, instant, merged, note_and_tags

MAX_BYTES = 64 << 20
DELIMITERS = ",;\t|"
NEEDED = {"highlight": ("highlight",), "title": ("book title", "title")}
OTHERS = {
    "author": ("book author", "author"), "note": ("note",), "colour": ("color", "colour"), "tags": ("tags",),
    "location": ("location",), "highlighted_at": ("highlighted at",),
}  # fmt: skip


def read(data: bytes) -> list[ReadwiseBook]:
    """Books from a file of one of these formats, whichever it is. Raises ``Invalid``."""
    if len(data) > MAX_BYTES:
        raise Invalid(f"the file is larger than {MAX_BYTES >> 20} MB")
    text = _decoded(data).replace("\x00", "")
    if not text.strip():
        raise Invalid("the file is empty")
    if text.lstrip()[:1] in "[{":
        return _from_json(text)
    return clippings.read(text) if clippings.recognise(text) else _from_csv(text)


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
    return [ReadwiseBook(title, author or None, merged(found)) for (title, author), found in books.items()]


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
    note, more = note_and_tags(row["note"])
    return Highlight(
        identity(row["title"], text),
        text,
        note,
        row["colour"] or None,
        [*tags, *more],
        _number(row["location"]),
        instant(row["highlighted_at"]),
    )


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
        return ReadwiseBook(title, payload.get("author") or None, merged(highlights))
    except (KeyError, TypeError, AttributeError) as error:
        raise Invalid(f"a book of the JSON lacks {error}") from None


def _highlight(title: str, payload: Mapping[str, Any], *, gone: bool) -> Highlight:
    text = str(payload["text"])
    note, more = note_and_tags(str(payload.get("note") or ""))
    tags = [str(tag.get("name")) for tag in payload.get("tags") or () if tag.get("name")]
    deleted = gone or bool(payload.get("is_deleted")) or bool(payload.get("is_discard"))
    return Highlight(
        identity(title, text), text, note, payload.get("color") or None, list(dict.fromkeys([*tags, *more])),
        _number(payload.get("location")), instant(payload.get("highlighted_at")), origin=str(payload["id"]), deleted=deleted, whole=True,
    )  # fmt: skip
