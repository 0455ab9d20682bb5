"""A document of the library as a note: its text, the links to connected passages, the highlights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobctl.core.ports import Library, Row
from jobctl.documents.vault.note import Link, Mark, Note, Quote


def compose(
    library: Library, row: Row, body: str, names: Mapping[int, str], *, connections: bool, annotations: bool
) -> Note:
    """The note of a document (``row``) with this text; ``names`` says how links name the notes of other documents."""
    marks: dict[str, Mark] = {}
    links = _links(library, row["id"], names, marks) if connections else []
    quotes = _quotes(library, row["id"], marks) if annotations else []
    return Note(str(row["uid"]), row["title"], row["author"], body, list(marks.values()), links, quotes)


def _links(library: Library, document_id: int, names: Mapping[int, str], marks: dict[str, Mark]) -> list[Link]:
    """Connections that nobody rejected; both ends of each get a block id, also where it comes from elsewhere."""
    ends = {c["id"]: c for c in library.chunks([document_id], columns=["id", "index", "end_offset"])}
    links: list[Link] = []
    rows = [row for row in library.connections(document_id) if row["user_validated"] is not False]
    places = _places(library, rows)
    for row in rows:
        for side in ("source_chunk", "target_chunk"):
            if row[side] in ends:
                name = f"c{ends[row[side]]['index']}"
                marks[name] = Mark(name, max(0, ends[row[side]]["end_offset"] - 1))
        if row["source_document"] == document_id and row["target_document"] in names:
            links.append(
                Link(
                    f"c{ends[row['source_chunk']]['index']}", names[row["target_document"]], f"c{places[row['target_chunk']]}",
                    row["strength"], row["type"].replace("_", " "), row["target_text"],
                )
            )  # fmt: skip
    return links


def _places(library: Library, rows: Sequence[Row]) -> dict[int, int]:
    """Index of each target chunk in its document."""
    documents = sorted({row["target_document"] for row in rows})
    return {c["id"]: c["index"] for c in library.chunks(documents, columns=["id", "index"])} if documents else {}


def _quotes(library: Library, document_id: int, marks: dict[str, Mark]) -> list[Quote]:
    quotes: list[Quote] = []
    for note in library.annotations(document_id):
        name = None
        if note["end_offset"] is not None:
            name = f"h{str(note['uid']).replace('-', '')[:12]}"
            marks[name] = Mark(name, max(0, note["end_offset"] - 1))
        quotes.append(Quote(name, note["text"], note["note"]))
    return quotes
