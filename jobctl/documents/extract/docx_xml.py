"""What mammoth does not read of a DOCX, put into a form that it reads; and the account of what stays out."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from jobctl.core.account import Loss, LossKind
from jobctl.core.errors import Invalid
from jobctl.core.terms import word_count
from jobctl.documents.extract.bounded import BoundedZip
from jobctl.documents.extract.docx_math import equation, local

MAX_DEPTH = 200
MAX_LEVEL = 6
MOST_STYLES = 20
"""Styles that may be based on each other."""
_HEADING = re.compile(
    r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|nagłówek|заголовок) ?([1-9])", re.IGNORECASE
)
_TITLE = frozenset({"title", "titel", "título", "titolo"})
_BLANK = frozenset({"tab", "br", "cr", "p", "tc", "noBreakHyphen"})
_SETTINGS = frozenset({"pPr", "rPr", "sectPr", "tblPr", "trPr", "tcPr"})


@dataclass(slots=True)
class Prepared:
    """A DOCX for mammoth, the words of the original, its title and what is not in it."""

    data: io.BytesIO
    words: int
    title: str | None = None
    losses: list[Loss] = field(default_factory=list)


def prepared(archive: BoundedZip) -> Prepared:
    """Equations as text, pictures gone, outline levels as headings. Raises ``Invalid`` for damage."""
    main = _main_part(archive)
    folder = posixpath.dirname(main)
    root = _xml(archive, main)
    if _depth(root) > MAX_DEPTH:
        raise Invalid(f"{archive.name} has elements nested more than {MAX_DEPTH:,} deep")
    _alternatives(root)
    losses = [*_removed(root), *_beside(archive, folder)]
    words = word_count(_text(root)) + sum(loss.words for loss in losses)
    words += sum(word_count(_text(_xml(archive, name))) for name in _named(archive, folder, ("footnotes", "endnotes")))
    _equations(root)
    title = _headings(root, _levels(archive, folder))
    losses += [Loss(LossKind.DOUBLED_ENTRIES, 1, 0, [name]) for name in archive.doubled]
    return Prepared(_packed(archive, main, root), words, title, losses)


# -- parts -------------------------------------------------------------------------------------------------------------


def _main_part(archive: BoundedZip) -> str:
    """The document itself, by the relations of the package: Word Online calls it ``document2.xml``."""
    if "_rels/.rels" in archive:
        for relation in _xml(archive, "_rels/.rels").iter():
            if (relation.get("Type") or "").endswith("/officeDocument"):
                name = posixpath.normpath((relation.get("Target") or "").lstrip("/"))
                if name in archive:
                    return name
    if "word/document.xml" in archive:
        return "word/document.xml"
    raise Invalid(f"{archive.name} is damaged: it lacks its main document")


def _xml(archive: BoundedZip, name: str) -> Element:
    try:
        found: Element = fromstring(archive.read(name))
    except (ParseError, DefusedXmlException, ValueError):
        raise Invalid(f"{archive.name} is damaged: {name} is not well-formed XML") from None
    return found


def _named(archive: BoundedZip, folder: str, stems: tuple[str, ...]) -> list[str]:
    """XML parts beside the document whose names begin so."""
    found = []
    for name in archive.names():
        parent, base = posixpath.split(name)
        if parent == folder and base.endswith(".xml") and base.rstrip("0123456789.xml").lower() in stems:
            found.append(name)
    return found


def _packed(archive: BoundedZip, main: str, root: Element) -> io.BytesIO:
    """The parts that mammoth reads; no media."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_STORED) as target:
        for name in archive.names():
            if name.endswith((".xml", ".rels")) and name != main:
                target.writestr(name, archive.read(name))
        target.writestr(main, tostring(root, "utf-8", xml_declaration=True))
    data.seek(0)
    return data


def _depth(root: Element) -> int:
    deepest = 0
    stack = [(root, 1)]
    while stack:
        node, depth = stack.pop()
        deepest = max(deepest, depth)
        if depth > MAX_DEPTH:
            break
        stack.extend((child, depth + 1) for child in node)
    return deepest


def _text(root: Element) -> str:
    """All text below a node, with a blank where a paragraph or cell begins."""
    pieces: list[str] = []
    for node in root.iter():
        name = local(node)
        if name in ("t", "delText") and node.text:
            pieces.append(node.text)
        elif name in _BLANK:
            pieces.append(" ")
    return "".join(pieces)


# -- what is left out --------------------------------------------------------------------------------------------------


def _alternatives(root: Element) -> None:
    """Of two forms of one thing the one that mammoth reads; without a second form, the first."""
    for parent in list(root.iter()):
        for index, child in enumerate(list(parent)):
            if local(child) != "AlternateContent":
                continue
            forms = {local(form): form for form in child}
            if "Fallback" in forms:
                for form in [form for form in child if local(form) != "Fallback"]:
                    child.remove(form)
            elif "Choice" in forms:
                parent[index] = forms["Choice"]
                forms["Choice"].tag = forms["Choice"].tag.rsplit("}", 1)[0] + "}Fallback"
                wrapper = Element(child.tag)
                wrapper.append(forms["Choice"])
                parent[index] = wrapper


def _removed(root: Element) -> list[Loss]:
    """Takes pictures, deletions and embedded files out."""
    counts = dict.fromkeys((LossKind.PICTURES, LossKind.DELETED_TEXT, LossKind.EMBEDDED_FILES), 0)
    words = 0
    for parent in list(root.iter()):
        for child in list(parent):
            name = local(child)
            if name in ("blip", "imagedata"):
                counts[LossKind.PICTURES] += 1
            elif name == "del" and local(parent) not in _SETTINGS:
                counts[LossKind.DELETED_TEXT] += 1
                words += word_count(_text(child))
            elif name in ("altChunk", "OLEObject"):
                counts[LossKind.EMBEDDED_FILES] += 1
            else:
                continue
            parent.remove(child)
    return [Loss(kind, n, words if kind is LossKind.DELETED_TEXT else 0) for kind, n in counts.items() if n]


def _beside(archive: BoundedZip, folder: str) -> Iterator[Loss]:
    """Comments, page headers and footers: parts of their own."""
    for name in _named(archive, folder, ("comments",)):
        root = _xml(archive, name)
        count = sum(1 for node in root.iter() if local(node) == "comment")
        if count:
            yield Loss(LossKind.COMMENTS, count, word_count(_text(root)))
    for name in _named(archive, folder, ("header", "footer")):
        if words := word_count(_text(_xml(archive, name))):
            yield Loss(LossKind.PAGE_HEADERS, 1, words, [posixpath.basename(name)])


# -- equations and headings --------------------------------------------------------------------------------------------


def _equations(root: Element) -> None:
    """Equations as runs of text."""
    space = root.tag.rsplit("}", 1)[0] + "}"
    for parent in list(root.iter()):
        for index, child in enumerate(list(parent)):
            if local(child) in ("oMath", "oMathPara"):
                run = Element(f"{space}r")
                SubElement(run, f"{space}t").text = f" {equation(child)} "
                parent[index] = run


def _levels(archive: BoundedZip, folder: str) -> dict[str, int]:
    """Heading levels by style id, 0 for the title: by name, by outline level, or those of the style it is based on."""
    name = posixpath.join(folder, "styles.xml")
    if name not in archive:
        return {}
    styles = {_value(node, "styleId"): node for node in _xml(archive, name) if local(node) == "style"}
    found: dict[str, int] = {}
    for style in styles:
        current: str | None = style
        for _ in range(MOST_STYLES):
            node = styles.get(current or "")
            if node is None:
                break
            if (level := _level(node)) is not None:
                found[style] = level
                break
            current = _of_child(node, "basedOn")
    return found


def _level(style: Element) -> int | None:
    name = (_of_child(style, "name") or "").strip().lower()
    if name in _TITLE:
        return 0
    if heading := _HEADING.fullmatch(name):
        return int(heading.group(1))
    return next((level for node in style if local(node) == "pPr" and (level := _outline(node)) is not None), None)


def _outline(properties: Element) -> int | None:
    value = _of_child(properties, "outlineLvl")
    return int(value) + 1 if value and value.isdigit() and int(value) < 9 else None


def _of_child(node: Element, name: str) -> str | None:
    child = next((child for child in node if local(child) == name), None)
    return None if child is None else _value(child, "val")


def _value(node: Element, name: str) -> str:
    return next((v for k, v in node.attrib.items() if k.rsplit("}", 1)[-1] == name), "")


def _headings(root: Element, levels: Mapping[str, int]) -> str | None:
    """Sets for each paragraph with a level the style that mammoth knows; returns the text of the first title."""
    space = root.tag.rsplit("}", 1)[0] + "}"
    title: str | None = None
    for paragraph in root.iter():
        if local(paragraph) != "p":
            continue
        properties = next((child for child in paragraph if local(child) == "pPr"), None)
        if properties is None:
            continue
        level = _outline(properties)
        style = next((child for child in properties if local(child) == "pStyle"), None)
        if level is None and style is not None:
            level = levels.get(_value(style, "val"))
        text = " ".join(_text(paragraph).split())
        if level is None or not text:
            continue
        if level == 0:
            title = title or text
        if style is None:
            style = Element(f"{space}pStyle")
            properties.insert(0, style)
        style.set(f"{space}val", f"Heading{min(max(level, 1), MAX_LEVEL)}")
    return title
