"""Equations of Word (OMML) as LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from jobctl.documents.extract import mathml as latex

_OPERATORS = {"": r"\int", "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "⋃": r"\bigcup", "⋂": r"\bigcap"}
_PROPERTIES = frozenset("fPr sSupPr sSubPr sSubSupPr radPr naryPr dPr mPr funcPr accPr barPr limLowPr limUppPr eqArrPr rPr ctrlPr boxPr groupChrPr argPr sPrePr phantPr borderBoxPr oMathParaPr".split())  # fmt: skip


def equation(node: Element) -> str:
    """An ``oMath`` or ``oMathPara`` between dollars."""
    return latex.inline(_latex(node, 0))


def local(node: Element) -> str:
    """The name of an element without its namespace; empty for comments."""
    return node.tag.rsplit("}", 1)[-1] if isinstance(node.tag, str) else ""


def _child(node: Element, name: str) -> Element | None:
    return next((child for child in node if local(child) == name), None)


def _part(node: Element, name: str, depth: int) -> str:
    child = _child(node, name)
    return "" if child is None else _latex(child, depth + 1)


def _value(node: Element, properties: str, name: str) -> str | None:
    """The ``val`` of a property."""
    container = _child(node, properties)
    found = None if container is None else _child(container, name)
    return None if found is None else next((v for k, v in found.attrib.items() if k.rsplit("}", 1)[-1] == "val"), "")


def _latex(node: Element, depth: int) -> str:
    if depth > latex.MAX_DEPTH:
        return latex.symbols("".join(node.itertext()))
    name = local(node)
    if name == "t":
        return latex.symbols(node.text or "")
    if name in _PROPERTIES:
        return ""
    formed = _scripted(node, name, depth) or _arranged(node, name, depth)
    return formed or "".join(_latex(child, depth + 1) for child in node)


def _scripted(node: Element, name: str, depth: int) -> str:
    """Fractions, roots, and what stands above or below."""
    base = _part(node, "e", depth) if name.startswith(("s", "rad", "lim", "nary")) else ""
    below, above = _part(node, "sub", depth), _part(node, "sup", depth)
    if name == "f":
        return latex.fraction(_part(node, "num", depth), _part(node, "den", depth))
    if name == "rad":
        return latex.root(base, _part(node, "deg", depth))
    if name in ("sSup", "sSub", "sSubSup"):
        return latex.script(base, below, above)
    if name == "sPre":
        return latex.script("{}", below, above) + base
    if name in ("limLow", "limUpp"):
        limit = _part(node, "lim", depth)
        return latex.script(base, limit if name == "limLow" else "", limit if name == "limUpp" else "")
    if name == "nary":
        sign = _value(node, "naryPr", "chr")
        operator = _OPERATORS.get(sign or "", latex.symbols(sign or ""))
        return f"{latex.script(operator.strip(), below, above)} {base}"
    return ""


def _arranged(node: Element, name: str, depth: int) -> str:
    """Brackets, matrices, rows of equations, functions, accents."""
    if name == "d":
        before, after = _value(node, "dPr", "begChr"), _value(node, "dPr", "endChr")
        inside = _cells(node, depth)
        return ("(" if before is None else before) + ", ".join(inside) + (")" if after is None else after)
    if name == "m":
        return latex.matrix([_cells(row, depth + 1) for row in node if local(row) == "mr"])
    if name == "eqArr":
        return latex.matrix([[cell] for cell in _cells(node, depth)])
    if name == "func":
        return rf"{_part(node, 'fName', depth)} {_part(node, 'e', depth)}"
    if name in ("acc", "bar"):
        return (
            rf"\overline{latex.group(_part(node, 'e', depth))}"
            if name == "bar"
            else latex.script(_part(node, "e", depth))
        )
    return ""


def _cells(node: Element, depth: int) -> Sequence[str]:
    return [_latex(child, depth + 1) for child in node if local(child) == "e"]
