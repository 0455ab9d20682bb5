"""Tables of a PDF page: between rules, or of rows of numbers that stand in columns.

A table is found where rules enclose rows of words (``_ruled``), or where lines with several numbers follow each other
(``_numeric``). Its columns are where vertical rules stand, else where a gap runs down through its rows. In doubt there is
no table: the words stay as lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pypdfium2 as pdfium
from pypdfium2 import raw

from jobctl.core.document import Line
from jobctl.documents.extract.pdf_columns import (
    GAP,
    Column,
    Row,
    cells_of,
    columns_of,
    has_gap,
    nearest,
    pieces,
    rows_of,
)
from jobctl.documents.extract.pdf_regions import ALIKE, Region, distinct, is_frame, regions
from jobctl.documents.extract.pdf_table_checks import LEADER, MIN_COLUMNS, MIN_ROWS, is_plausible, is_prose
from jobctl.documents.extract.pdf_words import Word, page_rules, page_words

MOST_COLUMNS = 60
FEW_BANDS = 3
"""Spaces between rules up to which a table with vertical rules has several rows in one of them."""
FULL_LINE = 0.6
"""Share of a region's width from which a line without a gap is prose."""
NEAR = 1.4
"""Times the widest pitch of a table's rows within which the next row may follow."""
TIGHT = 1.2
"""Times the least pitch up to which a line may be the rest of the row above."""
OVERLAP = 0.9
"""Font sizes of a pitch below which two lines stand beside each other: cells of one row, set at different heights."""
NUMERIC_ROWS = 3
"""Rows with numbers that make a table without rules."""
NUMERIC_SHARE = 0.5
_DIGITS = re.compile(r"(?<![\w.])[-+–]?\d[\d.,]*%?(?!\w)")
_NUMBER = re.compile(r"[-+–(]?[$€£]?\d[\d.,:/ ]*[%)]?|[-–—]")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells, and the part of the page they cover, in points from its lower left corner."""

    rows: list[list[str]]
    left: float
    bottom: float
    right: float
    top: float
    size: float


def page_tables(
    page: pdfium.PdfPage,
    handle: raw.FPDF_TEXTPAGE,
    text: str,
    box: tuple[float, float, float, float],
    lines: Sequence[Line],
) -> list[Table]:
    """The tables of an upright page. ``handle``: its text page; ``text``: its characters; ``box``: its media box."""
    across, down = page_rules(page, box[0], box[1])
    found = [region for region in regions(across, down) if not is_frame(region, box[3] - box[1])]
    if not found and not _has_numbers(lines):
        return []
    return tables(page_words(handle, text, box[0], box[1]), found)


def _has_numbers(lines: Sequence[Line]) -> bool:
    """Whether a table without rules is possible: some lines with several numbers follow each other."""
    run = 0
    for line in lines:
        run = run + 1 if len(_DIGITS.findall(line.text)) >= 2 and not LEADER.search(line.text) else 0
        if run >= NUMERIC_ROWS:
            return True
    return False


def with_tables(lines: Sequence[Line], found: Sequence[Table], height: float) -> list[Line]:
    """The lines with each table in the place of those that it covers. ``height``: of the page in points."""
    result: list[Line] = []
    placed: set[int] = set()
    for line in lines:
        y = line.y * height
        inside = next(
            (i for i, t in enumerate(found) if t.bottom <= y <= t.top and t.left - ALIKE <= line.indent <= t.right),
            None,
        )
        if inside is None:
            result.append(line)
        elif inside not in placed:
            placed.add(inside)
            table = found[inside]
            text = "\n".join("\t".join(row) for row in table.rows)
            result.append(
                Line(text, round(table.size, 2), gap=line.gap, indent=line.indent, y=line.y, table=table.rows)
            )
    return result


def tables(words: Sequence[Word], between: Sequence[Region]) -> list[Table]:
    """The tables of a page, from top to bottom: those in regions of rules, and rows of numbers."""
    found: list[Table] = []
    rows = rows_of(words)
    for region in between:
        table = _ruled(rows, region)
        if table is not None and not any(_overlap(table, other) for other in found):
            found.append(table)
    found += _numeric([row for row in rows if not any(t.bottom <= row.baseline <= t.top for t in found)])
    return sorted(found, key=lambda table: -table.top)


def _overlap(one: Table, other: Table) -> bool:
    return one.bottom < other.top and other.bottom < one.top and one.left < other.right and other.left < one.right


# -- between rules -----------------------------------------------------------------------------------------------------


def _ruled(rows: Sequence[Row], region: Region) -> Table | None:
    inside = list(_inside(rows, region))
    if region.down:
        return _table(inside, _columns_of(region), region)
    best: Table | None = None
    for run in _tabular(inside, region.right - region.left):
        columns = columns_of(run)
        table = _table(_extended(rows, run, columns), columns, region) if len(columns) >= MIN_COLUMNS else None
        if table is not None and (best is None or len(table.rows) > len(best.rows)):
            best = table
    return best


def _inside(rows: Sequence[Row], region: Region) -> Iterator[Row]:
    """The words between the outer rules, each row with the number of its band from the top."""
    for row in rows:
        if region.across[-1] < row.baseline < region.across[0]:
            words = [w for w in row.words if w.left > region.left - ALIKE and w.right < region.right + ALIKE]
            if words:
                yield Row(row.baseline, words, sum(row.baseline < at for at in region.across))


def _tabular(rows: Sequence[Row], width: float) -> Iterator[list[Row]]:
    """Runs of bands that are not prose: between two tables of one width there are lines from edge to edge."""
    run: list[Row] = []
    for band in sorted({row.band for row in rows}):
        lines = [row for row in rows if row.band == band]
        full = sum(not has_gap(row) and row.words[-1].right - row.words[0].left > FULL_LINE * width for row in lines)
        if 2 * full >= len(lines):
            yield run
            run = []
        else:
            run += lines
    yield run


def _extended(rows: Sequence[Row], run: Sequence[Row], columns: Sequence[Column]) -> list[Row]:
    """The rows with those above and below that stand in the same columns: a head over the first rule, unshaded rows."""
    pitch = NEAR * max((a.baseline - b.baseline for a, b in pairwise(run)), default=2.0 * run[0].words[0].size)
    before = [row for row in rows if row.baseline > run[0].baseline]
    after = [row for row in rows if row.baseline < run[-1].baseline]
    found = list(run)
    for row in reversed(before):
        if row.baseline - found[0].baseline > pitch or not _fits(row, columns):
            break
        found.insert(0, Row(row.baseline, row.words, found[0].band - 1))
    for row in after:
        if found[-1].baseline - row.baseline > pitch or not _fits(row, columns):
            break
        found.append(Row(row.baseline, row.words, found[-1].band + 1))
    return found


def _fits(row: Row, columns: Sequence[Column]) -> bool:
    """Whether each piece of a row lies in a column of its own, with at least two of them."""
    taken = [nearest(columns, (left + right) / 2) for left, right in pieces(row, GAP * row.words[0].size)]
    crossing = any(
        sum(left < end and right > start for start, end in columns) > 1
        for left, right in pieces(row, GAP * row.words[0].size)
    )
    return len(taken) >= MIN_COLUMNS and len(set(taken)) == len(taken) and not crossing


def _columns_of(region: Region) -> list[Column]:
    edges = distinct([region.left, *region.down, region.right])
    return list(pairwise(edges))


# -- cells -------------------------------------------------------------------------------------------------------------


def _table(rows: Sequence[Row], columns: Sequence[Column], region: Region) -> Table | None:
    if len(rows) < MIN_ROWS or not MIN_COLUMNS <= len(columns) <= MOST_COLUMNS:
        return None
    bands = len({row.band for row in rows})
    lines = [(row, cells_of(row, columns, ruled=bool(region.down))) for row in rows]
    if not region.down and is_prose(rows, columns):
        return None
    by_band = (bool(region.down) and bands > FEW_BANDS) or bands == len(rows)
    cells = _joined(lines, by_band=by_band)
    cells = [row for row in cells if any(row)]
    if not is_plausible(cells):
        return None
    sizes = sorted(word.size for row in rows for word in row.words)
    return Table(
        cells, min(r.words[0].left for r in rows), rows[-1].baseline - 0.3 * sizes[0],
        max(r.words[-1].right for r in rows), rows[0].baseline + sizes[-1], sizes[len(sizes) // 2],
    )  # fmt: skip


def _joined(lines: Sequence[tuple[Row, list[str]]], *, by_band: bool) -> list[list[str]]:
    """Lines of one row together: those between two rules, of the head, and wrapped ones, which are set tighter."""
    pitches = [a.baseline - b.baseline for (a, _), (b, _) in pairwise(lines)]
    single = [pitch for (row, _), pitch in zip(lines, pitches, strict=False) if pitch >= row.words[0].size]
    tight = TIGHT * min(single, default=0.0)
    loose = any(pitch > tight for pitch in single)
    found: list[list[str]] = []
    before: Row | None = None
    for row, cells in lines:
        pitch = before.baseline - row.baseline if before is not None else 0.0
        same_band = before is not None and row.band == before.band
        head = same_band and row.band == lines[0][0].band and lines[-1][0].band != row.band
        beside = same_band and pitch < OVERLAP * row.words[0].size
        wrapped = same_band and loose and pitch <= tight and not all(cells)
        if found and ((by_band and same_band) or head or beside or wrapped):
            found[-1] = [" ".join(filter(None, pair)) for pair in zip(found[-1], cells, strict=True)]
        else:
            found.append(cells)
        before = row
    return found


# -- rows of numbers ---------------------------------------------------------------------------------------------------


def _numeric(rows: Sequence[Row]) -> list[Table]:
    """Rows with numbers in columns, without rules; the row above them is their head where it fits the columns."""
    found: list[Table] = []
    run: list[int] = []
    for i, row in enumerate([*rows, None]):
        near = not run or row is None or rows[run[-1]].baseline - row.baseline < 2.6 * row.words[0].size
        if row is not None and near and _is_numeric(row):
            run.append(i)
            continue
        if len(run) >= NUMERIC_ROWS and (table := _numbers(rows, run)) is not None:
            found.append(table)
        run = [i] if row is not None and _is_numeric(row) else []
    return found


def _is_numeric(row: Row) -> bool:
    if sum(word.text == "." for word in row.words) > MIN_ROWS:
        return False
    parts = list(pieces(row, GAP * row.words[0].size))
    numbers = sum(bool(_NUMBER.fullmatch(word.text)) for word in row.words)
    return len(parts) >= MIN_COLUMNS + 1 and numbers >= 2


def _numbers(rows: Sequence[Row], run: Sequence[int]) -> Table | None:
    chosen = [rows[i] for i in run]
    if run[0] > 0:
        head = rows[run[0] - 1]
        if has_gap(head) and head.baseline - chosen[0].baseline < 2.6 * chosen[0].words[0].size:
            chosen = [head, *chosen]
    columns = columns_of(chosen)
    table = _table(chosen, columns, Region([], [], 0.0, 0.0)) if len(columns) > MIN_COLUMNS else None
    if table is None:
        return None
    cells = [cell for row in table.rows[1:] for cell in row[1:] if cell]
    numeric = sum(bool(_NUMBER.fullmatch(cell)) for cell in cells)
    return table if numeric >= NUMERIC_SHARE * len(cells) else None
