"""Front matter of a Markdown text: the properties between ``---`` (YAML) or ``+++`` (TOML) at its beginning."""

from __future__ import annotations

import re

MOST_LINES = 400
MOST_PROPERTIES = 100
LONGEST = 2_000
_FENCES = {"---": ("---", "..."), "+++": ("+++",)}
_KEY = re.compile(r"([A-Za-z_][\w \-.]{0,60}?)[ \t]{0,9}[:=](?:[ \t](.*))?")
_INSIDE = re.compile(r"[ \t#\-\]}\"']|[A-Za-z_\"'][^:=\n]{0,80}[:=]|$")


def properties(text: str) -> tuple[dict[str, str], int]:
    """(simple properties by name in lower case, offset where the text begins); ({}, 0) for a text without any.

    Lists and objects keep their first line only; nothing is expanded, so that no alias can grow.
    """
    ends = _FENCES.get(text[: text.find("\n") if "\n" in text else 0].rstrip())
    if ends is None:
        return {}, 0
    found: dict[str, str] = {}
    offset = text.find("\n") + 1
    for _ in range(MOST_LINES):
        end = text.find("\n", offset)
        line = text[offset : end if end >= 0 else len(text)].rstrip("\r")
        if line.rstrip() in ends:
            return (found, len(text) if end < 0 else end + 1) if found else ({}, 0)
        if end < 0 or not _INSIDE.match(line):
            return {}, 0
        entry = _KEY.fullmatch(line)
        if entry and len(found) < MOST_PROPERTIES:
            found[entry.group(1).strip().lower()] = _plain(entry.group(2) or "")
        offset = end + 1
    return {}, 0


def _plain(value: str) -> str:
    text = value.strip()[:LONGEST]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1].replace('\\"', '"').replace("''", "'")
    return text.split(" #", 1)[0].rstrip()
