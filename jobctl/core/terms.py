"""Words of a text for search, comparison and counting: the same everywhere, in every script."""

from __future__ import annotations

import re
import unicodedata

_WIDE_RANGES = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_TOKEN = re.compile(r"[^\W_]+")
_WIDE = re.compile(f"[{_WIDE_RANGES}]+")
_COUNTED = re.compile(f"[{_WIDE_RANGES}]|[^\\W_{_WIDE_RANGES}]+")
_JOINED = re.compile(r"(?<![a-z0-9])[a-z0-9]++(?:[_.-][a-z0-9]++)+")
LONGEST = 40


def terms(text: str) -> list[str]:
    """Folded words in order; scripts without spaces are split into character pairs."""
    found: list[str] = []
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        word = match.group()
        if not _WIDE.search(word):
            found.append(word[:LONGEST])
            continue
        position = 0
        for wide in _WIDE.finditer(word):
            if wide.start() > position:
                found.append(word[position : wide.start()][:LONGEST])
            run = wide.group()
            found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
            position = wide.end()
        if position < len(word):
            found.append(word[position:][:LONGEST])
    return found


def words(text: str) -> list[str]:
    """Runs of letters and digits as written; each character of a script without spaces is one."""
    return _COUNTED.findall(text)


def word_count(text: str) -> int:
    """The number of ``words``."""
    return len(_COUNTED.findall(text))


def index_terms(text: str) -> list[str]:
    """``terms``, and names that are joined by ``_``, ``-`` or ``.`` as a whole too: ``dh_strip``, ``start-stop-daemon``."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return terms(text) + [match.group()[:LONGEST] for match in _JOINED.finditer(folded)]


def matches(text: str, wanted: frozenset[str]) -> list[tuple[int, int]]:
    """Ranges of a text whose words are in ``wanted`` (folded words, or pairs of characters); ranges do not overlap."""
    found: list[tuple[int, int]] = []
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        if not _WIDE.search(match.group()):
            if wanted.intersection(terms(match.group())):
                found.append((start, end))
            continue
        for at in range(start, end):
            pair = text[at : min(at + 2, end)]
            if wanted.intersection(terms(pair)):
                if found and found[-1][1] >= at:
                    found[-1] = (found[-1][0], at + len(pair))
                else:
                    found.append((at, at + len(pair)))
    return found
