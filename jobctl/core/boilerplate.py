"""Passages that say nothing of their own: contents, licences, lists of links, tables of numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jobctl.core.terms import words

_TITLES = frozenset(
    "table of contents|contents|list of figures|list of tables|index|copyright|copyright notice|license|licence|licenses|licences"
    "|legal notice|legal notices|colophon|inhalt|inhaltsverzeichnis|table des matières|table des matieres|índice|indice|目次|目录"
    "|содержание".split("|")
)
_LEGAL = re.compile(
    r"all rights reserved|without warranty of any kind|merchantability|fitness for a particular purpose|general public license"
    r"|free documentation license|permission is (?:hereby )?granted|redistributions? (?:of|in)|\bcopyright (?:©|\(c\)|\d{4})|©\s*\d{4}"
    r"|creative commons|licensed under|published by the free software foundation|invariant sections",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[[^\[\]]*+\]\([^()\[\]]*+\)|https?://\S++")
_DIGITS = "0123456789"
_NUMBERS = f"{_DIGITS}.ABCDEFGHIVX"
_LEAST_WORDS = 12
"""Words besides headings and links under which a passage says nothing that could be compared."""


def is_boilerplate(text: str, headings: Sequence[str] = ()) -> bool:
    """Whether a passage is left out of comparisons; a search still finds it. ``headings``: those that it stands under."""
    if any(_is_licence(heading) for heading in headings):
        return True
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    body = [line for line in lines if not line.startswith(("#", "```", "~~~"))]
    if sum(1 for word in words(_LINK.sub(" ", "\n".join(body))) if not word.isdigit()) < _LEAST_WORDS:
        return True
    return _is_legal(text) or _is_listing(text, lines, body)


def _is_licence(heading: str) -> bool:
    """``GNU General Public License``, ``Appendix C GNU Free Documentation License``: its text, not a text about it."""
    folded = heading.casefold()
    return folded.endswith(("license", "licence", "lizenz")) and ("gnu" in folded or "public" in folded)


def _is_legal(text: str) -> bool:
    found = {match.group().lower() for match in _LEGAL.finditer(text)}
    return len(found) >= 2 or bool(found and len(text) < 500)


def _is_listing(text: str, lines: Sequence[str], body: Sequence[str]) -> bool:
    """Contents: lines that end in a page number, or little more than links."""
    numbered = sum(1 for line in body if _ends_in_page(line))
    if len(body) >= 5 and numbered > 0.6 * len(body) and not any(line.startswith("|") for line in body):
        return True
    if len(body) >= 5 and sum(1 for line in body if _is_entry(line)) > 0.6 * len(body):
        return True
    if sum(len(match.group()) for match in _LINK.finditer(text)) > 0.6 * len(text):
        return True
    short = sum(1 for line in body if len(line) < 60)
    return any(_is_title(line) for line in lines) and short > 0.7 * len(body)


def _is_title(line: str) -> bool:
    """Whether a line is a heading of contents, of a licence or of an index, perhaps with its number."""
    bare = line.strip("#* ")
    number, _, rest = bare.partition(" ")
    numbered = not number.strip(_NUMBERS) and (len(number) == 1 or not number.isalpha())
    return (rest.strip() if numbered else bare).casefold() in _TITLES


def _is_entry(line: str) -> bool:
    """``2.1. People around it``, perhaps in a list: an entry of contents without a page."""
    number, _, title = line.lstrip("-*+ ").replace("\\", "").partition(" ")
    return "." in number and not number.strip(_NUMBERS) and 0 < len(title) < 80 and not title.endswith((".", ":"))


def _ends_in_page(line: str) -> bool:
    """``Installing .... 12`` or ``Installing 12``."""
    title = line.rstrip(_DIGITS)
    return title != line and (title[-1:].isspace() or title.endswith("...."))
