"""Which process this is, so that others on the same machine can tell whether it is still there. Linux; elsewhere nothing is known."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_ENDED = (b"Z", b"X")
"""States of a process that runs no more: nobody has waited for it yet."""


@dataclass(frozen=True, slots=True)
class Here:
    """Where process ids hold: a boot of a machine, and a namespace in it."""

    boot_id: str
    pid_namespace: str


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """A process, distinguished from a later one with the same number. ``start``: clock ticks since the boot."""

    boot_id: str
    pid_namespace: str
    pid: int
    start: str


@cache
def here() -> Here | None:
    """This machine and namespace; None where they can't be found out."""
    try:
        if str(Path("/proc/self").readlink()) != str(os.getpid()):  # a /proc of another namespace
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return Here(boot, str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        return None


def this_process() -> ProcessIdentity | None:
    """This process; None where that can't be found out."""
    place, start = here(), _start(os.getpid())
    if place is None or start is None:
        return None
    return ProcessIdentity(place.boot_id, place.pid_namespace, os.getpid(), start)


def is_gone(pid: int, start: str) -> bool:
    """Whether a process of this machine and namespace has ended. False where it can't be seen."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:  # it exists, and belongs to another account
        pass
    found = _start(pid)
    return found is not None and found != start


def _start(pid: int) -> str | None:
    """When a process started; empty for one that has ended and was not waited for, None where it can't be seen."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return "" if fields[0] in _ENDED else fields[19].decode()
