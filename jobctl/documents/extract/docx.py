"""DOCX: prepared, then mammoth makes HTML of it."""

from __future__ import annotations

from pathlib import Path

import mammoth
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from selectolax.lexbor import LexborHTMLParser

from jobctl.core.document import Part, SourceInfo
from jobctl.core.errors import Invalid, first_line
from jobctl.documents.extract.bounded import BoundedZip
from jobctl.documents.extract.docx_xml import Prepared, prepared
from jobctl.documents.extract.html import converted
from jobctl.documents.extract.text import PART_SIZE

_DC = "{http://purl.org/dc/elements/1.1/}"
_STYLES = "\n".join(f"p.Heading{level} => h{level}:fresh" for level in range(1, 7))


class DocxExtractor:
    """A text document, in parts that begin at headings."""

    formats = ("docx",)

    def open(self, path: Path) -> DocxSource:
        """Opens a document. Raises ``Invalid`` for damage, bombs, no text."""
        return DocxSource(path)


class DocxSource:
    """An opened document."""

    def __init__(self, path: Path) -> None:
        archive = BoundedZip(path)
        try:
            properties = archive.read("docProps/core.xml") if "docProps/core.xml" in archive else None
            document = prepared(archive)
        finally:
            archive.close()
        page = converted(LexborHTMLParser(_html(document, path.name)))
        if not page.markdown.strip():
            raise Invalid(f"{path.name} has no text")
        self._parts = _at_headings(page.markdown)
        self._words = document.words
        title, author = _properties(properties)
        self.info = SourceInfo(
            "docx", title=document.title or title, author=author, part_count=len(self._parts), continuous=True,
            losses=[*document.losses, *page.losses],
        )  # fmt: skip

    def part(self, index: int) -> Part:
        """A piece of the text."""
        return Part(index, self._parts[index], words=0 if index else self._words)

    def close(self) -> None:
        """Nothing is open."""


def _html(document: Prepared, name: str) -> str:
    try:
        return str(mammoth.convert_to_html(document.data, style_map=_STYLES, external_file_access=False).value)
    except RecursionError:
        raise Invalid(f"{name} is nested too deep") from None
    except Exception as error:  # mammoth raises whatever its parsers raise
        raise Invalid(f"{name} is damaged: {first_line(error)}") from error


def _at_headings(text: str) -> list[str]:
    parts: list[str] = []
    piece: list[str] = []
    size = 0
    for line in text.splitlines(keepends=True):
        if size > PART_SIZE // 4 and line.startswith("#"):
            parts.append("".join(piece))
            piece, size = [], 0
        piece.append(line)
        size += len(line)
    return [*parts, "".join(piece)]


def _properties(data: bytes | None) -> tuple[str | None, str | None]:
    if data is None:
        return None, None
    try:
        root = fromstring(data)
    except (ParseError, DefusedXmlException, ValueError):
        return None, None
    found = {name: root.find(f".//{_DC}{name}") for name in ("title", "creator")}
    title, author = (
        " ".join((node.text or "").split()) or None if node is not None else None for node in found.values()
    )
    return title, author
