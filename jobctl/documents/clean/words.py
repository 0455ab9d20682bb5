"""Words that were cut at the end of a line: which hyphens belong to the word, and which to the line."""

from __future__ import annotations

import re

from jobctl.documents.clean.tidy import tidy

SOFT = "\ufffe\x02\u00ad"
"""What PDFium makes of a hyphen at a line's end, and the soft hyphen itself."""
MIN_SECOND = 4
"""Letters of a second half under which it is rather an ending."""
_WORD = re.compile(r"\S+")
_MARKS = re.compile(f"[{SOFT}]+")
_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")
_COMPOUND = frozenset("well self half ill ever non ex e x t long short high low cross full part vice quasi all".split())
"""First halves of English compounds that keep their hyphen."""
_ENDINGS = ("ness", "ward", "ship", "ened", "enin", "ish", "hood", "est", "er", "ly", "age", "stand", "time", "side")
"""What may follow such a word by mere hyphenation: high-ness, part-ly, short-age."""


def glue(before: str, after: str) -> str:
    """Two lines as one: a soft hyphen is judged later, a hard one stays, wide scripts take no space."""
    if before and before[-1] in SOFT:
        return before + after
    if before.endswith("-") and len(before) > 1 and before[-2].isalnum() and after[:1].isalnum():
        return before + after
    if before and after and _WIDE.match(before[-1]) and _WIDE.match(after[0]):
        return before + after
    return f"{before} {after}"


def joined(text: str) -> str:
    """The text of a paragraph: cut words whole again, white space single."""
    if any(mark in text for mark in SOFT):
        text = _WORD.sub(lambda word: _whole(word.group()), text)
    return " ".join(tidy(text).split())


def _whole(word: str) -> str:
    if not any(mark in word for mark in SOFT):
        return word
    whole, *halves = _MARKS.split(word)
    for half in halves:
        whole += ("-" if _keeps(whole, half) else "") + half
    return whole


def _keeps(first: str, second: str) -> bool:
    """Whether the hyphen between two halves belongs to the word."""
    left = first.lstrip("\"'“‘([«")
    if not left or not second:
        return False
    if left[-1].isdigit() or second[0].isdigit():  # 1990-1995
        return True
    if second[0].isupper() and not left.isupper():  # Jean-Paul
        return True
    if "-" in left:  # state-of-the-art: a word that has one hyphen is cut at the next
        return True
    if len(left) == 1:  # e-mail: no line is cut after one letter
        return left.isalpha()
    return left.lower() in _COMPOUND and len(second) >= MIN_SECOND and not second.lower().startswith(_ENDINGS)
