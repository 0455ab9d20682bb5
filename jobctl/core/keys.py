"""Storage keys: their syntax, and those of documents and work files."""

from __future__ import annotations

import re

_KEY = re.compile(r"[a-z0-9_][a-z0-9._-]*(/[a-z0-9_][a-z0-9._-]*)*")


def storage_key(key: str) -> str:
    """The key, when it is one: lower-case letters, digits, ``._-``, parts by ``/``. Raises ``ValueError``."""
    if not _KEY.fullmatch(key) or ".." in key:
        raise ValueError(f"not a storage key: {key!r}")
    return key


def work_key(job_id: int, name: str) -> str:
    """Prefix of a job's bytes beside its checkpoints; pruned with them."""
    return f"jobs/{job_id}/work/{name}"


def output_key(job_id: int, sha256: str) -> str:
    """Key of a file that a job's result, or the checkpoint of a stage, refers to; kept as long as results are."""
    return f"jobs/{job_id}/outputs/{sha256}"


def markdown_key(sha256: str) -> str:
    """Key of a document's Markdown."""
    return f"markdown/{sha256[:2]}/{sha256}.md"


def source_key(sha256: str) -> str:
    """Key of an original."""
    return f"inputs/{sha256[:2]}/{sha256}"
