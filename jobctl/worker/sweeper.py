"""The worker's own timer for what belongs to no running job: retries that are due, leases that ran out, waiters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

SWEEP_EVERY = 5.0
REPAIR_EVERY = 60.0
"""Seconds between two looks at everything that waits for a dependency: a repair, settling wakes them at once."""


class Sweeps(Protocol):
    """What the sweep needs of the queue."""

    def make_due(self, *, limit: int = ...) -> int: ...
    def rescue(self, *, limit: int = 100) -> list[dict[str, Any]]: ...
    def requeue(self, *, limit: int = 100) -> list[dict[str, Any]]: ...
    def wake_keys(self, keys: Iterable[str | None] | None) -> int: ...
    def wake_dependents(self, ids: Sequence[int] | None) -> int: ...


class Sweeper:
    """Due by the monotonic clock it is given; never waits for a running job."""

    def __init__(self, queue: Sweeps, *, auto_retry: bool = True) -> None:
        self._queue = queue
        self._auto_retry = auto_retry
        self._swept = self._repaired = float("-inf")

    def due_in(self, now: float) -> float:
        """Seconds until the next sweep."""
        return max(0.0, self._swept + SWEEP_EVERY - now)

    def sweep(self, now: float) -> bool:
        """Sweeps if it is time; whether anything may have become claimable."""
        if now - self._swept < SWEEP_EVERY:
            return False
        self._swept = now
        moved = self._queue.make_due()
        moved += len(self._queue.rescue())
        moved += len(self._queue.requeue()) if self._auto_retry else 0
        moved += self._queue.wake_keys(None)
        if now - self._repaired >= REPAIR_EVERY:
            self._repaired = now
            moved += self._queue.wake_dependents(None)
        return moved > 0
