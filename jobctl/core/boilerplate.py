"""Passages that say nothing of their own: contents, licences, lists of links, tables of numbers."""

from __future__ import annotations

import re

from jobctl.core.terms import words

_HEADINGS = re.compile(
    r"^#{0,6}\s*(?:[\dA-Z]+(?:\.\d+)*\.?\s+)?(?:table of contents|contents|list of (?:figures|tables)|index|copyright(?: notice)?"
    r"|licen[cs]es?|legal notices?|colophon|inhalt(?:sverzeichnis)?|table des mati[eè]res|[ií]ndice|目次|目录|содержание)\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_LEGAL = re.compile(
    r"all rights reserved|without warranty of any kind|merchantability|fitness for a particular purpose|general public license"
    r"|free documentation license|permission is (?:hereby )?granted|redistributions? (?:of|in)|\bcopyright (?:©|\(c\)|\d{4})|©\s*\d{4}"
    r"|creative commons|licensed under|published by the free software foundation|invariant sections",
    re.IGNORECASE,
)
_LINK = re.compile(r"\[[^\]]*\]\([^)]*\)|<?https?://\S+")
_MARKUP = re.compile(r"^#{1,6}\s.*$|^\s*(?:```|~~~).*$", re.MULTILINE)
_LEADER = re.compile(r"(?:\.\s?){4,}\s*\d+\s*$|\s\d+\s*$")
_LEAST_WORDS = 12
"""Words besides headings and links under which a passage says nothing that could be compared."""


def is_boilerplate(text: str) -> bool:
    """Whether a passage is left out of comparisons; a search still finds it."""
    body = _LINK.sub(" ", _MARKUP.sub("", text))
    if sum(1 for word in words(body) if not word.isdigit()) < _LEAST_WORDS:
        return True
    return _is_legal(text) or _is_listing(text)


def _is_legal(text: str) -> bool:
    found = {match.group().lower() for match in _LEGAL.finditer(text)}
    return len(found) >= 2 or bool(found and len(text) < 500)


def _is_listing(text: str) -> bool:
    """Contents: lines that end in a page number, or little more than links."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    numbered = sum(1 for line in lines if _LEADER.search(line))
    if len(lines) >= 5 and numbered > 0.6 * len(lines) and not any(line.startswith("|") for line in lines):
        return True
    linked = sum(len(match.group()) for match in _LINK.finditer(text))
    short = sum(1 for line in lines if len(line) < 60)
    return linked > 0.6 * len(text) or bool(_HEADINGS.search(text) and lines and short > 0.7 * len(lines))
