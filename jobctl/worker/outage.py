"""When the database is retried after a failure, and what is logged."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable

log = logging.getLogger("jobctl.worker")

T = TypeVar("T")
RENEW = "renew"
"""The operation that probes: it costs one round trip and is due again soon anyway."""
FIRST_RETRY, LAST_RETRY = 1.0, 30.0
"""Seconds until an operation that failed is tried again; doubled each time."""
FORGET_AFTER = 5.0
"""Seconds after which an unused retry is forgotten."""


@dataclass(slots=True)
class _Retry:
    at: float
    delay: float


class Outage:
    """After a failure only the renewal uses the database until it succeeds: each try may cost a time-out, and the
    children must be frozen in time. Then what failed by itself (a full disk refuses some writes and not others) is
    retried with a growing delay, and the outage is over when that works too.
    """

    def __init__(self) -> None:
        self._probing = False
        self._retries: dict[str, _Retry] = {}
        self._logged: set[str] = set()
        self._since = 0.0
        self.failures = 0
        """Operations that the database has not answered."""

    def attempt(self, operation: str, act: Callable[[], T]) -> T | None:
        """What ``act`` returns, None when the database does not answer or may not be used yet.

        Losing the database is not losing the jobs; neither is an unexpected answer. Raises ``ConfigError``.
        """
        now = time.monotonic()
        if not self.allows(operation, now):
            return None
        try:
            result = act()
        except StoreUnavailable as error:
            self.failed(operation, error, now)
        except ConfigError:
            raise
        except Exception as error:
            log.debug("%s failed", operation, exc_info=True)
            self.failed(operation, JobctlError(f"{operation} failed: {type(error).__name__}: {error}"), now)
        else:
            self.succeeded(operation, now)
            return result
        return None

    @property
    def unreachable(self) -> bool:
        """Whether no operation succeeded since the last failure."""
        return self._probing

    @property
    def over(self) -> bool:
        """Whether every operation works, as far as is known."""
        return not self._probing and not self._retries

    def failing(self, operation: str) -> bool:
        """Whether the last try of this operation failed."""
        return operation in self._retries

    def allows(self, operation: str, now: float) -> bool:
        """Whether an operation may use the database now."""
        if self._probing:
            return operation == RENEW
        retry = self._retries.get(operation)
        return retry is None or now >= retry.at

    def retry_in(self, now: float) -> float:
        """Seconds until the next operation that failed is tried again, infinite without one."""
        if self._probing:
            return float("inf")
        return max(0.0, min((retry.at for retry in self._retries.values()), default=float("inf")) - now)

    def failed(self, operation: str, error: Exception, now: float) -> None:
        """Logs each kind of reason once an outage."""
        self.failures += 1
        if self.over:
            self._since = now
        self._probing = True
        if operation != RENEW:
            before = self._retries.get(operation)
            delay = FIRST_RETRY if before is None else min(2 * before.delay, LAST_RETRY)
            self._retries[operation] = _Retry(now + delay, delay)
        text = f"{error}" or type(error).__name__
        if (kind := text.split(":")[0]) not in self._logged:
            self._logged.add(kind)
            log.warning("%s; running jobs continue, retrying", text)

    def succeeded(self, operation: str, now: float) -> None:
        """An operation succeeded."""
        if self.over:
            return
        self._probing = False
        self._retries.pop(operation, None)
        self._retries = {name: retry for name, retry in self._retries.items() if now < retry.at + FORGET_AFTER}
        if not self._retries:
            log.warning("the database is back after %.0f s", now - self._since)
            self._logged.clear()
