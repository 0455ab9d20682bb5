"""Finding a passage again in a text that is not quite the one it came from.

Folded exact first (NFKD, letters and digits only, with a map back to code points), then votes of shared 8-grams for
windows, and the best four of these by rapidfuzz's partial ratio. Measured in docs/PROCESSING_PIPELINE.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz import fuzz

GRAM = 8
EVERY = 4
"""The index has every fourth position: a highlight has all of its own, so that one in four matches."""
SHORTEST = 3
SHORT = 30
"""Folded characters under which only an exact match counts."""
PLACED, DOUBTFUL = 84.0, 68.0
"""Percent of agreement: placed from the first, in the review from the second."""
CLOSE = 2.0
WIDER = (0, 12, 24, 36)
"""Folded characters by which a range is tried longer at either end."""
MOST = 50
SHORTEST_END, FARTHEST = 8, 5_000
"""Folded characters: of the words before and after an ellipsis at least, and what it stands for at most."""
_ELLIPSIS = re.compile(r"\u2026|\.\s?\.\s?\.")
_Match = tuple[float, int, int]
"""Percent of agreement, and a range of the folded text."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a passage is: half-open code points of the text, how sure that is, and the second-best score."""

    outcome: str  # placed review failed
    start: int | None = None
    end: int | None = None
    score: float = 0.0
    runner_up: float = 0.0
    reason: str = ""

    def suggestion(self) -> dict[str, object]:
        """The position and its scores, as a line of the review shows them."""
        return {"start": self.start, "end": self.end, "score": self.score, "runner_up": self.runner_up}


def fold(text: str) -> str:
    """Letters and digits, without case, accents and typography."""
    return "".join(_fold(character) for character in text)


def _fold(character: str) -> str:
    folded = unicodedata.normalize("NFKD", character).casefold()
    return "".join(c for c in folded if c.isalnum())


class FoldedText:
    """A text, folded once, in which many passages are located."""

    def __init__(self, text: str) -> None:
        known: dict[str, str] = {}
        parts: list[str] = []
        offsets: list[int] = []
        for position, character in enumerate(text):
            folded = known.get(character)
            if folded is None:
                folded = known[character] = _fold(character)
            if folded:
                parts.append(folded)
                offsets.append(position)
                if len(folded) > 1:
                    offsets += [position] * (len(folded) - 1)
        self.length = len(text)
        self.folded = "".join(parts)
        self._offsets = offsets

    def range(self, start: int, end: int) -> tuple[int, int]:
        """Code points of the text for a range of the folded one."""
        return self._offsets[start], self._offsets[end - 1] + 1

    def locate(self, passage: str, *, near: float | None = None) -> Placement:
        """Where a passage is. ``near`` (0 to 1) is where it was elsewhere: it decides between equal matches."""
        wanted = fold(passage)
        if len(wanted) < SHORTEST:
            return Placement("failed", reason="too short to be found again")
        positions = self._exact(wanted)
        if positions:
            return self._one_of(positions, len(wanted), near)
        ends = [part for part in map(fold, _ELLIPSIS.split(passage)) if len(part) >= SHORTEST_END]
        if len(ends) > 1 and (found := self._between(ends[0], ends[-1])):
            return self._best(found, near)
        if len(wanted) < SHORT:
            return Placement("failed", reason="not in the text, and too short for anything but an exact match")
        return self._best(self._fuzzy(wanted), near)

    def _exact(self, wanted: str) -> list[int]:
        found: list[int] = []
        at = self.folded.find(wanted)
        while at >= 0 and len(found) < MOST:
            found.append(at)
            at = self.folded.find(wanted, at + 1)
        return found

    def _one_of(self, positions: Sequence[int], length: int, near: float | None) -> Placement:
        if len(positions) == 1:
            return Placement("placed", *self.range(positions[0], positions[0] + length), score=1.0)
        first = self.range(positions[0], positions[0] + length)
        if near is None:
            return Placement(
                "review", *first, score=1.0, runner_up=1.0, reason=f"it is in the text {len(positions)} times"
            )
        size = max(len(self.folded), 1)
        nearest, second = sorted(positions, key=lambda at: (abs(at / size - near), at))[:2]
        if abs(abs(nearest / size - near) - abs(second / size - near)) < 0.01:
            return Placement("review", *first, score=1.0, runner_up=1.0, reason="two places are equally near")
        chosen = self.range(nearest, nearest + length)
        return Placement("placed", *chosen, score=1.0, runner_up=1.0, reason="the nearest of several places")

    @cached_property
    def _grams(self) -> dict[str, list[int]]:
        index: dict[str, list[int]] = {}
        text = self.folded
        for at in range(0, len(text) - GRAM + 1, EVERY):
            index.setdefault(text[at : at + GRAM], []).append(at)
        return index

    def _windows(self, wanted: str) -> list[int]:
        """Where the folded text shares most with the passage: starts, best first."""
        bucket = max(len(wanted) // 2, 16)
        votes: Counter[int] = Counter()
        for at in range(len(wanted) - GRAM + 1):
            for position in self._grams.get(wanted[at : at + GRAM], ())[:MOST]:
                votes[(position - at) // bucket] += 1
        return [number * bucket for number, _ in sorted(votes.items(), key=lambda v: (-v[1], v[0]))[:4]]

    def _widened(self, wanted: str, score: float, start: int, end: int) -> tuple[float, int, int]:
        """The range that agrees best: where something was left out, the text is longer than the passage."""
        ranges = [(max(0, start - before), end + after) for before in WIDER for after in WIDER]
        scored = [(fuzz.ratio(wanted, self.folded[low:high]), low, min(high, len(self.folded))) for low, high in ranges]
        return max([(score, start, end), *scored], key=lambda s: (s[0], -s[1]))

    def _fuzzy(self, wanted: str) -> Collection[_Match]:
        found: dict[int, _Match] = {}
        for start in self._windows(wanted):
            low = max(0, start - len(wanted) // 4)
            window = self.folded[low : start + 2 * len(wanted) + 16]
            aligned = fuzz.partial_ratio_alignment(wanted, window, score_cutoff=DOUBTFUL)
            if aligned is not None and aligned.dest_end > aligned.dest_start:
                score, at, end = self._widened(wanted, aligned.score, low + aligned.dest_start, low + aligned.dest_end)
                same = next((known for known in found if abs(known - at) < len(wanted) // 2), at)
                found[same] = max(found.get(same, (0.0, 0, 0)), (score, at, end))
        return found.values()

    def _matches(self, wanted: str) -> Collection[_Match]:
        """Exact, else, if it is long enough, fuzzy."""
        exact = [(100.0, at, at + len(wanted)) for at in self._exact(wanted)]
        return exact or (self._fuzzy(wanted) if len(wanted) >= SHORT else ())

    def _between(self, first: str, last: str) -> Collection[_Match]:
        """Where these words begin a passage and those end it: no farther apart than they have to be."""
        found: dict[int, _Match] = {}
        tails = self._matches(last)
        for score, start, end in self._matches(first):
            following = [match for match in tails if end <= match[1] <= end + FARTHEST]
            if following:
                tail = min(following, key=lambda match: match[1])
                whole = min(score, tail[0]), start, tail[2]
                found[tail[2]] = max(found.get(tail[2], whole), whole, key=lambda match: match[1])
        return found.values()

    def _best(self, found: Collection[_Match], near: float | None) -> Placement:
        ranked = sorted(found, key=lambda f: (-f[0], f[1]))
        if not ranked:
            return Placement("failed", reason="nothing in the text is like it")
        second = ranked[1][0] if len(ranked) > 1 else 0.0
        equal = [match for match in ranked if match[0] >= ranked[0][0] - CLOSE]
        if near is not None:
            size = max(len(self.folded), 1)
            equal.sort(key=lambda match: abs(match[1] / size - near))
        score, start, end = equal[0]
        where = (*self.range(start, end), round(score / 100, 4), round(second / 100, 4))
        if len(equal) > 1 and near is None:
            return Placement("review", *where, "two places are equally like it")
        if score >= PLACED:
            return Placement("placed", *where)
        return Placement("review", *where, "the text there differs much")
