"""What a search shows of a passage: the sentence that answers best, its words marked."""

from __future__ import annotations

from jobctl.cli.output.text import cut, paint, visible, width
from jobctl.core.search import SearchHit

BEFORE = 30
"""Characters before the first marked word of a sentence that is longer than the line."""


def snippet(hit: SearchHit, cells: int, *, on: bool) -> str:
    """One line of at most ``cells``. ``on``: the words that were looked for in bold, where the terminal can."""
    start, end = hit.snippet
    inside = [(a, b) for a, b in hit.matches if start <= a and b <= end]
    if inside and end - start > cells and inside[-1][1] - start > cells:
        start = max(start, hit.text.rfind(" ", 0, max(1, inside[0][0] - BEFORE)) + 1)
    end = min(len(hit.text), max(end, start + cells))  # a short sentence leaves room for what follows
    shown, used, at = "", 0, start
    for a, b in [*((a, b) for a, b in hit.matches if start <= a and b <= end), (end, end)]:
        for part, mark in ((hit.text[at:a], False), (hit.text[a:b], True)):
            # white space as one space each, also where it begins or ends the part
            plain = visible(" ".join(f"·{part}·".split())[1:-1])
            fitting = cut(plain, max(0, cells - used))
            shown += paint(fitting, "bold", on=on and mark) if fitting else ""
            used += width(fitting)
            if fitting != plain:
                return shown
        at = b
    return shown
