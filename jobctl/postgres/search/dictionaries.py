"""Text search dictionaries of Postgres by the language of a document."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from psycopg.rows import tuple_row

from jobctl.core.search import SIMPLE
from jobctl.postgres.session import statement

DICTIONARIES = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian",
    "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian",
    "nb": "norwegian", "nn": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
"""Those that Postgres 15 has. Languages without spaces are indexed by pairs of characters, which have no stem."""


def dictionary_of(language: str | None) -> str:
    """The dictionary for a two-letter code."""
    name = DICTIONARIES.get(language or "")
    return SIMPLE if name is None else f"{name}_stem"


def stems(connection: psycopg.Connection, dictionary: str, words: Iterable[str]) -> dict[str, list[str]]:
    """The stems of each word; none for a stop word."""
    listed = sorted(set(words))
    if dictionary == SIMPLE:
        return {word: [word] for word in listed}
    values = {"dictionary": f"pg_catalog.{dictionary}", "words": listed}
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute(statement("search_stems"), values).fetchall()
    return {word: [word] if found is None else found for word, found in rows}
