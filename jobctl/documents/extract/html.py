"""HTML: cleaned with selectolax, turned into Markdown by html-to-markdown. EPUB and DOCX go through here too."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from html_to_markdown import ConversionOptions, convert
from selectolax.lexbor import LexborHTMLParser, LexborNode

from jobctl.core.account import Loss, LossKind
from jobctl.core.document import Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.core.links import unsafe
from jobctl.core.terms import word_count
from jobctl.documents.extract.encoding import decoded
from jobctl.documents.extract.html_math import formula
from jobctl.documents.extract.markup import check
from jobctl.documents.extract.text import damage

SILENT = ("script", "style", "template", "link", "meta", "base", "head", "title")
"""Elements whose text is not shown."""
DROPPED = {
    LossKind.NAVIGATION: ("nav",),
    LossKind.CONTROLS: ("button", "input", "select", "textarea", "datalist", "progress", "meter", "dialog"),
    LossKind.FRAMES: ("iframe", "frame", "frameset", "embed"),
    LossKind.PICTURES: ("img", "picture", "audio", "video"),
}
_FRAMES = re.compile(r"<(/?)(?:form|noscript)\b[^<>]*>")
"""Blocks that only surround text, and that html-to-markdown drops."""
SPEAKING = "h1 button, h2 button, h3 button, h4 button, h5 button, h6 button, summary button, dt button, legend button"
"""Buttons that are the text of a heading: the questions of an FAQ."""
ANCHORS = ("headerlink", "anchor-link", "toc-backref")
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data dfn em font i ins kbd label mark q rp rt ruby s samp small span strike "
    "strong sub sup time tt u var wbr -text".split()
)
_BLANK_LINES = re.compile(r"\n{3,}")
_OPTIONS = ConversionOptions(heading_style="atx", escape_misc=False, extract_metadata=False)


@dataclass(frozen=True, slots=True)
class Converted:
    """A page as Markdown, the words it showed, and what was left out."""

    markdown: str
    words: int = 0
    losses: list[Loss] = field(default_factory=list)


class HtmlExtractor:
    """One HTML page is one part."""

    formats = ("html",)

    def open(self, path: Path) -> HtmlSource:
        """Opens a page. Raises ``Invalid`` for one without text, or nested too deep."""
        return HtmlSource(path)


class HtmlSource:
    """An opened page."""

    def __init__(self, path: Path) -> None:
        read = decoded(path.read_bytes(), path.name, markup=True)
        check(read.text, path.name)
        tree = LexborHTMLParser(read.text)
        title = tree.css_first("head > title") or tree.css_first("title")
        author = tree.css_first('meta[name="author"]')
        root = tree.css_first("html")
        language = root.attributes.get("lang") if root else None
        self.info = SourceInfo(
            "html",
            title=" ".join(title.text().split()) or None if title else None,
            author=author.attributes.get("content") if author else None,
            language=language[:2].lower() if language else None,
            losses=damage(read), encoding=read.encoding, certainty=read.certainty,
        )  # fmt: skip
        self._page = converted(tree)
        if not self._page.markdown.strip():
            raise Invalid(f"{path.name} has no text")

    def part(self, index: int) -> Part:
        """The page."""
        return Part(index, self._page.markdown, words=self._page.words, losses=self._page.losses)

    def close(self) -> None:
        """Nothing is open."""


def converted(tree: LexborHTMLParser, location: str | None = None) -> Converted:
    """The text of a page as Markdown: no scripts, no navigation, no event handlers, no raw HTML.

    ``location`` names the page in the account.
    """
    tree.strip_tags(list(SILENT), recursive=True)
    body = tree.body
    if body is None:
        return Converted("")
    where = [location] if location else []
    for node in tree.css("math"):
        node.replace_with(formula(node))
    for node in tree.css("svg"):
        node.replace_with(f" {_visible(node)} ")
    words = word_count(_visible(body)) + len(tree.css("ol > li"))
    for node in tree.css(SPEAKING):
        node.unwrap()
    losses = [loss for kind, tags in DROPPED.items() if (loss := _drop(tree, kind, tags, where))]
    losses += _links(tree, where)
    body = tree.body
    if body is None or not body.text(strip=True):
        return Converted("", words, losses)
    text = convert(_FRAMES.sub(r"<\1div>", body.html or ""), _OPTIONS).content
    return Converted(_BLANK_LINES.sub("\n\n", text or "").strip() + "\n", words, losses)


def _drop(tree: LexborHTMLParser, kind: LossKind, tags: tuple[str, ...], where: list[str]) -> Loss | None:
    """Removes elements; of one in another only the outer one counts."""
    nodes = tree.css(", ".join(tags))
    outer = [node for node in nodes if not _is_inside(node, tags)]
    words = sum(word_count(_visible(node)) for node in outer)
    for node in outer:
        node.decompose()
    return Loss(kind, len(outer), words, where) if outer else None


def _is_inside(node: LexborNode, tags: tuple[str, ...]) -> bool:
    parent = node.parent
    for _ in range(8):
        if parent is None:
            return False
        if parent.tag in tags:
            return True
        parent = parent.parent
    return False


def _links(tree: LexborHTMLParser, where: list[str]) -> list[Loss]:
    """Links that lead nowhere from here are text; those with a scheme that may do harm are counted."""
    found: Counter[LossKind] = Counter()
    for node in tree.css("a"):
        target = (node.attributes.get("href") or "").strip()
        if any(name in (node.attributes.get("class") or "") for name in ANCHORS):
            node.decompose()
        elif unsafe(target):
            found[LossKind.LINK_TARGETS] += 1
            node.unwrap()
        elif ":" not in target.split("/")[0]:
            node.unwrap()
    return [Loss(kind, count, 0, where) for kind, count in found.items()]


def _visible(root: LexborNode) -> str:
    """The text below a node, with a blank where a block begins."""
    pieces: list[str] = []
    for node in root.traverse(include_text=True):
        if node.tag == "-text":
            pieces.append(node.text_content or "")
        elif node.tag not in _INLINE:
            pieces.append(" ")
    return "".join(pieces)
