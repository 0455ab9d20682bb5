"""Obsidian vaults: notes with a managed block, everything else in them left byte for byte."""

from jobctl.documents.vault.compose import compose
from jobctl.documents.vault.folder import Vault, link_names
from jobctl.documents.vault.merge import Action, compare
from jobctl.documents.vault.names import Names, safe_name
from jobctl.documents.vault.note import Link, Mark, Note, Quote, body_of, digest, index_note, render, update

__all__ = [
    "Action",
    "Link",
    "Mark",
    "Names",
    "Note",
    "Quote",
    "Vault",
    "body_of",
    "compare",
    "compose",
    "digest",
    "index_note",
    "link_names",
    "render",
    "safe_name",
    "update",
]
