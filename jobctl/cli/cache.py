"""A small file of recent ids, so that a TAB never starts Python. Losing it costs nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from jobctl.cli.text import cut, visible
from jobctl.core.job import Job

MOST = 200


def path() -> Path:
    """Where the completion scripts look."""
    base = os.environ.get("JOBCTL_HOME")
    if base:
        return Path(base) / "cache" / "ids"
    cache = os.environ.get("XDG_CACHE_HOME") or (f"{os.environ['HOME']}/.cache" if os.environ.get("HOME") else None)
    return Path(cache) / "jobctl" / "ids" if cache else Path("/nonexistent/jobctl/ids")


def remember(jobs: Sequence[Job]) -> None:
    """Writes id, possible verbs and title, one job a line."""
    lines = [f"{job.id}\t{','.join(job.actions)}\t{cut(visible(job.display_name), 60)}" for job in jobs[:MOST]]
    with suppress(OSError):
        path().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path().with_suffix(f".{os.getpid()}")
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
        temporary.replace(path())
