"""HTML: cleaned with selectolax, turned into Markdown by html-to-markdown. EPUB and DOCX go through here too."""

from __future__ import annotations

import re
from pathlib import Path

from html_to_markdown import ConversionOptions, convert
from selectolax.lexbor import LexborHTMLParser

from jobctl.core.document import Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.documents.extract.text import decoded

DROPPED = (
    "script", "style", "noscript", "template", "iframe", "object", "embed", "form", "button", "nav", "svg", "math", "link",
    "meta", "base", "audio", "video", "canvas", "input", "select", "textarea", "dialog",
)  # fmt: skip
ANCHORS = ("headerlink", "anchor-link", "toc-backref")


class HtmlExtractor:
    """One HTML page is one part."""

    formats = ("html",)

    def open(self, path: Path) -> HtmlSource:
        """Opens a page. Raises ``Invalid`` for one without text."""
        return HtmlSource(path)


class HtmlSource:
    """An opened page."""

    def __init__(self, path: Path) -> None:
        tree = LexborHTMLParser(decoded(path.read_bytes(), path.name))
        title = tree.css_first("title")
        author = tree.css_first('meta[name="author"]')
        root = tree.css_first("html")
        language = root.attributes.get("lang") if root else None
        self.info = SourceInfo(
            "html",
            title=" ".join(title.text().split()) or None if title else None,
            author=author.attributes.get("content") if author else None,
            language=language[:2].lower() if language else None,
        )
        self._markdown = markdown(tree)
        if not self._markdown.strip():
            raise Invalid(f"{path.name} has no text")

    def part(self, index: int) -> Part:
        """The page."""
        return Part(index, self._markdown)

    def close(self) -> None:
        """Nothing is open."""


def markdown(tree: LexborHTMLParser) -> str:
    """The text of a page as Markdown: no scripts, no navigation, no event handlers, no raw HTML."""
    tree.strip_tags(list(DROPPED), recursive=True)
    for node in tree.css("a"):
        target = (node.attributes.get("href") or "").strip().lower()
        if any(name in (node.attributes.get("class") or "") for name in ANCHORS):
            node.decompose()
        elif not target or target.startswith(("javascript:", "data:", "vbscript:", "#")) or "://" not in target:
            node.unwrap()
    for node in tree.css("img"):
        node.decompose()  # pictures have no place in the text; their bytes stay in the source
    body = tree.body
    if body is None or not body.text(strip=True):
        return ""
    text = convert(
        body.html or "", ConversionOptions(heading_style="atx", escape_misc=False, extract_metadata=False)
    ).content
    return re.sub(r"\n{3,}", "\n\n", text or "").strip() + "\n"
