"""Lines of running jobs on their way to the database: bounded a job, the newest kept."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from jobctl.postgres.lease_rows import LogRow
from jobctl.worker.channel import Line
from jobctl.worker.outbox import LINES_A_JOB


class LogBuffer:
    """Lines by attempt, in order. What is over the bound of a job would be deleted by the statement that writes it."""

    def __init__(self, bound: int = LINES_A_JOB) -> None:
        self._bound = bound
        self._lines: dict[tuple[int, int], deque[Line]] = {}

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, job: int, attempt: int, lines: Iterable[Line]) -> None:
        """Adds lines of an attempt."""
        kept = self._lines.setdefault((job, attempt), deque(maxlen=self._bound))
        kept.extend(lines)
        if not kept:
            del self._lines[job, attempt]

    def put_back(self, rows: Sequence[LogRow]) -> None:
        """Rows that could not be written: before those that came meanwhile."""
        newer, self._lines = self._lines, {}
        for job, attempt, level, stage, text in rows:
            self.add(job, attempt, (Line(level, stage, text),))
        for (job, attempt), lines in newer.items():
            self.add(job, attempt, lines)

    def take(self) -> list[LogRow]:
        """Removes and returns the oldest lines, at most as many as one job may have: what one statement writes."""
        rows: list[LogRow] = []
        while self._lines and len(rows) < self._bound:
            (job, attempt), lines = next(iter(self._lines.items()))
            count = min(len(lines), self._bound - len(rows))
            rows += [(job, attempt, line.level, line.stage, line.text) for line in islice(lines, count)]
            for _ in range(count):
                lines.popleft()
            if not lines:
                del self._lines[job, attempt]
        return rows
