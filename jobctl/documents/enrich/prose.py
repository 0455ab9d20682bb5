"""The prose of a passage of Markdown: its sentences as a reader sees them, without headings, code and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sentencex import segment

from jobctl.core.markdown import atx, prose, unescaped
from jobctl.core.terms import word_count

LONGEST = 240
"""Characters of a summary."""
LEAST_WORDS = 5
"""Words under which a line is a title or a fragment, no sentence."""
_ITEM = re.compile(r"(?:[-*+]|\d{1,9}[.)])\s")
_LINK = re.compile(r"!?\[([^\[\]]*+)\]\([^()\[\]]*+\)")
_CODE = re.compile(r"(`{1,3})([^`]++)\1")
_EMPHASIS = re.compile(r"(?<!\\)\*{1,3}|(?<![\w\\])_{1,3}(?=\w)|(?<=\w)_{1,3}(?!\w)")
_ENDS = (".", "!", "?", "…", "。", "！", "？", ")", "”", '"')


def plain(markdown: str) -> str:
    """A line without marks of Markdown; what is code, and underscores in names, stays as it is."""
    shown: list[str] = []
    at = 0
    for code in _CODE.finditer(markdown):
        shown += [_unmarked(markdown[at : code.start()]), code.group(2).strip()]
        at = code.end()
    return "".join([*shown, _unmarked(markdown[at:])])


def _unmarked(text: str) -> str:
    return unescaped(_EMPHASIS.sub("", _LINK.sub(r"\1", text)))


def paragraphs(markdown: str) -> Iterator[str]:
    """Paragraphs and list items, each on one line, without marks."""
    held: list[str] = []
    for _, line in prose(markdown):
        body = line.lstrip(" \t>")
        item = _ITEM.match(body)
        skipped = not body.strip("-=*_ ") or body.startswith("|") or atx(line) is not None
        if (item or skipped) and held:
            yield plain(" ".join(held))
            held = []
        if not skipped:
            held.append(body[item.end() if item else 0 :].strip())
    if held:
        yield plain(" ".join(held))


def summary(markdown: str) -> str:
    """The first whole sentence of a passage; else the first of its lines that says something; empty where none does."""
    second = ""
    for paragraph in paragraphs(markdown):
        for sentence in segment("en", paragraph):
            said = " ".join(sentence.split())
            if word_count(said) < LEAST_WORDS or not _is_language(said):
                continue
            if said.endswith(_ENDS):
                return _cut(said)
            second = second or said
    return _cut(second)


def _is_language(text: str) -> bool:
    """Whether more than half of a text is letters: no row of numbers, no line of symbols."""
    return sum(character.isalpha() for character in text) > len(text) / 2


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    kept = text[: LONGEST - 1]
    return (kept[: kept.rfind(" ")] if " " in kept[LONGEST // 2 :] else kept) + "…"
