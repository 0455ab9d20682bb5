"""How a worker is stopped: within its grace period at the first signal, at once at the second, even if the database is unreachable."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from types import FrameType

LAST_WRITES = 2.0
"""Seconds after the grace that a worker may spend on writing outcomes; then the leases expire."""
LAST_WRITE = 0.3
"""The same after a second signal: one statement where the database answers, no wait where it does not."""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object] | int | None


class Overdue(BaseException):
    """The worker must exit now. Raised by an alarm, so that no blocking call can delay it."""


class Shutdown:
    """Counts the signals. Handlers only count and set the alarm: what follows from a signal is done by the loop."""

    def __init__(self, grace: float) -> None:
        self._grace = grace
        self._signals = 0
        self._kill_at = float("inf")
        self._before: dict[signal.Signals, Handler] = {}

    @property
    def requested(self) -> bool:
        """Whether the worker is to stop."""
        return self._signals > 0

    def expired(self, now: float) -> bool:
        """Whether running jobs may not go on any more: the grace is over, or a second signal came."""
        return self._signals > 1 or now >= self._kill_at

    def kill_in(self, now: float) -> float:
        """Seconds until the grace is over."""
        return 0.0 if self._signals > 1 else max(0.0, self._kill_at - now)

    def request(self) -> None:
        """As a signal: the first starts the grace period, the second ends it, more change nothing."""
        self._signals += 1
        if self._signals > 2:
            return
        first = self._signals == 1
        grace, writes = (self._grace, LAST_WRITES) if first else (0.0, LAST_WRITE)
        self._kill_at = min(self._kill_at, time.monotonic() + grace)
        signal.setitimer(signal.ITIMER_REAL, grace + writes, LAST_WRITES)

    def request_once(self) -> None:
        """As a first signal, unless there was one."""
        if not self.requested:
            self.request()

    def install(self) -> None:
        """Installs the signal handlers; a signal that was ignored (``nohup``) stays ignored."""
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, lambda *_: self.request())
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, _overdue)

    def restore(self) -> None:
        """Restores the previous signal handlers."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _overdue(_number: int, _frame: FrameType | None) -> None:
    raise Overdue
