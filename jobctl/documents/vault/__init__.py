"""Obsidian vaults: notes with a managed block, everything else in them left byte for byte."""

from jobctl.documents.vault.compose import Derived, chunk_mark, compose, derived
from jobctl.documents.vault.folder import Vault, link_names
from jobctl.documents.vault.merge import Action, compare
from jobctl.documents.vault.names import Names, safe_name
from jobctl.documents.vault.note import (
    Link,
    Mark,
    Note,
    Quote,
    disowned,
    ids,
    index_note,
    places,
    render,
    repair,
    require_sound,
    update,
)
from jobctl.documents.vault.parts import Damaged, body_of, digest, taken, uid_of

__all__ = [
    "Action",
    "Damaged",
    "Derived",
    "Link",
    "Mark",
    "Names",
    "Note",
    "Quote",
    "Vault",
    "body_of",
    "chunk_mark",
    "compare",
    "compose",
    "derived",
    "digest",
    "disowned",
    "ids",
    "index_note",
    "link_names",
    "places",
    "render",
    "repair",
    "require_sound",
    "safe_name",
    "taken",
    "uid_of",
    "update",
]
