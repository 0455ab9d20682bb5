"""EPUB: container, package, spine; each document of the spine is a chapter."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag
from xml.etree.ElementTree import Element

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring
from selectolax.lexbor import LexborHTMLParser

from jobctl.core.account import Loss, LossKind
from jobctl.core.document import Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.documents.extract.bounded import BoundedZip
from jobctl.documents.extract.encoding import decoded
from jobctl.documents.extract.html import converted
from jobctl.documents.extract.markup import check
from jobctl.documents.extract.text import damage
from jobctl.documents.extract.xhtml import as_html

MAX_SPINE = 20_000
_DC = "{http://purl.org/dc/elements/1.1/}"
_OPF = "{http://www.idpf.org/2007/opf}"
_CONTAINER = "{urn:oasis:names:tc:opendocument:xmlns:container}"
FONTS_ONLY = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PICTURES = ("image/", "audio/", "video/", "font/")
_MARKUP = (".xhtml", ".html", ".htm", ".xml", ".xht")


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
        self._losses: list[Loss] = [Loss(LossKind.DOUBLED_ENTRIES, 1, 0, [name]) for name in self._zip.doubled]
        self._chapters = list(dict.fromkeys(self._spine(package, posixpath.dirname(package_path))))
        if not self._chapters:
            raise Invalid(f"{path.name} has no chapters")
        self.info = SourceInfo(
            "epub", title=_first(package, "title"), author=_first(package, "creator"),
            language=(_first(package, "language") or "")[:2].lower() or None,
            part_noun="chapter", part_count=len(self._chapters), losses=self._losses,
        )  # fmt: skip

    def part(self, index: int) -> Part:
        """A chapter."""
        name = self._chapters[index]
        location = posixpath.basename(name)
        read = decoded(self._zip.read(name), f"{self._name}: {location}", markup=True)
        page, losses = as_html(read.text, self._name), damage(read)
        if page is None:
            losses.append(Loss(LossKind.REPAIRED_CHAPTERS, 1, 0, [location]))
            check(read.text, self._name)
            page = read.text
        chapter = converted(LexborHTMLParser(page), location)
        return Part(index, chapter.markdown, words=chapter.words, losses=[*losses, *chapter.losses])

    def close(self) -> None:
        """Closes the archive."""
        self._zip.close()

    def _spine(self, package: Element, base: str) -> Iterator[str]:
        """The chapters that can be read, in order, notes (``linear="no"``) where they stand; the rest is accounted for."""
        items = {item.get("id"): item for item in package.iter(f"{_OPF}item")}
        references = list(package.iter(f"{_OPF}itemref"))
        if len(references) > MAX_SPINE:
            raise Invalid(f"{self._name} has a spine of more than {MAX_SPINE:,} entries")
        seen: set[str] = set()
        for reference in references:
            key = reference.get("idref") or "?"
            item = items.get(key)
            if item is None:
                self._lose(LossKind.MISSING_CHAPTERS, key)
                continue
            href = urldefrag(unquote(item.get("href") or "")).url
            name = posixpath.normpath(posixpath.join(base, href))
            if name in seen:
                self._lose(LossKind.REPEATED_CHAPTERS, href)
            elif name not in self._zip:
                self._lose(LossKind.MISSING_CHAPTERS, href)
            elif "nav" in (item.get("properties") or "").split():
                self._lose(LossKind.NAVIGATION, href)
            elif self._readable(name, item.get("media-type") or ""):
                yield name
            else:
                pictures = (item.get("media-type") or "").startswith(_PICTURES)
                self._lose(LossKind.PICTURES if pictures else LossKind.UNREADABLE_CHAPTERS, href)
            seen.add(name)

    def _readable(self, name: str, media_type: str) -> bool:
        """Whether an entry is a page: by its type, or by its name and beginning where the type is wrong."""
        if media_type in ("application/xhtml+xml", "text/html"):
            return True
        if media_type.startswith(_PICTURES) and media_type != "image/svg+xml":
            return False
        head = self._zip.read(name)[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        return (
            name.lower().endswith(_MARKUP)
            or head.startswith((b"<html", b"<!doctype html", b"<?xml"))
            or b"<html" in head
        )

    def _lose(self, kind: LossKind, location: str) -> None:
        self._losses.append(Loss(kind, 1, 0, [location]))

    def _package_path(self) -> str:
        root = self._xml("META-INF/container.xml").find(f".//{_CONTAINER}rootfile")
        if root is None or not root.get("full-path"):
            raise Invalid(f"{self._name} does not name its package file")
        return str(root.get("full-path"))

    def _refuse_protection(self) -> None:
        """Scrambled fonts do not matter; scrambled chapters can't be read."""
        if "META-INF/encryption.xml" not in self._zip:
            return
        methods = [
            node.get("Algorithm") for node in self._xml("META-INF/encryption.xml").iter() if node.get("Algorithm")
        ]
        if any(method not in FONTS_ONLY for method in methods):
            raise Invalid(f"{self._name} is copy-protected")

    def _xml(self, name: str) -> Element:
        try:
            root: Element = fromstring(self._zip.read(name))
        except (ParseError, DefusedXmlException, ValueError):
            raise Invalid(f"{self._name} is damaged: {name} is not well-formed XML") from None
        return root


def _first(package: Element, name: str) -> str | None:
    node = package.find(f".//{_DC}{name}")
    text = " ".join((node.text or "").split()) if node is not None else ""
    return text or None
