"""Follows jobs from code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jobctl.client.base import Base
from jobctl.core.job import Progress
from jobctl.core.lifecycle import Status
from jobctl.core.names import plural
from jobctl.core.rows import Event
from jobctl.core.watching import Deleted, Glance, Noted, Progressed, StatusChanged, WatchEvent

QUICKEST, SLOWEST = 0.1, 1.0
"""Seconds between two polls: the quickest after something happened, then longer each time."""
GROWTH = 1.5


class Watching(Base):
    """Follows jobs."""

    def watch(self, ids: Iterable[int], *, timeout: float | None = None) -> Iterator[WatchEvent]:
        """Yields what happens to jobs, from their submission on, until all have ended or are deleted.

        A failed job that will be retried has not ended. Of each job every change of status is yielded, in order; of its
        progress what each look finds, at most ten a second. ``timeout`` in seconds.

        Raises ``JobNotFound`` at the call, and ``TimeoutError``.
        """
        wanted = list(dict.fromkeys(ids))
        self._known(wanted)
        return self._watch(wanted, None if timeout is None else self._monotonic() + timeout)

    def _watch(self, left: list[int], deadline: float | None) -> Iterator[WatchEvent]:
        seen: dict[int, Glance] = {}
        newest = dict.fromkeys(left, 0)
        rest = QUICKEST
        while left:
            found = {glance.id: glance for glance in self.queue.glances(left)}
            changed = [i for i in left if i not in found or i not in seen or found[i] != seen[i]]
            yield from self._happened(changed, newest)
            for job_id in changed:
                yield from _compared(job_id, seen.get(job_id), found.get(job_id))
            seen = found
            left = [i for i in left if i in found and not found[i].final]
            if left and deadline is not None and self._monotonic() >= deadline:
                raise TimeoutError(f"not ended: {plural(len(left), 'job')}")
            rest = QUICKEST if changed else min(SLOWEST, rest * GROWTH)
            if left:
                self._sleep(rest)

    def _happened(self, ids: list[int], newest: dict[int, int]) -> Iterator[WatchEvent]:
        """The history since the last look; read after the jobs themselves, so that it has the move of each status."""
        for event in self.queue.events_since({job_id: newest[job_id] for job_id in ids}) if ids else ():
            newest[event.job_id] = event.id
            yield _of_history(event)


def _of_history(event: Event) -> WatchEvent:
    if event.to_status is None:
        return Noted(event.job_id, event.at, event.kind, event.actor, event.detail)
    before = None if event.from_status is None else Status(event.from_status)
    status = Status(event.to_status)
    return StatusChanged(event.job_id, event.at, event.kind, before, status, event.actor, event.detail)


def _compared(job_id: int, before: Glance | None, now: Glance | None) -> Iterator[WatchEvent]:
    if now is None:
        yield Deleted(job_id)
    elif now.progress != (before.progress if before else Progress()):
        yield Progressed(job_id, now.progress)
