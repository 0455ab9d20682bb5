"""Readwise files as people have them: Excel's CSVs, the same highlight from two files, edits, tags and deletions."""

from dataclasses import replace

import pytest

from jobctl.core.library import NewAnnotation
from jobctl.documents import match
from jobctl.documents.match import Decision, FoldedText, decide, known_rows
from jobctl.documents.readwise import Highlight, read
from tests.documents.reading import CASES

HEAD = "Highlight,Book Title,Book Author,Note,Color,Tags,Location"
ROW = "The lamp burns from dusk to dawn and turns once.,The Keeper,Ann,a note,yellow,,7"
TEXT = FoldedText(
    "# The Keeper\n\nThe lamp burns from dusk to dawn and turns once. Every hour the keeper writes down the wind and the waves.\n"
)


def only(data: bytes) -> Highlight:
    (book,) = read(data)
    (highlight,) = book.highlights
    return highlight


@pytest.mark.parametrize("delimiter", [";", "\t", "|", ","])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
def test_every_csv_of_a_spreadsheet_is_read(delimiter, encoding, first):
    text = first.format(delimiter) + f"{HEAD}\r\n{ROW}\r\n".replace(",", delimiter)
    found = only(text.encode(encoding))
    assert (found.text, found.note, found.colour, found.location) == (
        "The lamp burns from dusk to dawn and turns once.",
        "a note",
        "yellow",
        7.0,
    )


def test_a_semicolon_in_a_text_is_no_delimiter():
    assert only(f'{HEAD}\n"one; two; three; four; five; six; seven; eight",B,A,,,,1\n'.encode()).text.startswith(
        "one; two"
    )


def test_the_cases():
    (book,) = read((CASES / "semicolon.csv").read_bytes())
    assert [h.location for h in book.highlights] == [1.0, 1.0]
    same = only((CASES / "samehl.csv").read_bytes())
    assert same.note == "second note\nthird"
    (mid,) = read((CASES / "mid.csv").read_bytes())
    (old,) = read((CASES / "export.json").read_bytes())
    (new,) = read((CASES / "export2.json").read_bytes())
    assert [h.id for h in old.highlights] == [h.id for h in new.highlights]
    assert old.highlights[0].id == book.highlights[0].id == same.id
    assert mid.highlights[0].id not in [h.id for h in old.highlights]
    assert [(h.note, h.tags, h.deleted) for h in old.highlights] == [
        (None, [], False),
        (None, ["h1"], False),
        (None, [], True),
    ]
    assert [(h.note, h.tags, h.deleted) for h in new.highlights] == [
        ("EDITED NOTE", ["newtag"], False),
        (None, ["h1"], True),
        (None, [], True),
    ]


def test_a_deleted_book_and_a_discarded_highlight_are_deleted():
    book = b'[{"title": "T", "is_deleted": true, "highlights": [{"id": 1, "text": "a b c"}]}]'
    assert only(book).deleted
    assert only(b'[{"title": "T", "highlights": [{"id": 1, "text": "a b c", "is_discard": true}]}]').deleted


def placed(highlight: match.Highlight) -> NewAnnotation:
    decision = decide(1, {}, TEXT, highlight)
    assert decision.outcome == "placed"
    return decision.annotation


def highlight(**more) -> match.Highlight:
    fields = {
        "id": "text:1",
        "text": "The lamp burns from dusk to dawn and turns once.",
        "book": "b",
        "note": "old",
        "tags": ["a"],
        **more,
    }
    return match.Highlight(**fields)


@pytest.mark.parametrize(
    ("change", "outcome", "note", "tags"),
    [
        ({}, "known", None, None), ({"note": "new"}, "updated", "new", ["a"]), ({"tags": ["a", "b"]}, "updated", "old", ["a", "b"]),
        ({"note": None}, "known", None, None), ({"note": None, "whole": True}, "updated", None, ["a"]),
        ({"tags": [], "whole": True}, "updated", "old", []), ({"text": "other words entirely", "id": "text:2", "note": "new"}, "updated", "new", ["a"]),
    ],
)  # fmt: skip
def test_edits_are_taken_over_and_the_place_stays(change, outcome, note, tags):
    before = placed(highlight(origin="5"))
    decision = decide(1, known_rows([before]), TEXT, highlight(**{"origin": "5"} | change))
    assert decision.outcome == outcome
    if outcome == "updated":
        assert (decision.annotation.note, decision.annotation.tags) == (note, tags)
        assert replace(decision.annotation, note=before.note, tags=before.tags) == before


def test_a_deletion_is_taken_over():
    before = placed(highlight())
    assert decide(1, known_rows([before]), TEXT, highlight(deleted=True)) == Decision("deleted", gone=before.uid)
    assert decide(1, {}, TEXT, highlight(deleted=True)) == Decision("known", withdrawn="text:1")
