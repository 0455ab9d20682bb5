"""PDF by PDFium: the lines of a page with what the heading pass needs, and what stands beside the page's text."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import pypdfium2 as pdfium
from pypdfium2 import raw

from jobctl.core.account import Loss, LossKind
from jobctl.core.document import Line, Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.core.terms import word_count
from jobctl.documents.extract.bounded import bounded_memory
from jobctl.documents.extract.pdf_lines import page_lines
from jobctl.documents.extract.pdf_notes import page_notes
from jobctl.documents.extract.pdf_outline import folded, titled

MAX_PAGES = 20_000
MAX_OUTLINE = 50_000
PAGE_TEXT_CAP = 2_000_000
SCAN_SHARE = 0.4
"""Part of a page that a picture covers, from which a page without text is a scan."""
MOST_OBJECTS = 200
"""Objects of a page that are searched for such a picture."""
_PASSWORD = 4
_UNKNOWN = re.compile("[\ufffd\ue000-\uf8ff]")
_XFA = (raw.FORMTYPE_XFA_FULL, raw.FORMTYPE_XFA_FOREGROUND)
_PLACEHOLDER = ("please wait", "bitte warten", "veuillez patienter", "espere", "attendere")


class PdfExtractor:
    """Pages as lines; ``clean`` judges them over the whole document."""

    formats = ("pdf",)

    def open(self, path: Path) -> PdfSource:
        """Opens a PDF. Raises ``Invalid``: encrypted, damaged, no pages, an XFA form."""
        return PdfSource(path)


class PdfSource:
    """An opened PDF. Close it: PDFium keeps the file mapped."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._path = path
        try:
            with bounded_memory(path):
                self._pdf = pdfium.PdfDocument(path)
        except pdfium.PdfiumError as error:
            if getattr(error, "err_code", None) == _PASSWORD or "password" in str(error).lower():
                raise Invalid(f"{path.name} is encrypted: save a copy without a password") from None
            if b"/Encrypt" in _tail(path):
                raise Invalid(f"{path.name} is encrypted in a way PDFium can't read: save a copy without it") from None
            raise Invalid(f"{path.name} is damaged or truncated: PDFium can't open it") from None
        try:
            count = _counted(self._pdf, path.name)
            facts = self._pdf.get_metadata_dict(skip_empty=True)
            self._forms = self._pdf.get_formtype() != raw.FORMTYPE_NONE
            if self._forms:
                self._pdf.init_forms()
            self._refuse_placeholder()
        except BaseException:
            self._pdf.close()
            raise
        self.info = SourceInfo(
            "pdf", title=_clean(facts.get("Title")), author=_clean(facts.get("Author")),
            part_noun="page", part_count=count, page_count=count,
        )  # fmt: skip

    def _refuse_placeholder(self) -> None:
        """An XFA form has its content in a format of its own, and a page for readers that do not know it."""
        if self._pdf.get_formtype() in _XFA and len(self._pdf) == 1:
            lines, _, _ = self._read(self._pdf[0])
            text = " ".join(line.text for line in lines).lower()
            if text.lstrip().startswith(_PLACEHOLDER):
                raise Invalid(
                    f"{self._name} is an XFA form, which only Adobe Reader shows", hint="Print it to PDF there."
                )

    @cached_property
    def _outline(self) -> dict[int, list[tuple[str, int]]]:
        """Folded titles of the outline with their level from 1, by page."""
        found: dict[int, list[tuple[str, int]]] = {}
        try:
            for number, item in enumerate(self._pdf.get_toc(max_depth=6)):
                if number >= MAX_OUTLINE:
                    raise Invalid(f"{self._name} has an outline of more than {MAX_OUTLINE:,} entries")
                target = item.get_dest()
                page = target.get_index() if target else None
                if page is not None:
                    found.setdefault(page, []).append((folded(item.get_title()), item.level + 1))
        except (pdfium.PdfiumError, RecursionError, UnicodeDecodeError):
            return {}  # a broken outline costs the outline
        return found

    def part(self, index: int) -> Part:
        """The lines of a page."""
        page = self._pdf[index]
        try:
            with bounded_memory(self._path):
                lines, text, cut = self._read(page)
                notes = page_notes(page, self._pdf.formenv)
                picture = not lines and _shows_picture(page)
        finally:
            page.close()
        losses = _losses(index + 1, text, cut=cut)
        return Part(
            index, lines=titled(lines, self._outline.get(index, [])), page=index + 1, notes=notes,
            words=word_count(text) + sum(map(word_count, notes)), losses=losses, picture=picture,
        )  # fmt: skip

    def _read(self, page: pdfium.PdfPage) -> tuple[list[Line], str, bool]:
        """(lines, all text, whether the text was cut) of a page."""
        text_page = page.get_textpage()
        try:
            count = text_page.count_chars()
            lines, text = page_lines(page, text_page, min(count, PAGE_TEXT_CAP))
        finally:
            text_page.close()
        return lines, text, count > PAGE_TEXT_CAP

    def close(self) -> None:
        """Closes the file."""
        self._pdf.close()


def _losses(page: int, text: str, *, cut: bool) -> list[Loss]:
    losses = []
    if unknown := len(_UNKNOWN.findall(text)):
        losses.append(Loss(LossKind.UNREADABLE_CHARACTERS, unknown, 0, [f"page {page}"]))
    if cut:
        losses.append(Loss(LossKind.CUT_PAGES, 1, 0, [f"page {page}"]))
    return losses


def _shows_picture(page: pdfium.PdfPage) -> bool:
    """Whether a picture covers a good part of the page."""
    width, height = page.get_size()
    for number, item in enumerate(page.get_objects(filter=(raw.FPDF_PAGEOBJ_IMAGE,), max_depth=2)):
        left, bottom, right, top = item.get_bounds()
        if (right - left) * (top - bottom) >= SCAN_SHARE * width * height:
            return True
        if number >= MOST_OBJECTS:
            break
    return False


def _tail(path: Path) -> bytes:
    """The last kilobytes, where the trailer is."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 4096))
        return stream.read()


def _counted(pdf: pdfium.PdfDocument, name: str) -> int:
    count = len(pdf)
    if not 0 < count <= MAX_PAGES:
        raise Invalid(f"{name} has {count:,} pages")
    return count


def _clean(text: str | None) -> str | None:
    cleaned = " ".join((text or "").replace("\x00", "").split())
    return cleaned or None
