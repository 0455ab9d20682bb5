"""Reading documents: what a file is, and its parts."""

from __future__ import annotations

from pathlib import Path

from jobctl.core.ports import Extractor, OpenSource
from jobctl.documents.extract.detect import FORMATS, detect
from jobctl.documents.extract.docx import DocxExtractor
from jobctl.documents.extract.epub import EpubExtractor
from jobctl.documents.extract.html import HtmlExtractor
from jobctl.documents.extract.pdf import PdfExtractor
from jobctl.documents.extract.text import TextExtractor

__all__ = ["FORMATS", "detect", "open_source"]


def open_source(path: Path, source_type: str | None = None) -> OpenSource:
    """Opens a document by its content. Raises ``Invalid`` with a sentence that names the file."""
    kind = source_type or detect(path)
    readers: tuple[Extractor, ...] = (
        PdfExtractor(), EpubExtractor(), DocxExtractor(), HtmlExtractor(), TextExtractor()
    )  # fmt: skip
    return next(reader for reader in readers if kind in reader.formats).open(path)
