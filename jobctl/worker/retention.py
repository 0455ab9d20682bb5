"""Removes in a thread what was kept long enough: neither the database nor the storage delays the supervisor."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from jobctl.core.errors import JobctlError
from jobctl.core.names import plural
from jobctl.core.ports import Storage
from jobctl.core.retention import Rules, Step

log = logging.getLogger("jobctl.worker")

TURN = 20.0
"""Seconds after which the turn ends, for any worker to go on; less than the lease of a turn."""
PAUSE = 3600.0
"""Seconds from the end of one pass through all jobs to the begin of the next."""


class RetentionTable(Protocol):
    """What a turn needs of the database: ``postgres.queue.Queue``."""

    def retention_begin(self) -> int | None: ...
    def retention_end(self, position: int, *, pause: float) -> None: ...
    def retain(self, position: int, *, keep: Mapping[str, float | None], checkpoints: float) -> Step: ...
    def prune_results(self, *, age: float) -> list[str]: ...
    def prune_history(self, *, age: float) -> int: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _Removed:
    """Counts of one turn."""

    jobs: int = 0
    checkpoints: int = 0
    results: int = 0


class RetentionThread:
    """One pass after another through all jobs, shared by all workers: each takes a turn while no other does."""

    def __init__(
        self, table: RetentionTable, storage: Callable[[], Storage], rules: Rules,
        *, monotonic: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._table = table
        self._storage = storage
        self._rules = rules
        self._monotonic = monotonic
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def due(self) -> None:
        """It may be time for a turn; does nothing while one is under way."""
        if self._stop.is_set() or (self._thread is not None and self._thread.is_alive()):
            return
        self._thread = threading.Thread(target=self._run, name="retention", daemon=True)
        self._thread.start()

    def close(self, seconds: float = 1.0) -> None:
        """Ends a turn after its current statement; waits at most ``seconds``."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self.turn()
        except JobctlError as error:
            log.warning("retention: %s", error)
        finally:
            self._table.close()

    def turn(self) -> None:
        """One turn. What it removed is logged."""
        position = self._table.retention_begin()
        if position is None:
            return
        self._remove(())  # a storage that is not the one of the database says so before rows are removed
        removed = _Removed()
        until = self._monotonic() + TURN
        try:
            self._results_and_history(removed, until)
            end = self._jobs(position, removed, until)
        finally:
            if removed != _Removed():
                log.info(
                    "retention: removed %s, %s and %s", plural(removed.jobs, "job"),
                    plural(removed.checkpoints, "checkpoint"), plural(removed.results, "stored result"),
                )  # fmt: skip
        self._table.retention_end(end or 0, pause=PAUSE if end is None else 0.0)

    def _jobs(self, position: int, removed: _Removed, until: float) -> int | None:
        """Goes on after ``position``; returns where it stopped, None: it reached the end."""
        while self._goes_on(until):
            begin = self._monotonic()
            step = self._table.retain(position, keep=self._rules.jobs, checkpoints=self._rules.checkpoints)
            if step.position is None:
                return None
            position = step.position
            removed.jobs += len(step.jobs)
            removed.checkpoints += len(step.checkpoints)
            self._remove(step.checkpoints)
            for job_id in step.stored:
                self._remove(self._storage().keys(f"jobs/{job_id}"))
            self._stop.wait(self._monotonic() - begin)  # at most half of the time
        return position

    def _results_and_history(self, removed: _Removed, until: float) -> None:
        if self._rules.results is not None:
            while self._goes_on(until) and (paths := self._table.prune_results(age=self._rules.results)):
                removed.results += len(paths)
                self._remove(paths)
        if self._rules.history is not None:
            while self._goes_on(until) and self._table.prune_history(age=self._rules.history):
                pass

    def _remove(self, keys: Iterable[str]) -> None:
        self._storage().delete_all(list(keys))

    def _goes_on(self, until: float) -> bool:
        return not self._stop.is_set() and self._monotonic() < until
