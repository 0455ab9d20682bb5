"""Jobs that may run now: those whose concurrency key is free again, or whose dependencies have ended."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import psycopg
from psycopg.rows import DictRow

from jobctl.core.errors import StoreUnavailable
from jobctl.postgres.watching import Watched
from jobctl.system import clock

LOCKED_RETRIES = (0.0, 0.01, 0.05)
"""Seconds before each attempt at rows that another session has locked: nearly always for a moment."""


class Waking(Watched):
    """Moves waiting jobs on."""

    def wake_keys(self, keys: Iterable[str | None] | None) -> int:
        """Lets the first due job of each free key through; None: of every key."""
        names = None if keys is None else sorted(key for key in keys if key)
        for _ in range(3):
            try:
                return len(self._run("wake_keys", keys=names))
            except (psycopg.errors.UniqueViolation, StoreUnavailable) as error:
                race = isinstance(
                    error.__cause__ or error, (psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected)
                )
                if not race or not self._idle():
                    raise
        return 0  # others keep winning: they let the jobs through

    def wake_dependents(self, ids: Sequence[int] | None) -> int:
        """Moves on the jobs that waited for these; None: looks at all that wait."""
        woken: list[DictRow] = []
        waiting = None if ids is None else list(ids)
        for pause in LOCKED_RETRIES:
            if pause:
                clock.sleep(pause)
            rows = self._run("wake_dependents", ids=waiting)
            woken += [row for row in rows if row["woken"]]
            if not any(row["locked"] for row in rows):
                break  # what stays locked is left to the next sweep
        self._wake_after(woken)
        return len(woken)

    def _wake_after(self, rows: Sequence[DictRow]) -> None:
        keys = {row["concurrency_key"] for row in rows} - {None}
        if keys:
            self.wake_keys(keys)
