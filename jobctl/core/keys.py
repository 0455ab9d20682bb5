"""Storage keys: what they look like, and where documents keep their bytes."""

from __future__ import annotations

import re

_KEY = re.compile(r"[a-z0-9_][a-z0-9._-]*(/[a-z0-9_][a-z0-9._-]*)*")


def storage_key(key: str) -> str:
    """The key, when it is one: lower-case letters, digits, ``._-``, parts by ``/``. Raises ``ValueError``."""
    if not _KEY.fullmatch(key) or ".." in key:
        raise ValueError(f"not a storage key: {key!r}")
    return key


def work_key(job_id: int, name: str) -> str:
    """Where a job's stages keep bytes beside their checkpoints; pruned with them."""
    return f"jobs/{job_id}/work/{name}"


def markdown_key(sha256: str) -> str:
    """Where the storage has a document's Markdown."""
    return f"markdown/{sha256[:2]}/{sha256}.md"


def source_key(sha256: str) -> str:
    """Where the storage has an original."""
    return f"inputs/{sha256[:2]}/{sha256}"
