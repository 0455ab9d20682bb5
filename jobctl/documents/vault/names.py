"""Names of notes that are safe in links and on every file system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_UNSAFE = re.compile(r'[#|^:\\/*?"<>\[\]\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]|%%')
_DEVICES = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
MAX_BYTES = 255 - len(".md") - len(" (conflict 2026-01-01 99)")


class Names:
    """Names of notes that are in use, without regard to case and composition."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {folded(name) for name in taken}
        self._numbers: dict[str, int] = {}  # the first number that may be free, by folded name

    def take(self, title: str) -> str:
        """A file name without suffix for a title, different from all in use; it is in use from then on."""
        base = _safe(title)
        chosen, number = base, self._numbers.get(folded(base), 2)
        while folded(chosen) in self._taken:
            chosen = f"{_cut(base, MAX_BYTES - 8)} ({number})"
            number += 1
        self._numbers[folded(base)] = number
        self._taken.add(folded(chosen))
        return chosen


def safe_name(title: str, taken: Iterable[str] = ()) -> str:
    """A file name without suffix for a title, unlike all of ``taken``."""
    return Names(taken).take(title)


def _safe(title: str) -> str:
    """A name that is safe in links and on every file system."""
    name = " ".join(_UNSAFE.sub(" ", unicodedata.normalize("NFC", title)).split()).strip(". ")
    if not name or _DEVICES.match(name):
        name = f"Note {name}".strip()
    return _cut(name, MAX_BYTES)


def folded(name: str) -> str:
    """How file systems that ignore case and composition see a name."""
    return unicodedata.normalize("NFC", name).casefold()


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore").rstrip(". ")
