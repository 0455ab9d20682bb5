"""Tables that fit: cells arrive sanitised, one column shrinks first, nothing is ever wrapped."""

from __future__ import annotations

from collections.abc import Sequence

from jobctl.cli.output.text import cut, width

GIVING_WAY = (("DETAILS", 26), ("TITLE", 28), ("DETAILS", 20), ("TITLE", 12))
"""Which columns shrink when the table of jobs is too wide, and down to how many cells, in this order."""
DROPPED = ("DETAILS", "ETA", "AGE")
"""Which go when that was not enough."""
OPTIONAL = ("PROGRESS", "ETA", "DETAILS")
"""Which are left out where they are empty in every row."""
GAP = 2


def table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, limit: int | None = None, elastic: str = ""
) -> list[str]:
    """Lines of a table, the head first; at most ``limit`` cells wide, ``elastic`` names the column that shrinks."""
    from tabulate import tabulate

    heads, body = list(headers), [list(cells) for cells in rows]
    if limit is not None and elastic:
        body = _shrunk(heads, body, elastic, 12, limit)
    # the heads as a row: tabulate pads real headers
    text = tabulate([heads, *body], tablefmt="plain", disable_numparse=True)
    lines = [line.rstrip() for line in text.splitlines()]
    return [cut(line, limit) for line in lines] if limit else lines


def fitted(
    headers: Sequence[str], rows: Sequence[Sequence[str]], limit: int | None
) -> tuple[list[str], list[list[str]]]:
    """The table of jobs, made to fit: empty columns go, long ones shrink, the least needed are dropped."""
    heads, body = list(headers), [list(cells) for cells in rows]
    if limit is None:
        return heads, body
    for name in OPTIONAL:
        if body and name in heads and not any(cells[heads.index(name)] for cells in body):
            heads, body = _without(heads, body, name)
    for name, least in GIVING_WAY:
        body = _shrunk(heads, body, name, least, limit)
    for name in DROPPED:
        if _excess(heads, body, limit) > 0 and name in heads:
            heads, body = _without(heads, body, name)
    return heads, body


def _widths(heads: list[str], rows: list[list[str]]) -> list[int]:
    return [max([width(head), *(width(cells[i]) for cells in rows)]) for i, head in enumerate(heads)]


def _excess(heads: list[str], rows: list[list[str]], limit: int) -> int:
    return sum(_widths(heads, rows)) + GAP * (len(heads) - 1) - limit


def _shrunk(heads: list[str], rows: list[list[str]], name: str, least: int, limit: int) -> list[list[str]]:
    excess = _excess(heads, rows, limit)
    if excess <= 0 or name not in heads:
        return rows
    at = heads.index(name)
    width = max(least, _widths(heads, rows)[at] - excess)
    return [[*cells[:at], cut(cells[at], width), *cells[at + 1 :]] for cells in rows]


def _without(heads: list[str], rows: list[list[str]], name: str) -> tuple[list[str], list[list[str]]]:
    at = heads.index(name)
    return heads[:at] + heads[at + 1 :], [cells[:at] + cells[at + 1 :] for cells in rows]
