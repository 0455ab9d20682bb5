"""What distinguishes a table from text in columns, a table of contents, a drawing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from jobctl.documents.extract.pdf_columns import Column, Row

MIN_ROWS, MIN_COLUMNS = 2, 2
FILLED = 0.45
"""Share of the cells that must have text."""
LONGEST_CELL = 600
TOGETHER = 0.6
"""Share of the rows that must have text in two cells or more."""
PROSE_FILL, PROSE_SHARE = 0.82, 0.6
"""A column is prose where this share of its rows fills this part of its width."""
_SECTION = re.compile(r"(?:[A-Z]|\d{1,3})(?:\.\d{1,3}){0,5}\.?")
LEADER = re.compile(r"(?:[.·…] ?){4}")


def is_prose(rows: Sequence[Row], columns: Sequence[Column]) -> bool:
    """Whether most rows of two columns reach from edge to edge: text set in columns."""
    full = 0
    for left, right in columns:
        spans = [[w for w in row.words if left - 1 <= w.left and w.right <= right + 1] for row in rows]
        filled = sum(bool(s) and s[-1].right - s[0].left >= PROSE_FILL * (right - left) and len(s) > 3 for s in spans)
        full += filled >= PROSE_SHARE * len(rows)
    return full >= 2 or (full == 1 and len(columns) == 1)


def is_plausible(cells: Sequence[Sequence[str]]) -> bool:
    """Whether cells make a table: enough of them have text, side by side, and they are no table of contents."""
    if len(cells) < MIN_ROWS:
        return False
    width = len(cells[0])
    used = [sum(bool(row[c]) for row in cells) for c in range(width)]
    together = sum(sum(map(bool, row)) >= MIN_COLUMNS for row in cells)
    return (
        sum(count > 0 for count in used) >= MIN_COLUMNS
        and sum(used) >= FILLED * len(cells) * width
        and together >= TOGETHER * len(cells)
        and all(len(cell) <= LONGEST_CELL for row in cells for cell in row)
        and not _is_contents(cells)
    )


def _is_contents(cells: Sequence[Sequence[str]]) -> bool:
    """Titles with leaders or rising page numbers: a table of contents, not a table."""
    if any(LEADER.search(" ".join(row)) for row in cells):
        return True
    numbered = [row for row in cells if _SECTION.fullmatch(row[0]) and row[-1].isdecimal() and len(row[-1]) < 6]
    pages = [int(row[-1]) for row in numbered]
    titles = sum(any(c.isalpha() for c in row[-2]) for row in numbered)
    return len(cells[0]) > MIN_COLUMNS and len(numbered) == len(cells) == titles and pages == sorted(pages)
