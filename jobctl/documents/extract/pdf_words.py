"""Words of a PDF page with where they stand, and the rules that are drawn on it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pypdfium2 as pdfium
from pypdfium2 import raw

MOST_OBJECTS = 6_000
"""Objects of a page from which it is a drawing, not a table."""
THIN = 3.0
"""Points up to which a filled shape is a rule and not an area."""
SAME_LINE = 1.5
"""Points by which pieces of one rule may be apart."""


@dataclass(frozen=True, slots=True)
class Word:
    """A run of characters without a space. Points from the lower left corner of the page."""

    text: str
    left: float
    right: float
    baseline: float
    size: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A straight line: ``at`` across its direction, ``start`` and ``end`` along it."""

    at: float
    start: float
    end: float


def page_words(handle: raw.FPDF_TEXTPAGE, text: str, left: float, bottom: float) -> list[Word]:
    """The words of a page whose characters are ``text``; ``left`` and ``bottom``: the corner of its media box."""
    words: list[Word] = []
    begin: int | None = None
    for index, character in enumerate([*text, " "]):
        if character in " \t\r\n\x00\x02\ufffe":
            if begin is not None:
                words += _word(handle, text, begin, index, left, bottom)
            begin = None
        elif begin is None:
            begin = index
    return words


def _word(handle: raw.FPDF_TEXTPAGE, text: str, begin: int, end: int, left: float, bottom: float) -> Iterator[Word]:
    first, last = _box(handle, begin), _box(handle, end - 1)
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(handle, begin, ctypes.byref(x), ctypes.byref(y))
    height = max(first[3] - first[1], last[3] - last[1])
    size = raw.FPDFText_GetFontSize(handle, begin)
    if last[2] > first[0] - 0.1:
        yield Word(text[begin:end], first[0] - left, last[2] - left, y.value - bottom, size if size > 2 else height)


def _box(handle: raw.FPDF_TEXTPAGE, index: int) -> tuple[float, float, float, float]:
    left, right, bottom, top = (ctypes.c_double() for _ in range(4))
    raw.FPDFText_GetCharBox(handle, index, *map(ctypes.byref, (left, right, bottom, top)))
    return left.value, bottom.value, right.value, top.value


def page_rules(page: pdfium.PdfPage, left: float, bottom: float) -> tuple[list[Rule], list[Rule]]:
    """(horizontal, vertical) rules of a page: strokes, thin shapes and the edges of areas; none of a drawing."""
    if raw.FPDFPage_CountObjects(page.raw) > MOST_OBJECTS:
        return [], []
    across: list[Rule] = []
    down: list[Rule] = []
    for item in page.get_objects(filter=(raw.FPDF_PAGEOBJ_PATH,), max_depth=1):
        x0, y0, x1, y1 = item.get_bounds()
        x0, x1, y0, y1 = x0 - left, x1 - left, y0 - bottom, y1 - bottom
        straight = raw.FPDFPath_CountSegments(item.raw) <= 5
        if y1 - y0 <= THIN < x1 - x0:
            across.append(Rule((y0 + y1) / 2, x0, x1))
        elif x1 - x0 <= THIN < y1 - y0:
            down.append(Rule((x0 + x1) / 2, y0, y1))
        elif straight and x1 - x0 > THIN and y1 - y0 > THIN:
            across += [Rule(y0, x0, x1), Rule(y1, x0, x1)]
            down += [Rule(x0, y0, y1), Rule(x1, y0, y1)]
        else:
            for begin, end in _segments(item, left, bottom):
                if abs(begin[1] - end[1]) <= 1 < abs(begin[0] - end[0]):
                    across.append(Rule(begin[1], *sorted((begin[0], end[0]))))
                elif abs(begin[0] - end[0]) <= 1 < abs(begin[1] - end[1]):
                    down.append(Rule(begin[0], *sorted((begin[1], end[1]))))
    return merged(across), merged(down)


Point = tuple[float, float]


def _segments(item: pdfium.PdfObject, left: float, bottom: float) -> Iterator[tuple[Point, Point]]:
    """The straight segments of a path that has many."""
    matrix = item.get_matrix()
    last: Point | None = None
    for index in range(min(raw.FPDFPath_CountSegments(item.raw), MOST_OBJECTS)):
        segment = raw.FPDFPath_GetPathSegment(item.raw, index)
        x, y = ctypes.c_float(), ctypes.c_float()
        raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
        there = matrix.on_point(x.value, y.value)
        point = (there[0] - left, there[1] - bottom)
        if last is not None and raw.FPDFPathSegment_GetType(segment) == raw.FPDF_SEGMENT_LINETO:
            yield last, point
        last = point


def merged(rules: Iterable[Rule]) -> list[Rule]:
    """Pieces of one line put together, in order of position."""
    found: list[Rule] = []
    for level in _levels(sorted(rules, key=lambda rule: rule.at)):
        at = sum(rule.at for rule in level) / len(level)
        for rule in sorted(level, key=lambda rule: rule.start):
            if found and found[-1].at == at and rule.start <= found[-1].end + 2 * SAME_LINE:
                found[-1] = Rule(at, found[-1].start, max(found[-1].end, rule.end))
            else:
                found.append(Rule(at, rule.start, rule.end))
    return found


def _levels(rules: Sequence[Rule]) -> Iterator[list[Rule]]:
    level: list[Rule] = []
    for rule in rules:
        if level and rule.at - level[-1].at > SAME_LINE:
            yield level
            level = []
        level.append(rule)
    if level:
        yield level
