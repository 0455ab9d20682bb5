"""A small file of recent ids, so that a TAB never starts Python. Losing it costs nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from jobctl.cli.output.text import cut, visible
from jobctl.core.job import Job
from jobctl.core.lifecycle import JobFlags, Status, actions
from jobctl.system.environment import variables

MOST = 200


def path() -> Path:
    """Where the completion scripts look."""
    base = variables.get("JOBCTL_HOME")
    if base:
        return Path(base) / "cache" / "ids"
    cache = variables.get("XDG_CACHE_HOME") or (f"{variables['HOME']}/.cache" if variables.get("HOME") else None)
    return Path(cache) / "jobctl" / "ids" if cache else Path("/nonexistent/jobctl/ids")


def remember(jobs: Sequence[Job]) -> None:
    """Writes id, possible verbs and title, one job a line."""
    _write([f"{job.id}\t{','.join(job.actions)}\t{cut(visible(job.display_name), 60)}" for job in jobs])


def add(ids: Sequence[int], title: str) -> None:
    """Puts new jobs before the others."""
    verbs = ",".join(actions(JobFlags(Status.PENDING)))
    _write([*(f"{job_id}\t{verbs}\t{cut(visible(title), 60)}" for job_id in reversed(ids)), *_lines()])


def revise(moved: Mapping[int, JobFlags | None]) -> None:
    """Says what is possible on jobs that have just been moved; None: they are gone."""
    revised = []
    for line in _lines() if moved else ():
        number, _, rest = line.partition("\t")
        known = number.isdecimal() and int(number) in moved
        standing = moved[int(number)] if known else None
        if standing is not None:
            revised.append(f"{number}\t{','.join(actions(standing))}\t{rest.partition(chr(9))[2]}")
        elif not known:
            revised.append(line)
    if moved:
        _write(revised)


def _lines() -> list[str]:
    with suppress(OSError, UnicodeDecodeError):
        return path().read_text(encoding="utf-8").splitlines()
    return []


def _write(lines: Sequence[str]) -> None:
    with suppress(OSError):
        for folder in (path().parent.parent, path().parent):  # the first may be JOBCTL_HOME
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = path().with_suffix(f".{os.getpid()}")
        temporary.write_text("".join(f"{line}\n" for line in lines[:MOST]), encoding="utf-8")
        temporary.chmod(0o600)
        temporary.replace(path())
