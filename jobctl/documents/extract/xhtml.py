"""XHTML read as XML and written as HTML, so that ``<title/>``, ``<script/>`` and ``<i/>`` end where they are closed."""

from __future__ import annotations

import html
import re
from html.entities import html5
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml import DefusedXmlException
from defusedxml.sax import parseString

from jobctl.core.errors import Invalid
from jobctl.documents.extract.markup import MAX_ATTRIBUTES, MAX_DEPTH, VOID

KEPT = frozenset(
    "href class id lang start value type colspan rowspan encoding open close src alt dir title name content charset".split()
)
"""Attributes that mean something later."""
SKIPPED = frozenset({"script", "style"})
_DECLARATION = re.compile(r"\A\ufeff?\s*<\?xml[^<>]*\?>")
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[]*>", re.IGNORECASE)
_ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]{1,31});")
_OWN = frozenset({"amp", "lt", "gt", "quot", "apos"})


def as_html(text: str, name: str) -> str | None:
    """The same page as HTML; None for one that is not well-formed. Raises ``Invalid`` for nesting that is too deep."""
    plain = _ENTITY.sub(_character, _DOCTYPE.sub("", _DECLARATION.sub("", text, count=1), count=1))
    writer = _Writer(name)
    try:
        parseString(plain.encode("utf-8", "replace"), writer)
    except (SAXException, DefusedXmlException, ValueError):
        return None
    return "".join(writer.pieces)


def _character(match: re.Match[str]) -> str:
    """A named character of HTML, which XML does not know."""
    if match.group(1) in _OWN:
        return match.group()
    return html.escape(html.unescape(match.group()), quote=False) if f"{match.group(1)};" in html5 else match.group()


class _Writer(ContentHandler):
    """Writes what it reads; prefixes go, empty elements get an end."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._name = name
        self._depth = 0
        self._skipping = 0

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802 - the name of SAX
        local = name.rsplit(":", 1)[-1].lower()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Invalid(f"{self._name} has elements nested more than {MAX_DEPTH:,} deep")
        if len(attrs) > MAX_ATTRIBUTES:
            raise Invalid(f"{self._name} has an element with more than {MAX_ATTRIBUTES:,} attributes")
        if local in SKIPPED:
            self._skipping += 1
        if self._skipping:
            return
        named = ((key.rsplit(":", 1)[-1].lower(), value) for key, value in attrs.items())
        kept = "".join(f' {key}="{html.escape(value)}"' for key, value in named if key in KEPT)
        self.pieces.append(f"<{local}{kept}>")

    def endElement(self, name: str) -> None:  # noqa: N802
        local = name.rsplit(":", 1)[-1].lower()
        self._depth -= 1
        if not self._skipping and local not in VOID:
            self.pieces.append(f"</{local}>")
        if local in SKIPPED:
            self._skipping -= 1

    def characters(self, content: str) -> None:
        if not self._skipping:
            self.pieces.append(html.escape(content, quote=False))
