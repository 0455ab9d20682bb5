"""The lines of a page in PDFium's order. The font is read of one character a line.

PDFium marks a hyphen at a line's end that it takes for a soft one as U+FFFE or U+0002, and joins the two lines.
"""

from __future__ import annotations

import ctypes
import math
import re
from dataclasses import dataclass

import pypdfium2 as pdfium
from pypdfium2 import raw

from jobctl.core.document import Line
from jobctl.documents.extract.pdf_tables import page_tables, with_tables

FIXED_PITCH = 1
FORCE_BOLD = 1 << 18
BOLD_WEIGHT = 600
SAME_ROW = 0.3
"""Line heights by which pieces of one row may differ."""
_MONO_NAME = re.compile(r"mono|courier|consol|typewriter|code|[a-z0-9]tt(?:[^a-z]|$)", re.IGNORECASE)
_BOLD_NAME = re.compile(r"bold|black|heavy|-b\b|cmbx", re.IGNORECASE)
_BLANK = "\r \t\x00"
_SOFT = "\ufffe\x02"
_NAME_SIZE = 64
_MATRIX = raw.FS_MATRIX


@dataclass(frozen=True, slots=True)
class _Sample:
    """One character: print size in points after the matrix, style, origin, and quarter turns of its writing direction."""

    size: float
    bold: bool
    mono: bool
    x: float
    y: float
    turn: int


def page_lines(page: pdfium.PdfPage, text_page: pdfium.PdfTextPage, count: int) -> tuple[list[Line], str]:
    """The lines of a page, upright whichever way it is turned, and its whole text (cut words joined)."""
    handle = text_page.raw
    text = _text(handle, count)
    rows = _rows(handle, text)
    box = page.get_mediabox()
    turns = [sample.turn for _, sample, _ in rows]
    turn = max(set(turns), key=lambda t: (turns.count(t), -t)) if turns else 0
    height = (box[3] - box[1] if turn % 2 == 0 else box[2] - box[0]) or 1.0
    lines: list[Line] = []
    last: tuple[float, float] | None = None  # baseline and left edge of the row before
    for row, sample, end in rows:
        x, y = _upright(sample.x, sample.y, box, turn)
        _, y_end = _upright(end.x, end.y, box, turn)
        gap = (last[0] - y) / sample.size if last is not None and sample.size else 0.0
        if lines and last is not None and abs(gap) < SAME_ROW and x > last[1] and not (lines[-1].mono or sample.mono):
            lines[-1] = _beside(lines[-1], row, sample)
        else:
            lines.append(
                Line(row, round(sample.size, 2), sample.bold, sample.mono, round(gap, 2), round(x, 1), 0, round(y / height, 4))
            )  # fmt: skip
        last = (y_end, x)
    if turn == 0:
        lines = with_tables(lines, page_tables(page, handle, text, box, lines), height)
    for mark in _SOFT:
        text = text.replace(mark, "")
    return lines, text


def _beside(line: Line, row: str, sample: _Sample) -> Line:
    """A row whose pieces PDFium returned one by one."""
    return Line(f"{line.text} {row}", line.size, line.bold and sample.bold, line.mono, line.gap, line.indent, 0, line.y)


def _rows(handle: raw.FPDF_TEXTPAGE, text: str) -> list[tuple[str, _Sample, _Sample]]:
    """Each row that has text, with samples of its first character and of its last baseline."""
    rows = []
    fonts: dict[bytes, tuple[bool, bool]] = {}
    start, size = 0, 0.0
    for row in text.split("\n"):
        stripped = row.strip(_BLANK)
        if stripped:
            first = _sample(handle, start + row.index(stripped[0]), fonts)
            end = start + len(row.rstrip(_BLANK)) - 1
            last = first
            if first.mono or first.size != size or any(mark in row for mark in _SOFT):
                last = _sample(handle, end, fonts)
                first = _whole_row(handle, first, last, start + row.index(stripped[0]), end, fonts)
            size = first.size
            rows.append((stripped, first, last))
        start += len(row) + 1
    return rows


def _whole_row(
    handle: raw.FPDF_TEXTPAGE,
    first: _Sample,
    last: _Sample,
    start: int,
    end: int,
    fonts: dict[bytes, tuple[bool, bool]],
) -> _Sample:
    """The style of the whole row: not that of a drop cap, nor of a word of code at its beginning."""
    size, bold = first.size, first.bold
    if first.size > last.size and end - start > 3:
        middle = _sample(handle, (start + end) // 2, fonts)
        if middle.size < first.size:
            size, bold = middle.size, middle.bold
    return _Sample(size, bold, first.mono and last.mono, first.x, first.y, first.turn)


def _upright(x: float, y: float, box: tuple[float, float, float, float], turn: int) -> tuple[float, float]:
    """A point of the page, seen so that the writing runs from left to right; the origin is at the bottom left."""
    left, bottom, right, top = box
    return ((x - left, y - bottom), (y - bottom, right - x), (right - x, top - y), (top - y, x - left))[turn]


def _text(handle: raw.FPDF_TEXTPAGE, count: int) -> str:
    """The page's characters, one each: index in the text is index in PDFium."""
    buffer = (ctypes.c_ushort * (count + 1))()
    raw.FPDFText_GetText(handle, 0, count, buffer)
    text = bytes(buffer)[: count * 2].decode("utf-16-le", "replace")
    if len(text) != count:  # characters beyond the BMP take two units there and one here
        codes = (raw.FPDFText_GetUnicode(handle, i) for i in range(count))
        text = "".join(chr(c) if c < 0x110000 and not 0xD800 <= c < 0xE000 else "\ufffd" for c in codes)
    return text


def _sample(handle: raw.FPDF_TEXTPAGE, index: int, fonts: dict[bytes, tuple[bool, bool]]) -> _Sample:
    matrix = _MATRIX()
    scale, turn = 1.0, 0
    if raw.FPDFText_GetMatrix(handle, index, ctypes.byref(matrix)):
        scale = math.hypot(matrix.c, matrix.d) or 1.0
        turn = round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4
    size = raw.FPDFText_GetFontSize(handle, index) * scale
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(handle, index, ctypes.byref(x), ctypes.byref(y))
    name = ctypes.create_string_buffer(_NAME_SIZE)
    flags = ctypes.c_int()
    raw.FPDFText_GetFontInfo(handle, index, name, _NAME_SIZE, ctypes.byref(flags))
    key = name.value
    if key not in fonts:
        readable = key.decode("latin-1")
        bold = bool(_BOLD_NAME.search(readable)) or bool(flags.value & FORCE_BOLD)
        if not bold:
            bold = raw.FPDFText_GetFontWeight(handle, index) >= BOLD_WEIGHT
        fonts[key] = (bold, bool(_MONO_NAME.search(readable)) or bool(flags.value & FIXED_PITCH))
    bold, mono = fonts[key]
    return _Sample(size, bold, mono, x.value, y.value, turn)
