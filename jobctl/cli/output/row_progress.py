"""Lines about a long copy of rows."""

from __future__ import annotations

import time
from collections.abc import Callable

EVERY = 5.0
"""Seconds between two lines: a copy that is quick prints none."""


class RowProgress:
    """Says every few seconds where a copy stands: ``dumping jobs: 1,200,000 rows``."""

    def __init__(self, doing: str, say: Callable[[str], None]) -> None:
        self._doing = doing
        self._say = say
        self._said_at = time.monotonic()

    def __call__(self, table: str, rows: int) -> None:
        """``rows`` of a table are done. Called for each row: it only looks at the clock every so many."""
        if rows & 0xFF == 0 and time.monotonic() - self._said_at >= EVERY:
            self._said_at = time.monotonic()
            self._say(f"{self._doing} {table}: {rows:,} rows")
