"""Bounds of markup, checked before a parser sees it: parsers of HTML take squared time for deep nesting and long tags."""

from __future__ import annotations

import re

from jobctl.core.errors import Invalid

MAX_DEPTH = 2_000
"""Elements that may be open at once."""
MAX_ATTRIBUTES = 500
"""Attributes of an element."""
SMALL = 16_384
"""Characters under which nothing can become slow."""
VOID = frozenset(
    "area base br col embed hr img input link meta param source track wbr basefont bgsound frame keygen".split()
)
IMPLIED = frozenset(
    "p li dt dd tr td th thead tbody tfoot colgroup caption option optgroup rt rp html body head a".split()
)
"""Elements whose end is implied by the next one."""
RAW = frozenset("script style textarea title xmp iframe noembed noframes".split())
_NAME = re.compile(r"</?([a-zA-Z][^\s/<>]{0,60})")
_BEFORE = re.compile(r"[\s/]*")
_KEY = re.compile(r"[^\s/>=]+")
_VALUE = re.compile(r"\s*=\s*(?=(.?))", re.DOTALL)
_BARE = re.compile(r"[^\s>]*")


def check(text: str, name: str) -> None:
    """Raises ``Invalid`` for HTML that is nested too deep or has an element with too many attributes."""
    if len(text) < SMALL:
        return
    depth, position = 0, text.find("<")
    while position >= 0:
        if text.startswith("<!--", position):
            position = text.find("-->", position)
        elif found := _NAME.match(text, position):
            element = found.group(1).lower()
            end, closed = _attributes(text, found.end(), name)
            closes = text[position + 1] == "/"
            if closes:
                depth = max(0, depth - (element not in IMPLIED and element not in VOID))
            elif element in RAW:
                end = _after(text, end, element)
            elif not closed and element not in VOID and element not in IMPLIED:
                depth += 1
                if depth > MAX_DEPTH:
                    raise Invalid(f"{name} has elements nested more than {MAX_DEPTH:,} deep")
            position = end
        else:
            position += 1
        position = text.find("<", position) if position >= 0 else -1


def _attributes(text: str, position: int, name: str) -> tuple[int, bool]:
    """(where a tag ends, whether it closes itself)."""
    for _ in range(MAX_ATTRIBUTES + 1):
        start = position
        position = _end(_BEFORE, text, position)
        if position >= len(text) or text[position] == ">":
            return position + 1, text[start:position].endswith("/")
        key = _KEY.match(text, position)
        position = key.end() if key else position + 1
        value = _VALUE.match(text, position)
        if value is None:
            continue
        position = value.end()
        quote = value.group(1)
        if quote and quote in "\"'":
            end = text.find(quote, position + 1)
            position = end + 1 if end >= 0 else len(text)
        else:
            position = _end(_BARE, text, position)
    raise Invalid(f"{name} has an element with more than {MAX_ATTRIBUTES:,} attributes")


def _end(pattern: re.Pattern[str], text: str, position: int) -> int:
    """Where a match ends that may be empty."""
    found = pattern.match(text, position)
    return found.end() if found else position


def _after(text: str, position: int, element: str) -> int:
    """Where the text of an element without elements ends."""
    while (end := text.find("</", position)) >= 0:
        if text[end + 2 : end + 2 + len(element)].lower() == element:
            return end
        position = end + 2
    return len(text)
