"""The parts of a note: its properties, the managed block between two marks, and what a person wrote around it.

A block counts only when it is sound: each mark once, in order, on a line of its own, outside of code. Of any other note
nobody can say what belongs to the block, so that nothing of it is read or rewritten.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from itertools import pairwise

from jobctl.core.errors import Invalid
from jobctl.documents.vault.blocks import Blocks

BEGIN, LINKS, END = "%% jobctl:begin %%", "%% jobctl:links %%", "%% jobctl:end %%"
_HEAD = re.compile(r"\A---\r?\n(.*?)^---[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE)
_MARK = re.compile(r"%%[ \t]*jobctl:(?:begin|links|end)[ \t]*%%", re.IGNORECASE)
_ID_SIGN = "^jobctl-"
_ID = re.compile(r"(?:(?:\n\n|[\n ])?\^jobctl-[0-9a-z-]+)+[ \t]*$", re.MULTILINE)
_PROPERTY = "^{}:[ \t]*([0-9a-f-]{{36,64}})[ \t]*\r?$"


class Damaged(Invalid):
    """A note of which nobody can say where its managed block begins and ends, or whose links a person edited."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}: repair it by hand, or submit with repair=true, which keeps a copy")


@dataclass(frozen=True, slots=True)
class Parts:
    """A sound note, in order; ``body`` is the library's text, ``links`` what is derived from the library."""

    head: str
    before: str
    body: str
    links: str
    after: str


def parts(text: str, marks: tuple[str, ...] = (BEGIN, LINKS, END)) -> Parts:
    """The parts of a note; ``body`` and ``links`` with line feeds only. Raises ``Damaged``.

    With two ``marks`` the block has no links.
    """
    head, rest = split(text)
    spans = _lines_of_marks(rest, marks)
    before = rest[: spans[0][0]]
    if Blocks(before).open_fence:
        raise Damaged("its managed block is inside of code")
    between = [rest[a[1] : b[0]].replace("\r\n", "\n").removesuffix("\n") for a, b in pairwise(spans)]
    body = _ID.sub("", between[0]) if _ID_SIGN in between[0] else between[0]
    return Parts(head, before, body, between[1] if len(marks) == 3 else "", rest[spans[-1][1] :])


def _lines_of_marks(rest: str, marks: tuple[str, ...]) -> list[tuple[int, int]]:
    """The marks, (start, end with the line end, but for the last one's). Raises ``Damaged``.

    A person may have written on the line of the first mark before it, and on that of the last one behind it.
    """
    found = [(m.group(), m.start(), m.end()) for m in _MARK.finditer(rest)]
    names = [name for name, _, _ in found]
    if not found:
        raise Damaged("its managed block is gone")
    for name in marks:
        if names.count(name) != 1:
            raise Damaged(f"its mark {name} is " + ("missing" if name not in names else "there more than once"))
    if names != [*marks]:
        raise Damaged(f"the marks of its managed block are not {', '.join(marks)}")
    spans: list[tuple[int, int]] = []
    for name, start, end in found:
        stop = rest.find("\n", end)
        stop = len(rest) if stop < 0 else stop
        own_start = name == BEGIN or rest[start - 1] == "\n"
        if not own_start or (name != END and rest[end:stop].strip()):
            raise Damaged(f"its mark {name} is not on a line of its own")
        spans.append((start, end if name == END else min(stop + 1, len(rest))))
    return spans


def split(text: str) -> tuple[str, str]:
    """Properties with their fences, and the rest."""
    found = _HEAD.match(text)
    return (text[: found.end()], text[found.end() :]) if found else ("", text)


def around(text: str) -> tuple[str, str, str]:
    """(properties, before, after) of a damaged note: what certainly lies outside of the block."""
    head, rest = split(text)
    found = [*_MARK.finditer(rest)]
    first = next((m.start() for m in found if m.group() == BEGIN), None)
    last = next((m.end() for m in reversed(found) if m.group() == END), None)
    sound = first is not None and not Blocks(rest[:first]).open_fence and not _MARK.search(rest[:first])
    before = rest[:first] if sound else ""
    return head, before, rest[last:] if last is not None and last > (first or 0) else ""


def body_of(text: str) -> str:
    """The library's Markdown in a note. Raises ``Damaged``."""
    return parts(text).body


def taken(text: str) -> bool:
    """Whether a text has marks or block ids of ours in it, so that it could not be read back from a note."""
    return bool(("%%" in text and _MARK.search(text)) or (_ID_SIGN in text and _ID.search(text)))


def uid_of(text: str) -> str | None:
    """The document that a note belongs to."""
    return property_of(split(text)[0], "jobctl-id")


def property_of(head: str, name: str) -> str | None:
    """A property of ours: an id or a digest."""
    found = re.search(_PROPERTY.format(name), head, re.MULTILINE)
    return found.group(1) if found else None


def digest(body: str) -> str:
    """What is compared between the sides."""
    return hashlib.sha256(body.encode()).hexdigest()
