"""All regular expressions of the package, and inputs made from each that are hard for it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jobctl

ROOT = Path(jobctl.__file__).parent
ONLY_AT_START = {"match", "fullmatch"}
parser: Any = re._parser  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Expression:
    """A pattern, where it stands, and whether it is tried at the start of a text only."""

    where: str
    pattern: re.Pattern[Any]
    at_start: bool

    def work(self, text: str | bytes) -> None:
        """What the package does with it at worst: all matches; or one, where it is only tried at the start."""
        if self.at_start:
            self.pattern.match(text)
            self.pattern.fullmatch(text)
        else:
            for _ in self.pattern.finditer(text):
                pass


def expressions() -> list[Expression]:
    """Every compiled pattern of every module, and every literal that is passed to a function of ``re``."""
    found: dict[tuple[str, Any], Expression] = {}
    for info in pkgutil.walk_packages(jobctl.__path__, "jobctl."):
        if info.name.endswith("__main__"):
            continue
        module = importlib.import_module(info.name)
        source = Path(str(module.__file__)).read_text()
        for one in [*_of_globals(info.name, vars(module), source), *_inline(info.name, source)]:
            found.setdefault((one.where.split(":")[0], one.pattern), one)
    return [*found.values()]


def _of_globals(module: str, names: Mapping[str, Any], source: str) -> Iterator[Expression]:
    for name, value in names.items():
        if name.startswith("__"):
            continue
        used = set(re.findall(rf"\b{re.escape(name)}\.(\w+)", source))
        yield from (Expression(f"{module}:{name}", p, bool(used) and used <= ONLY_AT_START) for p in _inside(value))


def _inside(value: object, depth: int = 3) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif depth and isinstance(value, Mapping):
        for item in value.values():
            yield from _inside(item, depth - 1)
    elif depth and isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from _inside(item, depth - 1)


def _inline(module: str, source: str) -> Iterator[Expression]:
    tree = ast.parse(source)
    names = {id(n.value): t.id for n in ast.walk(tree) if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}  # fmt: skip
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
            and isinstance(node.func.value, ast.Name) and node.func.value.id == "re"
            and node.func.attr in {"compile", "search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
        ):  # fmt: skip
            literal = _literal(node.args[0])
            name = names.get(id(node)) if node.func.attr == "compile" else None
            used = set(re.findall(rf"\b{name}\.(\w+)", source)) if name else {node.func.attr}
            if literal is not None:
                yield Expression(f"{module}:{node.lineno}", re.compile(literal, _flags(node)), used <= ONLY_AT_START)


def _literal(node: ast.expr) -> Any:
    """The pattern; what is put into an f-string counts as a word. None: made elsewhere, and found as a global."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "word" for v in node.values)
    return None


def _flags(node: ast.Call) -> int:
    names = {a.attr for part in [*node.args[1:], *(k.value for k in node.keywords)] for a in ast.walk(part) if isinstance(a, ast.Attribute)}  # fmt: skip
    return sum(int(getattr(re, name)) for name in names if isinstance(getattr(re, name, None), re.RegexFlag))


# -- hostile inputs ----------------------------------------------------------------------------------------------------


def repeats(pattern: re.Pattern[Any]) -> bool:
    """Whether anything in it may be repeated without bound, or is looked for from every position."""
    return any(str(name) in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") for name, _ in _nodes(_parsed(pattern)))


def hostile(pattern: re.Pattern[Any]) -> list[tuple[str, str, str]]:
    """(head, repeated, tail): an input of size n is the head, n times the repeated text, and a tail that fails."""
    tree = _parsed(pattern)
    letters = sorted({c for _, node in _nodes(tree) for c in node} | {" ", "a", "0", "\n"})[:12]
    heads, bodies = {""}, set(letters)
    for prefix, body in _loops(tree, ""):
        heads.add(prefix)
        bodies |= {body, prefix + body}
    bodies |= {a + b for a in letters for b in letters if a < b}
    bodies |= {_sample(tree)}
    tails = ("\x00", "!\n")
    return [(head, body, tail) for head in sorted(heads) for body in sorted(bodies) if body for tail in tails]


def _parsed(pattern: re.Pattern[Any]) -> Any:
    return parser.parse(
        pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    )


def _children(node: tuple[Any, Any]) -> list[Any]:
    name, value = str(node[0]), node[1]
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return [value[2]]
    if name == "SUBPATTERN":
        return [value[3]]
    if name == "BRANCH":
        return list(value[1])
    if name in ("ASSERT", "ASSERT_NOT"):
        return [value[1]]
    return [value] if name == "ATOMIC_GROUP" else []


def _nodes(tree: Any) -> Iterator[tuple[Any, set[str]]]:
    """Every node with characters that stand for it."""
    for node in tree:
        yield node[0], _characters(node)
        for child in _children(node):
            yield from _nodes(child)


def _characters(node: tuple[Any, Any]) -> set[str]:
    name, value = str(node[0]), node[1]
    if name == "LITERAL":
        return {chr(value)}
    if name == "IN":
        negated = any(str(item[0]) == "NEGATE" for item in value)
        inside = {c for item in value for c in _characters(item)}
        return {c for c in "a0 .[(<" if c not in inside} if negated else inside
    if name == "RANGE":
        return {chr(value[0]), chr(value[1])}
    if name == "CATEGORY":
        return (
            {{"DIGIT": "0", "SPACE": " ", "WORD": "a"}.get(str(value).rsplit("_", 1)[-1], "a")}
            if "NOT" not in str(value)
            else {"a", "!"}
        )
    if name in ("ANY", "NOT_LITERAL"):
        return {"a"}
    return set()


def _sample(tree: Any) -> str:
    """A text that matches, more or less."""
    return "".join(_sampled(node) for node in tree)


def _sampled(node: tuple[Any, Any]) -> str:
    name, value = str(node[0]), node[1]
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
        return _sample(value[2]) * max(1, int(value[0]))
    if name == "BRANCH":
        return _sample(value[1][0])
    if children := _children(node):
        return "" if name in ("ASSERT", "ASSERT_NOT") else _sample(children[0])
    return min(_characters(node), default="")


def _loops(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """Of everything that is repeated: what stands before it, and one turn of it."""
    for node in tree:
        if str(node[0]) in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            yield before, _sample(node[1][2])
        for child in _children(node):
            yield from _loops(child, before)
        before += _sampled(node)
