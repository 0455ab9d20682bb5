"""A guard of the code is switched off: the text of one function is changed, and its code replaced in place.

Whoever has the function already, under whatever name, runs the changed code. ``PYTHON_GUARD_SWITCHED_OFF``: a guard as
JSON that is switched off in every process that has tests/plugin on its path; a child process of a worker is left variables
with that prefix.
"""

import __future__

import inspect
import json
import os
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from types import FunctionType

VARIABLE = "PYTHON_GUARD_SWITCHED_OFF"


def function_of(where: str) -> FunctionType:
    """The function at ``module:Class.name``; of a property, what reads it."""
    module, _, path = where.partition(":")
    found: object = import_module(module)
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
    return _plain(found)


def _plain(found: object) -> FunctionType:
    function = getattr(found, "fget", None) or getattr(found, "__func__", None) or found
    assert isinstance(function, FunctionType), f"{found!r} is no function"
    return function


def changed(function: FunctionType, old: str, new: str) -> FunctionType:
    """The function with ``new`` for ``old`` in its text, in its own module."""
    text = textwrap.dedent(inspect.getsource(function))
    assert old in text, f"the guard {old!r} has moved: name it anew"
    scope: dict[str, object] = {}
    flags = __future__.annotations.compiler_flag
    exec(compile(text.replace(old, new), "<guard>", "exec", flags), function.__globals__, scope)
    return _plain(scope[function.__name__])


def switch_off(where: str, old: str, new: str) -> Callable[[], None]:
    """Returns what switches it on again."""
    function = function_of(where)
    code = function.__code__
    function.__code__ = changed(function, old, new).__code__

    def restore() -> None:
        function.__code__ = code

    return restore


@contextmanager
def switched_off(where: str, old: str, new: str) -> Iterator[None]:
    """In this process and in those that it starts meanwhile."""
    restore = switch_off(where, old, new)
    os.environ[VARIABLE] = json.dumps([where, old, new])
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        restore()
