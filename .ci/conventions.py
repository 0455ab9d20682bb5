#!/usr/bin/env python3
"""Checks sizes, types and calls in every module of the package; prints the figures and what breaks a limit.

Run by ``.ci/check``. Standard library only, so that it runs before anything is installed.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "jobctl"
MODULE_LINES, FUNCTION_LINES = 300, 40
ANY_SHARE = 0.05
"""Largest share of function signatures that mention ``Any``."""
ONLY_IN = {
    "time.sleep": "system/clock.py",
    "datetime.now": "system/clock.py",
    "time.time": "system/clock.py",
    "os.environ": "system/environment.py",
    "os.getenv": "system/environment.py",
}
"""Calls that belong to one place each, so that tests control time and the environment."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.Module) -> Iterator[Function]:
    """Every function and method of a module, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def annotations(function: Function) -> Iterator[ast.expr]:
    """The annotations of a signature: parameters, then the return."""
    args = function.args
    parameters = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
    yield from (p.annotation for p in parameters if p is not None and p.annotation is not None)
    if function.returns is not None:
        yield function.returns


def mentions_any(function: Function) -> bool:
    """Whether a signature holds ``Any``, also inside a string or a generic."""
    return any(
        (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.Constant) and isinstance(node.value, str) and "Any" in node.value)
        for annotation in annotations(function)
        for node in ast.walk(annotation)
    )


def dotted(node: ast.AST) -> str:
    """``time.sleep`` for the attribute of a name, else an empty string."""
    return (
        f"{node.value.id}.{node.attr}" if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
    )


def problems(path: Path, source: str, tree: ast.Module) -> Iterator[str]:
    """What is wrong with one module."""
    name = path.relative_to(PACKAGE).as_posix()
    if (lines := source.count("\n")) > MODULE_LINES:
        yield f"{name}: {lines} lines, more than {MODULE_LINES}"
    for function in functions(tree):
        length = (function.end_lineno or function.lineno) - function.lineno + 1
        if length > FUNCTION_LINES:
            yield f"{name}:{function.lineno}: {function.name} has {length} lines, more than {FUNCTION_LINES}"
    for node in ast.walk(tree):
        call = dotted(node)
        if call in ONLY_IN and name != ONLY_IN[call]:
            yield f"{name}:{node.lineno}: {call} belongs in {ONLY_IN[call]}"  # type: ignore[attr-defined]


def main() -> int:
    """Prints what is wrong, with ``-v`` also every signature with ``Any``; returns 1 when a limit is broken."""
    found: list[str] = []
    signatures: list[tuple[str, bool]] = []
    for path in sorted(PACKAGE.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        tree = ast.parse(source)
        found += problems(path, source, tree)
        where = path.relative_to(PACKAGE).as_posix()
        signatures += [(f"{where}:{f.lineno} {f.name}", mentions_any(f)) for f in functions(tree)]
    untyped = [where for where, has_any in signatures if has_any]
    share = len(untyped) / len(signatures)
    print(f"Any in {len(untyped)} of {len(signatures)} signatures: {share:.1%} (limit {ANY_SHARE:.0%})")
    if share > ANY_SHARE or "-v" in sys.argv:
        print(*untyped, sep="\n")
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if share > ANY_SHARE or found else 0


if __name__ == "__main__":
    sys.exit(main())
