"""Which of the killed children the kernel ended for lack of memory: its count of such ends has grown."""

from __future__ import annotations

import signal

from jobctl.system.cgroup import MemoryGroup

LOOK_EVERY = 5.0
"""Seconds between two readings of the count. An end is explained by what was counted up to twice as long before."""
REASON = "killed for lack of memory (SIGKILL)"


class KernelKills:
    """Compares the count of a control group. Several children may have been ended by the time one is looked at."""

    def __init__(self, group: MemoryGroup) -> None:
        self._group = group
        self._explained = self._last = group.kills() or 0
        self._next_look = float("-inf")

    def look(self, now: float) -> None:
        """Called often. Ends that were counted long ago were those of programs of jobs, and explain no end of a child."""
        if now >= self._next_look:
            self._next_look = now + LOOK_EVERY
            self._explained = max(self._explained, self._last)
            self._last = self._group.kills() or 0

    def explains(self, code: int) -> bool:
        """Whether it explains one more end by SIGKILL of a process that nobody here has killed."""
        if code != -signal.SIGKILL or (self._group.kills() or 0) <= self._explained:
            return False
        self._explained += 1
        return True
