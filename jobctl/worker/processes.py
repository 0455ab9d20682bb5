"""Processes by /proc: who descends from whom, and how all of them are ended. Elsewhere than on Linux nothing is found."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jobctl.system import clock
from jobctl.worker.kernel import LINUX

END_WITHIN = 10.0
"""Seconds for which killed processes are waited for: one that hangs in the kernel must not hang its parent."""
POLL_EVERY = 0.002
KIBIBYTE = 1024
"""The unit in which Linux reports memory."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process; ``started`` (clock ticks since boot) distinguishes it from a later one with the same number."""

    pid: int
    started: int
    parent: int = field(compare=False)

    @classmethod
    def read(cls, pid: int) -> Process | None:
        """What /proc shows of a pid; None for one that is gone."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return None
        return cls(pid, started=int(fields[19]), parent=int(fields[1]))

    def has(self, variable: str) -> bool:
        """Whether ``variable`` (``NAME=value``) is in the environment that the process was started with."""
        try:
            return os.fsencode(variable) in Path(f"/proc/{self.pid}/environ").read_bytes().split(b"\0")
        except OSError:  # gone, or another account's
            return False

    def send(self, number: int) -> None:
        """A signal to this very process, never to another that got its number."""
        with suppress(ProcessLookupError, PermissionError):
            descriptor = os.pidfd_open(self.pid)
            try:
                if Process.read(self.pid) == self:
                    signal.pidfd_send_signal(descriptor, number)
            finally:
                os.close(descriptor)


def all_processes() -> Iterator[Process]:
    """All processes that are visible here."""
    if LINUX:
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and (process := Process.read(int(entry.name))) is not None:
                yield process


def children(pid: int) -> list[int]:
    """The processes whose parent is ``pid``."""
    found: list[int] = []
    try:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_bytes().split())
    except OSError:  # gone, or a kernel without these lists
        return [process.pid for process in all_processes() if process.parent == pid]
    return found


def descendants(pid: int) -> list[Process]:
    """The processes below ``pid``, parents before their children."""
    pids = children(pid)
    for child in pids:  # grows while it is walked
        pids += children(child)
    return [process for process in map(Process.read, pids) if process is not None]


def signal_descendants(pid: int, number: int) -> None:
    """Sends a signal to all processes below ``pid``, also to those that are started meanwhile."""
    known: set[Process] = set()
    while new := [process for process in descendants(pid) if process not in known]:
        for process in new:
            process.send(number)
        known |= set(new)


def end_children(ended: Callable[[int, int, int], None] = lambda *_: None) -> bool:
    """Kills the children of this process, and theirs as it adopts them, until none is left.

    For a subreaper: the children of a killed child become its own. A child keeps its number until it is waited for here,
    so none can be mistaken for another. ``ended``: as for ``reap``. Returns whether there was any.
    """
    if not LINUX or not _has_children():
        return False
    deadline = time.monotonic() + END_WITHIN
    own = os.getpid()
    while time.monotonic() < deadline:
        for pid in children(own):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not reap(ended):
            return True
        clock.sleep(POLL_EVERY)
    return True


def reap(ended: Callable[[int, int, int], None]) -> bool:
    """Waits for those children that have ended. Returns whether others are left.

    ``ended`` gets of each its pid, its wait status and the most memory that it used, in bytes.
    """
    while True:
        try:
            pid, status, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        ended(pid, status, usage.ru_maxrss * KIBIBYTE)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def end_marked(marker: str) -> None:
    """Kills the processes that were started with ``marker`` (``NAME=value``) in their environment.

    For what is left below a guardian that was killed itself. A process that has replaced its environment is not found.
    """
    deadline = time.monotonic() + END_WITHIN
    while (found := [process for process in all_processes() if process.has(marker)]) and time.monotonic() < deadline:
        for process in found:  # and then those that these have started meanwhile
            process.send(signal.SIGKILL)
        clock.sleep(POLL_EVERY)
