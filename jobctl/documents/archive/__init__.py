"""The export archive: a ZIP or a folder with a manifest, the same bytes for the same library.

``documents/<uid>/`` has ``document.json``, ``content.md``, ``chunks.jsonl``, ``annotations.json``, ``connections.json`` and
the original source. ``manifest.json`` comes last and names the schema, the counts, the engines, and size and SHA-256 of
every file; a reader uses nothing before it has compared all of them. Names come from ids, never from titles.
"""

from __future__ import annotations

from jobctl.documents.archive.manifest import Entry, Manifest, entry, lines, plain, total
from jobctl.documents.archive.read import Archive
from jobctl.documents.archive.rows import ArchivedAnnotation, ArchivedConnection, ArchivedDocument, archived
from jobctl.documents.archive.write import write

__all__ = [
    "Archive",
    "ArchivedAnnotation",
    "ArchivedConnection",
    "ArchivedDocument",
    "Entry",
    "Manifest",
    "archived",
    "entry",
    "lines",
    "plain",
    "total",
    "write",
]
