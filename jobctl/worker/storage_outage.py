"""What an attempt does while the storage is away: it waits, then gives the job back. Nothing is charged."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from jobctl.core.errors import CancelNow, ReleaseNow, StorageUnavailable, StoreUnavailable
from jobctl.core.ports import Stops
from jobctl.system import clock

FIRST_RETRY, LAST_RETRY = 0.5, 8.0
"""Seconds until the storage is tried again; doubled each time."""
SLICE = 0.1
"""Seconds between two looks at the requests on the job."""
PATIENCE = 20.0
"""Seconds after which the job is given back: another worker may reach the storage."""
FREE_RETRIES = 2
"""How often an operation is tried again that fails though the storage works."""
FORGET_AFTER = 10.0
"""Seconds after which such a failure counts no more."""
RESEND = 1.0
"""Seconds between two tries while the database is away."""

T = TypeVar("T")
Check = Callable[[], None]
"""Raises an ``Interrupt`` where the job is to stop and may."""


class StorageOutage:
    """The waits of one attempt. ``prove`` raises ``StorageUnavailable`` where the storage can't be read and written."""

    def __init__(self, prove: Callable[[], None], stops: Stops, say: Callable[[str], None]) -> None:
        self._prove = prove
        self._stops = stops
        self._say = say
        self._free_retries = FREE_RETRIES
        self._charged_at = float("-inf")

    def outlast(self, act: Callable[[], T], check: Check | None = None) -> T:
        """What ``act`` returns, tried again while the storage is away. ``check`` None: the attempt may end at any moment."""
        while True:
            try:
                return act()
            except StorageUnavailable as away:
                self.wait(away, check or self._check_end)
            except StoreUnavailable:  # the database, which says which storage is the right one
                self._pause(RESEND, check or self._check_end)

    def wait(self, error: StorageUnavailable, check: Check) -> None:
        """Returns when what failed is worth another try.

        Raises what ``check`` raises; ``ReleaseNow`` through it when the storage stays away for ``PATIENCE``; and ``error``
        itself where the storage works, so that the fault is the job's: a result that is larger than a file may be.
        """
        began, delay, reason = time.monotonic(), FIRST_RETRY, str(error)
        self._say(f"{reason}; waiting for it")
        while True:
            self._pause(delay, check)
            try:
                self._prove()
            except StorageUnavailable as away:
                if str(away) != reason:
                    reason = str(away)
                    self._say(reason)
            except StoreUnavailable:  # the database: it says nothing about the storage
                pass
            else:
                if not error.full:  # else a small file fits, and what is to be stored may not
                    self._charge(error, was_away=delay > FIRST_RETRY)
                    return
            delay = min(2 * delay, LAST_RETRY)
            if time.monotonic() - began >= PATIENCE:
                self._release(check)

    def _charge(self, error: StorageUnavailable, *, was_away: bool) -> None:
        """Raises ``error`` where the storage works all the time and the operation still fails."""
        if was_away:
            return
        now = time.monotonic()
        if now - self._charged_at > FORGET_AFTER:
            self._free_retries = FREE_RETRIES
        if self._free_retries == 0:
            raise error
        self._free_retries, self._charged_at = self._free_retries - 1, now

    def _check_end(self) -> None:
        if self._stops.cancel:
            raise CancelNow
        if self._stops.release:
            raise ReleaseNow

    def _pause(self, seconds: float, check: Check) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            check()
            clock.sleep(min(left, SLICE))
        check()

    def _release(self, check: Check) -> None:
        """As if the worker were shutting down: only where the job may stop."""
        asked, self._stops.release = self._stops.release, True
        try:
            check()
        finally:
            self._stops.release = asked
