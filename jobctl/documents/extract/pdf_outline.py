"""The lines of a page that its outline names. Linear in lines and titles together."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace

from jobctl.core.document import Line

RUN = 3
"""Lines over which a title may run."""
BEFORE = 12
"""Folded characters that may stand before the title in its line: a number, "Chapter 3"."""
LONGEST = 400
"""Folded characters of a line that are still compared."""
BOLD = 2.0
"""Points by which bold print counts as larger, between lines that read alike."""


def folded(text: str) -> str:
    """Letters and digits in lower case."""
    return "".join(filter(str.isalnum, text.lower()))


def titled(lines: Sequence[Line], titles: Sequence[tuple[str, int]]) -> list[Line]:
    """The lines with the level of the outline where they are a title; a title that runs over several lines is one."""
    if not titles:
        return list(lines)
    index = _Index(lines, {title for title, _ in titles if title})
    for title, level in titles:
        index.mark(title, level)
    return index.result()


class _Index:
    """Runs of one to three lines by what they end in; of several, the one in the largest print comes first."""

    def __init__(self, lines: Sequence[Line], wanted: set[str]) -> None:
        self._lines = lines
        self._level = [0] * len(lines)
        self._length = [1] * len(lines)
        self._taken = [False] * len(lines)
        self._runs: dict[str, list[tuple[float, int, int]]] = {}
        plain = [folded(line.text) if len(line.text) <= 2 * LONGEST else "" for line in lines]
        lengths = {len(title) for title in wanted}
        for first in range(len(lines)):
            text = ""
            for count in range(1, min(RUN, len(lines) - first) + 1):
                text += plain[first + count - 1]
                if len(text) > LONGEST:
                    break
                self._add(text, first, count, wanted, lengths)

    def _add(self, text: str, first: int, count: int, wanted: set[str], lengths: set[int]) -> None:
        line = self._lines[first]
        for length in range(max(1, len(text) - BEFORE), len(text) + 1):
            if length in lengths and (ending := text[len(text) - length :]) in wanted:
                score = line.size + (BOLD if line.bold else 0.0) - 0.1 * count
                heapq.heappush(self._runs.setdefault(ending, []), (-score, first, count))

    def mark(self, title: str, level: int) -> None:
        """Marks the best run of lines that is not a title yet."""
        runs = self._runs.get(title, [])
        while runs:
            _, first, count = heapq.heappop(runs)
            if not any(self._taken[first : first + count]):
                self._taken[first : first + count] = [True] * count
                self._level[first], self._length[first] = level, count
                return

    def result(self) -> list[Line]:
        """The lines, titles joined."""
        found: list[Line] = []
        index = 0
        while index < len(self._lines):
            count = self._length[index]
            line = self._lines[index]
            if self._level[index]:
                text = " ".join(one.text for one in self._lines[index : index + count])
                line = replace(line, text=text, heading=self._level[index])
            found.append(line)
            index += count
        return found
