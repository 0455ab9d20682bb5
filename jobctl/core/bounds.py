"""Limits of a job's input: the database refuses the same (migration 0004)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

MAX_INPUT = 64 * 1024
"""Bytes of an input as JSON."""
MAX_TEXT = 256 << 20
"""Bytes of a document's Markdown, or of a page of an import, that a job reads at once."""
MAX_LEVELS = 100
"""Levels of lists and objects inside one another: a tenth of what Python's own JSON decoder can follow."""


def too_deep(value: object) -> bool:
    """Whether something lies more than ``MAX_LEVELS`` levels down; looks level by level, without recursion."""
    level = [value]
    for _ in range(MAX_LEVELS):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        yield from value
