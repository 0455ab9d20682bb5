"""Which process a server is: only a living postmaster of this very data folder counts."""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from jobctl.system import clock

LINUX = sys.platform.startswith("linux")
_DELETED = " (deleted)"
ORPHAN_TIMEOUT = 5.0
"""Seconds that an orphaned server gets to exit before it is killed: its files are gone, it has nothing to write."""


def postmaster_pid(cluster: Path) -> int | None:
    """The first line of ``postmaster.pid``; its lines appear one by one while the server starts."""
    try:
        first = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n", 1)[0]
        return int(first)
    except (OSError, ValueError):
        return None


def is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether a process runs, is not a zombie, and works in this data folder."""
    if pid <= 1:
        return False
    if not LINUX:
        return _exists(pid)
    return _state(pid) not in (None, "Z", "X") and _is_postgres(pid) and works_in(pid, cluster) is True


def works_in(pid: int, cluster: Path) -> bool | None:
    """Whether the working folder of a process is this data folder; None where the system does not report it."""
    if not LINUX or pid == 0:  # 0: the process is in a namespace of its own
        return None
    try:
        return os.path.samestat(Path(f"/proc/{pid}/cwd").stat(), cluster.stat())
    except PermissionError:
        return None
    except OSError:
        return False


def is_uninstalled(pid: int) -> bool:
    """Whether the program of a process was removed; False where the system does not report it."""
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith(_DELETED)  # noqa: PTH115 - the text with its suffix, not a path
    except OSError:
        return False


def peer(descriptor: int) -> tuple[int, int] | None:
    """(pid, uid) of the process that listens at the other end of a Unix socket; None where the system does not report it.

    The kernel recorded them when that process began to listen: nothing that is sent can forge them.
    """
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM, fileno=descriptor)
    try:
        if LINUX:
            pid, uid, _ = struct.unpack("3i", connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            return pid, uid
        if sys.platform == "darwin":
            version_uid = connected.getsockopt(0, 1, 76)  # SOL_LOCAL, LOCAL_PEERCRED: struct xucred
            return 0, struct.unpack_from("Ii", version_uid)[1]
        return None
    finally:
        connected.detach()


def stop_orphans(base: Path, uid: int) -> int:
    """Ends servers of an account whose data folder below ``base`` was removed; returns how many there were."""
    found = dict(_orphans(base.resolve(), uid))
    postmasters = [pid for pid, parent in found.items() if parent not in found]
    _signal_all(postmasters, signal.SIGQUIT)
    deadline = time.monotonic() + ORPHAN_TIMEOUT
    while any(_state(pid) not in (None, "Z", "X") for pid in found):
        if time.monotonic() > deadline:
            _signal_all(list(found), signal.SIGKILL)
            break
        clock.sleep(0.02)
    return len(postmasters)


def _orphans(base: Path, uid: int) -> Iterator[tuple[int, int]]:
    """(pid, parent's pid) of an account's processes that work in a removed data folder below ``base``."""
    if not LINUX:
        return
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        with suppress(OSError, ValueError, IndexError):
            if entry.stat().st_uid != uid:
                continue
            where = os.readlink(entry / "cwd")  # noqa: PTH115 - the text with its suffix, not a path
            folder = Path(where.removesuffix(_DELETED))
            inside = folder.name == "cluster" and base in folder.parents
            if where.endswith(_DELETED) and inside and _is_postgres(int(entry.name)):
                yield int(entry.name), int(_stat_fields(int(entry.name))[1])


def _is_postgres(pid: int) -> bool:
    """A shell may work in the data folder too; it is not to be signalled."""
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip() == "postgres"
    except OSError:
        return False


def _signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _state(pid: int) -> str | None:
    """The letter of a process's state; None when there is no such process."""
    try:
        return _stat_fields(pid)[0]
    except (OSError, IndexError):
        return None


def _stat_fields(pid: int) -> list[str]:
    """State, parent, … of a process: what follows its name, which may contain spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
