"""The formats of documents by the suffix of a file's name."""

SUFFIXES = {
    ".pdf": "pdf", ".epub": "epub", ".docx": "docx", ".html": "html", ".htm": "html", ".xhtml": "html", ".xht": "html",
    ".shtml": "html", ".md": "markdown", ".markdown": "markdown", ".mdown": "markdown", ".mkd": "markdown", ".txt": "text",
    ".text": "text", ".log": "text", ".asc": "text",
}  # fmt: skip
NOT_COLLECTED = frozenset({".log", ".asc"})
"""Suffixes of texts that are rarely documents: such a file is read when it is named, and skipped in a folder."""
COLLECTED = tuple(suffix for suffix in SUFFIXES if suffix not in NOT_COLLECTED)
