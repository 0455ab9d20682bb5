"""Attempts that others have taken over while this worker is alive: what that charged is taken back."""

from __future__ import annotations

from jobctl.core.attempt import Token
from jobctl.postgres.leases import Leases


class TakenOver:
    """Remembers an attempt until its job is uncharged, for a lease at most: its row may be locked. Times are monotonic."""

    def __init__(self, queue: Leases) -> None:
        self._queue = queue
        self._until: dict[tuple[int, int], float] = {}

    def add(self, token: Token, now: float) -> None:
        """The database does not know this attempt any more."""
        self._until.setdefault((token.job_id, token.lease_seq), now + self._queue.ttl)

    def uncharge(self, worker: int, now: float) -> bool:
        """Takes back what rescues charged for them; returns whether a statement was needed."""
        if not self._until:
            return False
        locked = self._queue.uncharge(worker, self._until.keys())
        self._until = {attempt: until for attempt, until in self._until.items() if attempt in locked and now < until}
        return True
