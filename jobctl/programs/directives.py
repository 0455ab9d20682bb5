"""Lines with a meaning that a program may print: ``::progress 30/100 words::`` and ``::checkpoint::``.

Groups as other systems know them (``::group::``) are ordinary lines of the log. Every pattern is linear in its line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST = 1_000
"""Characters of a line that may be a directive."""
_NUMBER = r"(\d{1,15}(?:\.\d{1,9})?)"
_AMOUNT = re.compile(rf"{_NUMBER}\s{{0,3}}(?:/\s{{0,3}}{_NUMBER}|(%))(?:\s(.*))?", re.DOTALL)
_PREFIX, _SUFFIX = "::progress ", "::"


@dataclass(frozen=True, slots=True)
class Amount:
    """How far a program is: ``current`` of ``total``, and words about it."""

    current: float
    total: float
    words: str = ""

    @property
    def unit(self) -> str | None:
        """What is counted, where one word says it."""
        return self.words if self.words and " " not in self.words else None

    @property
    def details(self) -> str:
        """A text for people: "30 of 100 words", or the program's own sentence."""
        count = f"{self.current:,.15g} of {self.total:,.15g}"
        if self.unit or not self.words:
            return f"{count} {self.words}".rstrip()
        return f"{self.words} ({count})"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The program's state folder is complete now."""


def directive(line: str) -> Amount | Checkpoint | None:
    """What a line of output means, None for an ordinary one."""
    text = line.strip() if len(line) <= LONGEST else ""
    if text == "::checkpoint::":
        return Checkpoint()
    if text.startswith(_PREFIX) and text.endswith(_SUFFIX):
        return amount(text[len(_PREFIX) : -len(_SUFFIX)])
    return None


def amount(text: str) -> Amount | None:
    """``30/100 words`` or ``30% words``; None for anything else, and for a part of nothing."""
    found = _AMOUNT.fullmatch(text.strip()[:LONGEST])
    if found is None:
        return None
    current, total, percent, words = found.groups()
    whole = 100.0 if percent else float(total)
    return Amount(float(current), whole, " ".join((words or "").split())) if whole else None
