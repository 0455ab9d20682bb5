"""What an archive says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SCHEMA = "jobctl-export/1"
MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of the archive, as the manifest names it."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archive says of itself."""

    documents: list[dict[str, Any]]  # uid, title
    files: list[Entry]
    counts: dict[str, int]
    engines: list[str]
    options: dict[str, Any] = field(default_factory=dict)

    def bytes(self) -> bytes:
        """The file."""
        return plain(
            {
                "schema": SCHEMA, "documents": self.documents, "counts": self.counts, "engines": self.engines,
                "options": self.options,
                "files": [{"name": e.name, "size": e.size, "sha256": e.sha256} for e in self.files],
            }
        )  # fmt: skip


def plain(value: Any) -> bytes:
    """JSON that is the same each time: keys sorted, a line feed at the end."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """One object a line."""
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows).encode()


def entry(name: str, data: bytes) -> Entry:
    """What the manifest says of bytes."""
    return Entry(name, len(data), hashlib.sha256(data).hexdigest())


def total(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counts of several documents, added up."""
    names = sorted({name for count in counts for name in count})
    return {name: sum(count.get(name, 0) for count in counts) for name in names}
