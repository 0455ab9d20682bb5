"""MathML as LaTeX, by the tree that selectolax makes of it."""

from __future__ import annotations

from selectolax.lexbor import LexborNode

from jobctl.documents.extract import mathml as latex

_TOKENS = frozenset({"mi", "mn", "mo", "ms"})


def formula(node: LexborNode) -> str:
    """A ``math`` element as text: the TeX that comes with it, or its own structure."""
    for note in node.css("annotation"):
        if "tex" in (note.attributes.get("encoding") or "").lower() and note.text(strip=True):
            return latex.inline(note.text(strip=True).strip("$"))
    return latex.inline(_latex(node, 0))


def _children(node: LexborNode) -> list[LexborNode]:
    return [child for child in node.iter() if child.tag not in ("annotation", "annotation-xml", "mprescripts")]


def _latex(node: LexborNode, depth: int) -> str:
    if depth > latex.MAX_DEPTH or node.tag in _TOKENS:
        return latex.symbols(node.text(deep=True).strip())
    if node.tag == "mtext":
        text = node.text(deep=True).strip()
        return rf"\text{{{text}}}" if text else ""
    if node.tag in ("mtable", "mtr", "mlabeledtr"):
        return _table(node, depth)
    parts = [_latex(child, depth + 1) for child in _children(node)]
    return _formed(node.tag, parts, node)


def _formed(tag: str | None, parts: list[str], node: LexborNode) -> str:
    if tag == "mfrac" and len(parts) == 2:
        return latex.fraction(*parts)
    if tag in ("msup", "mover") and len(parts) == 2:
        return latex.script(parts[0], above=parts[1])
    if tag in ("msub", "munder") and len(parts) == 2:
        return latex.script(parts[0], below=parts[1])
    if tag in ("msubsup", "munderover") and len(parts) == 3:
        return latex.script(*parts)
    if tag == "mroot" and len(parts) == 2:
        return latex.root(*parts)
    if tag == "msqrt":
        return latex.root(" ".join(parts))
    if tag == "mfenced":
        return (node.attributes.get("open") or "(") + ", ".join(parts) + (node.attributes.get("close") or ")")
    own = "" if parts else node.text(deep=True).strip()
    return " ".join(part for part in parts if part) or latex.symbols(own)


def _table(node: LexborNode, depth: int) -> str:
    rows = [node] if node.tag != "mtable" else [row for row in node.iter() if row.tag in ("mtr", "mlabeledtr")]
    return latex.matrix([[_latex(cell, depth + 2) for cell in row.iter()] for row in rows])
