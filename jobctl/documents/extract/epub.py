"""EPUB: container, package, spine; each document of the spine is a chapter."""

from __future__ import annotations

import posixpath
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from selectolax.lexbor import LexborHTMLParser

from jobctl.core.document import Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.documents.extract.bounded import BoundedZip
from jobctl.documents.extract.html import markdown
from jobctl.documents.extract.text import decoded

_DC = "{http://purl.org/dc/elements/1.1/}"
_OPF = "{http://www.idpf.org/2007/opf}"
_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
FONTS_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


class EpubExtractor:
    """Chapters in reading order."""

    formats = ("epub",)

    def open(self, path: Path) -> EpubSource:
        """Opens a book. Raises ``Invalid`` for damage, copy protection, bombs, no text."""
        return EpubSource(path)


class EpubSource:
    """An opened book."""

    def __init__(self, path: Path) -> None:
        self._zip = BoundedZip(path)
        self._name = path.name
        self._refuse_protection()
        package_path = self._package_path()
        package = self._xml(package_path)
        base = posixpath.dirname(package_path)
        hrefs = {
            item.get("id"): posixpath.normpath(posixpath.join(base, unquote(item.get("href") or "")))
            for item in package.iter(f"{_OPF}item")
            if (item.get("media-type") or "") in ("application/xhtml+xml", "text/html")
            and "nav" not in (item.get("properties") or "").split()
        }
        spine = [hrefs.get(ref.get("idref")) for ref in package.iter(f"{_OPF}itemref") if ref.get("linear") != "no"]
        self._chapters = [name for name in spine if name and name in self._zip]
        if not self._chapters:
            raise Invalid(f"{path.name} has no chapters")
        self.info = SourceInfo(
            "epub", title=_first(package, "title"), author=_first(package, "creator"),
            language=(_first(package, "language") or "")[:2].lower() or None,
            part_noun="chapter", part_count=len(self._chapters),
        )  # fmt: skip

    def part(self, index: int) -> Part:
        """A chapter."""
        page = decoded(self._zip.read(self._chapters[index]), self._name)
        return Part(index, markdown(LexborHTMLParser(page)))

    def close(self) -> None:
        """Closes the archive."""
        self._zip.close()

    def _package_path(self) -> str:
        root = self._xml("META-INF/container.xml").find(f".//{_CONTAINER}rootfile")
        if root is None or not root.get("full-path"):
            raise Invalid(f"{self._name} does not say where its contents are")
        return str(root.get("full-path"))

    def _refuse_protection(self) -> None:
        """Scrambled fonts are no matter; scrambled chapters can't be read."""
        if "META-INF/encryption.xml" not in self._zip:
            return
        methods = [
            node.get("Algorithm") for node in self._xml("META-INF/encryption.xml").iter() if node.get("Algorithm")
        ]
        if any(method not in FONTS_ONLY for method in methods):
            raise Invalid(f"{self._name} is copy-protected")

    def _xml(self, name: str) -> Any:
        try:
            return fromstring(self._zip.read(name))
        except (ParseError, DefusedXmlException, ValueError):
            raise Invalid(f"{self._name} is damaged: {name} is no clean XML") from None


def _first(package: Any, name: str) -> str | None:
    node = package.find(f".//{_DC}{name}")
    text = " ".join((node.text or "").split()) if node is not None else ""
    return text or None
