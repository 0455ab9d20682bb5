"""What stages return as plain data: what can be kept as JSON, and the position of what cannot."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, cast

from jobctl.core.bounds import MAX_LEVELS
from jobctl.core.errors import Permanent

MAX_BITS = 14_000
"""Size of an integer: Python and others refuse to read more than 4,300 digits."""
BYTES_IN_CHECKPOINT, BYTES_IN_RESULT = "$bytes", "$base64"
"""Keys of the objects that represent bytes; reserved, so no object of a stage may have one."""
_SCALARS = frozenset({str, int, float, bool, type(None)})

Leaf = Callable[[bytes], object]
"""What replaces bytes in the plain data."""


class Unstorable(Permanent):
    """A stage returned something that cannot be kept; the message names its position."""


def plain(value: object, where: str, leaf: Leaf = bytes, depth: int = 0) -> object:
    """``value`` as JSON-able data and bytes: dataclasses and models become objects, tuples become lists.

    Raises ``Unstorable`` naming the position of what has no such form. Numbers and text are not checked here: see ``dumps``.
    """
    if type(value) in _SCALARS:  # the most common types first
        return value
    if depth >= MAX_LEVELS:
        raise Unstorable(f"{where[:120]}…: nested deeper than {MAX_LEVELS} levels, or containing itself")
    depth += 1
    if reader := _reader(cast("Hashable", type(value))):
        names, read = reader
        items = read(value)
        if _SCALARS.issuperset(map(type, items)):
            return dict(zip(names, items, strict=True))
        return {name: plain(item, f"{where}.{name}", leaf, depth) for name, item in zip(names, items, strict=True)}
    if isinstance(value, Enum):
        return plain(value.value, where, leaf, depth)
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray, memoryview)):
        return leaf(bytes(value))
    return _container(value, where, leaf, depth)


def _container(value: object, where: str, leaf: Leaf, depth: int) -> object:
    if isinstance(value, (list, tuple)):
        return [
            item if type(item) in _SCALARS else plain(item, f"{where}[{i}]", leaf, depth)
            for i, item in enumerate(value)
        ]
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"), where, leaf, depth)
    if isinstance(value, Mapping):
        return {_name(k, where): plain(v, f"{where}.{k}", leaf, depth) for k, v in value.items()}
    raise Unstorable(
        f"{where}: a value of type {type(value).__name__} cannot be kept; "
        "return lists, dicts, dataclasses, numbers, text or bytes"
    )


def dumps(value: object, where: str, *, leaf: Leaf, blame: object = None) -> bytes:
    """Compact JSON of plain data, UTF-8; the same data has the same bytes. The walk is the JSON encoder's own, in C.

    Raises ``Unstorable`` naming the position, in ``blame`` if that is only a part of ``value``, of a lone surrogate, a
    NaN, an infinity or a number that is too long.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=leaf)
        return text.encode()
    except (ValueError, RecursionError) as error:  # UnicodeEncodeError is a ValueError
        raise Unstorable(fault(value if blame is None else blame, where) or f"{where}: {error}") from None


def fault(value: object, where: str, *, nul: bool = False) -> str | None:
    """The first part of plain data that JSON cannot represent, with its position; ``nul``: characters U+0000 count too. None: nothing."""
    pending: list[tuple[str, Any]] = [(where, value)]
    while pending:
        position, item = pending.pop()
        if problem := _problem(item, nul=nul):
            return f"{position}: {problem}"
        pending.extend(reversed(list(_inside(position, item, nul=nul))))
    return None


def _inside(position: str, item: object, *, nul: bool) -> Iterator[tuple[str, object]]:
    if isinstance(item, list):
        yield from ((f"{position}[{i}]", part) for i, part in enumerate(item))
    elif isinstance(item, dict):
        for key, part in item.items():
            if _problem(key, nul=nul):
                yield f"{position}, key {ascii(key)[:80]}", key
            yield f"{position}.{key}", part


def _problem(item: object, *, nul: bool) -> str | None:
    if isinstance(item, str):
        if nul and "\x00" in item:
            return "text with the character U+0000"
        try:
            item.encode()
        except UnicodeEncodeError as error:
            return f"text with a lone surrogate (U+{ord(item[error.start]):04X})"
    if isinstance(item, float) and not math.isfinite(item):
        return f"{item!r} is not a JSON number"
    if isinstance(item, int) and item.bit_length() > MAX_BITS:
        return "an integer of more than 4,000 digits"
    return None


@cache
def _reader(kind: Hashable) -> tuple[tuple[str, ...], Callable[[object], tuple[object, ...]]] | None:
    """The field names of a dataclass, and a getter that reads them all at once."""
    if not isinstance(kind, type) or not is_dataclass(kind):
        return None
    names = tuple(field.name for field in fields(kind))
    if len(names) > 1:
        return names, attrgetter(*names)
    return names, lambda value: tuple(getattr(value, name) for name in names)


def _name(name: object, where: str) -> str:
    if not isinstance(name, str):
        raise Unstorable(f"{where}: a key is {ascii(name)[:80]}; keys must be text")
    if name in (BYTES_IN_CHECKPOINT, BYTES_IN_RESULT):
        raise Unstorable(f"{where}: the key {name!r} is reserved")
    return name
