"""PDF by PDFium: the lines of a page with what the heading pass needs. One character a line is asked for its font.

PDFium marks a hyphen at a line's end that it takes for a soft one as U+FFFE or U+0002.
"""

from __future__ import annotations

import ctypes
import math
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
from pypdfium2 import raw

from jobctl.core.document import Line, Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.documents.extract.bounded import bounded_memory

MAX_PAGES = 20_000
PAGE_TEXT_CAP = 2_000_000
FIXED_PITCH = 1
FORCE_BOLD = 1 << 18
BOLD_WEIGHT = 600
_MONO_NAME = re.compile(r"mono|courier|consol|typewriter|code|[a-z0-9]tt(?:[^a-z]|$)", re.IGNORECASE)
_BOLD_NAME = re.compile(r"bold|black|heavy|-b\b|cmbx", re.IGNORECASE)
_PASSWORD = 4


class PdfExtractor:
    """Pages as lines; ``clean`` judges them over the whole document."""

    formats = ("pdf",)

    def open(self, path: Path) -> PdfSource:
        """Opens a PDF. Raises ``Invalid``: encrypted, damaged, no pages, no text layer."""
        return PdfSource(path)


class PdfSource:
    """An opened PDF. Close it: PDFium keeps the file mapped."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            with bounded_memory(path):
                self._pdf = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower():
                raise Invalid(f"{path.name} is encrypted: save a copy without a password") from None
            raise Invalid(f"{path.name} is damaged or truncated: PDFium can't open it") from None
        try:
            count = _counted(self._pdf, path.name)
            facts = self._pdf.get_metadata_dict(skip_empty=True)
        except BaseException:
            self._pdf.close()
            raise
        self.info = SourceInfo(
            "pdf", title=_clean(facts.get("Title")), author=_clean(facts.get("Author")),
            part_noun="page", part_count=count, page_count=count,
        )  # fmt: skip

    @cached_property
    def _outline(self) -> dict[int, list[tuple[str, int]]]:
        """Titles of the outline with their level from 1, by page."""
        found: dict[int, list[tuple[str, int]]] = {}
        try:
            for item in self._pdf.get_toc(max_depth=6):
                target = item.get_dest()
                page = target.get_index() if target else None
                if page is not None:
                    found.setdefault(page, []).append((_folded(item.get_title()), item.level + 1))
        except (pdfium.PdfiumError, RecursionError, UnicodeDecodeError):
            return {}  # a broken outline costs the outline
        return found

    def part(self, index: int) -> Part:
        """The lines of a page."""
        with bounded_memory(self._path):
            lines = self._lines_of(index)
        return Part(index, lines=_titled(lines, self._outline.get(index, [])), page=index + 1)

    def _lines_of(self, index: int) -> list[Line]:
        page = self._pdf[index]
        try:
            text_page = page.get_textpage()
            try:
                return list(_lines(text_page, page.get_height() or 1.0))
            finally:
                text_page.close()
        finally:
            page.close()

    def close(self) -> None:
        """Closes the file."""
        self._pdf.close()


def _counted(pdf: Any, name: str) -> int:
    count = len(pdf)
    if not 0 < count <= MAX_PAGES:
        raise Invalid(f"{name} has {count:,} pages")
    return count


def _lines(text_page: Any, height: float) -> list[Line]:
    """Lines in PDFium's content order."""
    handle = text_page.raw
    text = _text(handle, min(text_page.count_chars(), PAGE_TEXT_CAP))
    lines: list[Line] = []
    fonts: dict[bytes, tuple[bool, bool]] = {}
    start = 0
    last_y = None
    for row in text.split("\n"):
        stripped = row.strip("\r \t\x00")
        if stripped:
            at = start + row.index(stripped[0])
            size, bold, mono, x, y = _sample(handle, at, fonts)
            if mono:  # a line of prose may begin with a word of code
                mono = _sample(handle, start + len(row.rstrip("\r \t\x00")) - 1, fonts)[2]
            gap = (last_y - y) / size if last_y is not None and size else 0.0
            last_y = y
            lines.append(
                Line(stripped, round(size, 2), bold, mono, round(gap, 2), round(x, 1), 0, round(y / height, 4))
            )
        start += len(row) + 1
    return lines


def _text(handle: Any, count: int) -> str:
    """The page's characters, one each: index in the text is index in PDFium."""
    buffer = (ctypes.c_ushort * (count + 1))()
    raw.FPDFText_GetText(handle, 0, count, buffer)
    text = bytes(buffer)[: count * 2].decode("utf-16-le", "replace")
    if len(text) != count:  # characters beyond the BMP take two units there and one here
        codes = (raw.FPDFText_GetUnicode(handle, i) for i in range(count))
        text = "".join(chr(c) if c < 0x110000 and not 0xD800 <= c < 0xE000 else "\ufffd" for c in codes)
    return text


_MATRIX = raw.FS_MATRIX
_NAME_SIZE = 64


def _sample(handle: Any, index: int, fonts: dict[bytes, tuple[bool, bool]]) -> tuple[float, bool, bool, float, float]:
    """(size after the matrix, bold, mono, x, y) of one character."""
    matrix = _MATRIX()
    scale = 1.0
    if raw.FPDFText_GetMatrix(handle, index, ctypes.byref(matrix)):
        scale = math.hypot(matrix.c, matrix.d) or 1.0
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
    return size, bold, mono, x.value, y.value


def _titled(lines: list[Line], titles: list[tuple[str, int]]) -> list[Line]:
    """Marks the lines that the outline names; a title may run over two or three lines."""
    marked = list(lines)
    folded = [_folded(line.text) for line in marked] if titles else []
    for title, level in titles:
        place = _find(marked, folded, title)
        if place is not None:
            first, count = place
            joined = " ".join(line.text for line in marked[first : first + count])
            head = marked[first]
            marked[first : first + count] = [
                Line(joined, head.size, head.bold, head.mono, head.gap, head.indent, level, head.y)
            ]
            folded[first : first + count] = ["".join(folded[first : first + count])]
    return marked


def _find(lines: list[Line], folded: list[str], title: str) -> tuple[int, int] | None:
    """Of several places that read like the title, the one in the largest print."""
    best: tuple[float, int, int] | None = None
    for first in range(len(lines) if title else 0):
        text = ""
        for count in range(1, min(3, len(lines) - first) + 1):
            if lines[first + count - 1].heading:
                break
            text += folded[first + count - 1]
            if len(text) > len(title) + 12:
                break
            if text.endswith(title):
                score = lines[first].size + (2.0 if lines[first].bold else 0.0) - 0.1 * count
                if best is None or score > best[0]:
                    best = (score, first, count)
    return best and (best[1], best[2])


def _folded(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum())


def _clean(text: str | None) -> str | None:
    cleaned = " ".join((text or "").replace("\x00", "").split())
    return cleaned or None
