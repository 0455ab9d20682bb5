"""Who a pid is: only a living postmaster of this very data folder counts as ours."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def postmaster_pid(cluster: Path) -> int | None:
    """The first line of ``postmaster.pid``; its lines appear one by one while the server starts."""
    try:
        first = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
        return int(first)
    except (OSError, ValueError):
        return None


def is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether a process lives, is no zombie, and works in this data folder."""
    if pid <= 1:
        return False
    if not sys.platform.startswith("linux"):
        return _exists(pid)
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
        where = Path(f"/proc/{pid}/cwd").readlink()
    except (OSError, IndexError):
        return False
    return state not in "ZX" and where == cluster.resolve()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
