"""The manifest of an archive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

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
    """The contents of an archive."""

    documents: list[dict[str, str]]  # uid, title
    files: list[Entry]
    counts: dict[str, int]
    engines: list[str]
    options: dict[str, object] = field(default_factory=dict)

    def bytes(self) -> bytes:
        """The file."""
        return plain(
            {
                "schema": SCHEMA, "documents": self.documents, "counts": self.counts, "engines": self.engines,
                "options": self.options,
                "files": [{"name": e.name, "size": e.size, "sha256": e.sha256} for e in self.files],
            }
        )  # fmt: skip


def plain(value: object) -> bytes:
    """JSON that is the same each time: keys sorted, a line feed at the end."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def lines(rows: Iterable[Mapping[str, object]]) -> bytes:
    """One object a line."""
    return "".join(json.dumps(row, ensure_ascii=False, sort_keys=True) + "\n" for row in rows).encode()


def entry(name: str, data: bytes) -> Entry:
    """The manifest's entry for a file with these bytes."""
    return Entry(name, len(data), hashlib.sha256(data).hexdigest())


def total(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Counts of several documents, added up."""
    names = sorted({name for count in counts for name in count})
    return {name: sum(count.get(name, 0) for count in counts) for name in names}
