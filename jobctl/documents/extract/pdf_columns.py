"""Rows of words of a PDF page, and the columns that they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jobctl.documents.extract.pdf_words import Word

GAP = 0.55
"""Font sizes of a gap that separates columns; a space is a quarter to a third."""
SPANNING = 0.15
"""Share of the rows that may run across a gap between columns: headings over several of them."""
SAME_BASELINE = 0.35
"""Font sizes by which the baselines of one row may differ."""

Column = tuple[float, float]
"""Left and right edge in points."""


@dataclass(frozen=True, slots=True)
class Row:
    """Words of one baseline."""

    baseline: float
    words: list[Word]  # from left to right
    band: int  # between which rules it stands


def rows_of(words: Sequence[Word]) -> list[Row]:
    """Words of one baseline together, from the top of the page to its bottom."""
    rows: list[Row] = []
    for word in sorted(words, key=lambda w: -w.baseline):
        if rows and rows[-1].baseline - word.baseline <= SAME_BASELINE * word.size:
            rows[-1].words.append(word)
        else:
            rows.append(Row(word.baseline, [word], 0))
    return [Row(row.baseline, sorted(row.words, key=lambda w: w.left), 0) for row in rows]


def has_gap(row: Row) -> bool:
    """Whether two words of a row stand wider apart than a space."""
    return any(b.left - a.right > GAP * b.size for a, b in pairwise(row.words))


def columns_of(rows: Sequence[Row]) -> list[Column]:
    """Columns as what lies between gaps that run down through nearly all rows."""
    if not rows:
        return []
    size = sorted(word.size for row in rows for word in row.words)[sum(len(r.words) for r in rows) // 2]
    allowed = int(SPANNING * len(rows))
    events: list[tuple[float, int]] = []
    for row in rows:
        for left, right in pieces(row, GAP * size):
            events += [(left, 1), (right, -1)]
    columns: list[Column] = []
    depth, start = 0, None
    for x, step in sorted(events, key=lambda event: (event[0], -event[1])):
        depth += step
        if depth > allowed and start is None:
            start = x
        elif depth <= allowed and start is not None:
            columns.append((start, x))
            start = None
    return _apart(columns, GAP * size)


def _apart(columns: Sequence[Column], gap: float) -> list[Column]:
    found: list[Column] = []
    for left, right in columns:
        if found and left - found[-1][1] < gap:
            found[-1] = (found[-1][0], right)
        else:
            found.append((left, right))
    return found


def pieces(row: Row, gap: float) -> Iterator[tuple[float, float]]:
    """Words of a row with no wide gap between them, as one interval."""
    left, right = row.words[0].left, row.words[0].right
    for word in row.words[1:]:
        if word.left - right > gap:
            yield left, right
            left = word.left
        right = max(right, word.right)
    yield left, right


def nearest(columns: Sequence[Column], x: float) -> int:
    """The number of the column at a position, or next to it."""
    return min(range(len(columns)), key=lambda c: max(columns[c][0] - x, x - columns[c][1], 0.0))


def cells_of(row: Row, columns: Sequence[Column], *, ruled: bool) -> list[str]:
    """The text of each column: by words between vertical rules, else by pieces, of which a head may be the wider one."""
    cells: list[list[str]] = [[] for _ in columns]
    parts = [(w.left, w.right) for w in row.words] if ruled else list(pieces(row, GAP * row.words[0].size))
    targets = [_overlapped(columns, left, right) for left, right in parts]
    number = 0
    for word in row.words:
        while word.left > parts[number][1]:
            number += 1
        cells[targets[number]].append(word.text)
    return [" ".join(cell) for cell in cells]


def _overlapped(columns: Sequence[Column], left: float, right: float) -> int:
    overlap = [min(right, end) - max(left, start) for start, end in columns]
    best = max(range(len(columns)), key=lambda c: overlap[c])
    return best if overlap[best] > 0 else nearest(columns, (left + right) / 2)
