"""Documents into the index: their words stemmed by the server's dictionaries, in the transaction that saves them."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg.rows import DictRow, dict_row, scalar_row

from jobctl.core.boilerplate import is_boilerplate
from jobctl.core.search import hashed
from jobctl.core.terms import index_terms
from jobctl.postgres.search.dictionaries import dictionary_of, stems
from jobctl.postgres.session import statement

VERSION = 1
"""Of what is written; documents with another one are indexed again by ``fill``."""
MOST, LONGEST = 255, 65_535
"""The largest count of a word and number of words that a posting can name."""


@dataclass(frozen=True, slots=True)
class _Passage:
    id: int
    boilerplate: bool
    sample: int
    body: Counter[int]
    """Words of the text itself."""
    searched: Counter[int]
    """With those of its headings."""


def fill(connection: psycopg.Connection) -> int:
    """Indexes every document that is not in the index at this version, each in a transaction; returns how many."""
    with connection.cursor(row_factory=scalar_row) as cursor:
        ids = cursor.execute(statement("search_missing"), {"version": VERSION}).fetchall()
    for document in ids:
        write(connection, document)
    return len(ids)


def write(connection: psycopg.Connection, document: int) -> None:
    """Indexes a document as it is now. What was in the index of it goes; one that is gone is left out."""
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        values = {"document": document}
        known = cursor.execute(statement("search_lock"), values).fetchone()
        if known is None:
            return
        cursor.execute(statement("search_clear"), values)
        rows = cursor.execute(statement("search_source"), values).fetchall()
        dictionary = dictionary_of(known["language"])
        passages = _passages(connection, dictionary, known["title"], rows)
        total = {
            "version": VERSION, "dictionary": dictionary, "passages": len(passages),
            "words": sum(passage.searched.total() for passage in passages),
        }  # fmt: skip
        cursor.execute(statement("search_add"), values | total)
        _copy_passages(cursor, passages)
        _copy_terms(cursor, document, passages)


def _passages(connection: psycopg.Connection, dictionary: str, title: str, rows: Iterable[DictRow]) -> list[_Passage]:
    """The words of each passage. A heading that stands above it counts once, wherever it stands."""
    cut = [(row, index_terms(row["text"]), index_terms(" ".join([title, *row["heading_path"]]))) for row in rows]
    words = {word for _, body, above in cut for word in (*body, *above)}
    numbers = {word: [hashed(stem) for stem in found] for word, found in stems(connection, dictionary, words).items()}
    made = []
    for row, body, above in cut:
        own = Counter(term for word in body for term in numbers[word])
        headed = Counter({term: 1 for word in above for term in numbers[word] if term not in own})
        boilerplate = is_boilerplate(row["text"], row["heading_path"])
        made.append(_Passage(row["id"], boilerplate, hashed(row["text"]), own, own + headed))
    return made


def _copy_passages(cursor: psycopg.Cursor[DictRow], passages: Iterable[_Passage]) -> None:
    copied = "COPY jobctl.search_passages (chunk_id, boilerplate, sample, terms) FROM STDIN (FORMAT BINARY)"
    with cursor.copy(copied) as copy:
        copy.set_types(["int8", "bool", "int4", "bytea"])
        for passage in passages:
            copy.write_row((passage.id, passage.boilerplate, passage.sample, _bag(passage.body)))


def _copy_terms(cursor: psycopg.Cursor[DictRow], document: int, passages: Iterable[_Passage]) -> None:
    postings: dict[int, array[int]] = {}
    for passage in passages:
        words = min(LONGEST, passage.searched.total())
        for term, count in passage.searched.items():
            postings.setdefault(term, array("q")).append(passage.id << 24 | min(MOST, count) << 16 | words)
    copied = "COPY jobctl.search_terms (term, document_id, postings) FROM STDIN (FORMAT BINARY)"
    with cursor.copy(copied) as copy:
        copy.set_types(["int4", "int8", "bytea"])
        for term in sorted(postings):
            copy.write_row((term, document, _little(postings[term])))


def _bag(count: Counter[int]) -> bytes:
    ordered = sorted(count)
    return _little(array("i", ordered)) + bytes(min(MOST, count[term]) for term in ordered)


def _little(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()
