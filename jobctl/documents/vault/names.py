"""Names of notes that are safe in links and on every file system."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_UNSAFE = re.compile(r'[#|^:\\/*?"<>\[\]\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]|%%')
_DEVICES = re.compile(r"^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
MAX_BYTES = 255 - len(".md") - len(" (conflict 2026-01-01 99)")


def safe_name(title: str, taken: Collection[str] = ()) -> str:
    """A file name without suffix for a title; unlike all of ``taken`` also without regard to case and composition."""
    name = " ".join(_UNSAFE.sub(" ", unicodedata.normalize("NFC", title)).split()).strip(". ")
    if not name or _DEVICES.match(name):
        name = f"Note {name}".strip()
    base = _cut(name, MAX_BYTES)
    known = {folded(other) for other in taken}
    chosen, number = base, 2
    while folded(chosen) in known:
        chosen = f"{_cut(base, MAX_BYTES - 8)} ({number})"
        number += 1
    return chosen


def folded(name: str) -> str:
    """How file systems that ignore case and composition see a name."""
    return unicodedata.normalize("NFC", name).casefold()


def _cut(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore").rstrip(". ")
