"""The rules of a PDF page that belong together: grids, and horizontal rules of one width below each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jobctl.documents.extract.pdf_words import Rule

MOST_RULES = 600
"""Rules of a page from which it is a drawing."""
ALIKE = 4.0
"""Points by which the ends of rules of one table may differ."""


@dataclass(frozen=True, slots=True)
class Region:
    """Rules that belong together."""

    across: list[float]  # positions of horizontal rules, from the top
    down: list[float]  # positions of vertical rules, from the left; empty: none
    left: float
    right: float


def regions(across: Sequence[Rule], down: Sequence[Rule]) -> Iterator[Region]:
    """Rules that belong together: those that cross, and horizontal ones of one width below each other."""
    if len(across) + len(down) > MOST_RULES:
        return
    used: set[int] = set()
    for verticals in _crossing(across, down):
        rules = [i for i, rule in enumerate(across) if i not in used and any(_touches(rule, v) for v in verticals)]
        used |= set(rules)
        if len(rules) >= 2:
            left, right = min(across[i].start for i in rules), max(across[i].end for i in rules)
            positions = distinct([v.at for v in verticals])
            yield Region(distinct([across[i].at for i in rules])[::-1], positions, left, right)
    by_width: dict[tuple[int, int], list[Rule]] = {}
    for i, rule in enumerate(across):
        if i not in used:
            key = next((k for k in by_width if abs(k[0] - rule.start) < ALIKE and abs(k[1] - rule.end) < ALIKE), None)
            by_width.setdefault(key or (round(rule.start), round(rule.end)), []).append(rule)
    for (left, right), alike in by_width.items():
        if len(alike) >= 2:
            yield Region(distinct([rule.at for rule in alike])[::-1], [], float(left), float(right))


def _crossing(across: Sequence[Rule], down: Sequence[Rule]) -> Iterator[list[Rule]]:
    """Vertical rules that are joined by horizontal ones."""
    group = list(range(len(down)))

    def root(i: int) -> int:
        while group[i] != i:
            group[i] = group[group[i]]
            i = group[i]
        return i

    for rule in across:
        touching = [i for i, vertical in enumerate(down) if _touches(rule, vertical)]
        for a, b in pairwise(touching):
            group[root(b)] = root(a)
    sets: dict[int, list[Rule]] = {}
    for i, vertical in enumerate(down):
        sets.setdefault(root(i), []).append(vertical)
    yield from sets.values()


def _touches(across: Rule, down: Rule) -> bool:
    return across.start - ALIKE <= down.at <= across.end + ALIKE and down.start - ALIKE <= across.at <= down.end + ALIKE


def distinct(positions: Sequence[float]) -> list[float]:
    """Positions in order, those that are nearly the same once."""
    found: list[float] = []
    for position in sorted(positions):
        if not found or position - found[-1] > ALIKE:
            found.append(position)
    return found


def is_frame(region: Region, height: float) -> bool:
    """Whether it is just the rules of a page's head and foot."""
    return not region.down and len(region.across) <= 2 and region.across[0] - region.across[-1] > height / 2
