"""How a worker takes jobs: what there is to take, and how many its limits allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from jobctl.core.attempt import Claimed
from jobctl.core.limits import Limit, Room
from jobctl.postgres.lease_rows import ClaimTarget, claimed_job
from jobctl.postgres.limits import Place
from jobctl.postgres.queue import Queue


@dataclass(frozen=True, slots=True)
class Work:
    """The queues that have claimable work, and what is set for queues and job types."""

    queues: list[str]
    limits: list[Limit]
    idle: frozenset[Place] = frozenset()
    """Places of limits that concern no claimable job."""


class Claiming(Queue):
    """Part of ``Leases``."""

    def work(self) -> Work:
        """What there is to take, in one statement."""
        rows = self._run("ready_queues")
        idle = {(row["kind"], row["name"]) for row in rows if not row.pop("concerns")}
        limits = [Limit(**row) for row in rows if row["kind"] != "ready"]
        return Work([row["name"] for row in rows if row["kind"] == "ready"], limits, frozenset(idle))

    def claim(
        self,
        worker: int,
        targets: Sequence[ClaimTarget],
        slots: int,
        *,
        only: Sequence[int] | None = None,
        age: float = 3600.0,
        limited: bool = False,
        since: float | None = None,
    ) -> list[Claimed]:
        """Takes up to ``slots`` due jobs under new tokens; ``only`` these and what they submitted.

        ``age``: seconds by which a job may be due later for each step of its priority, and still comes first. ``limited``:
        limits are set. Then what is free under them is counted in the transaction that takes the jobs; otherwise nothing
        is taken for which one is set. ``since``: only jobs that were due within so many seconds.
        """
        claim = partial(self._claim, worker, slots, only=only, age=age, since=since)
        if not limited:
            return claim(targets, counted=False)
        # without a lock first: workers that find nothing free do not wait for each other
        targets = _with_room(targets, self.rooms())
        if not targets:
            return []
        with self.transaction():
            self._lock_limits(_places(targets))
            rooms = self.rooms()
            targets = _with_room(targets, rooms)
            jobs = claim(targets, counted=True) if targets else []
            starts = Counter(place for job in jobs for place in (("queue", job.queue), ("type", job.job_type)))
            self._spend(Counter({place: n for place, n in starts.items() if place in rooms}))
        return jobs

    def _claim(
        self, worker: int, slots: int, targets: Sequence[ClaimTarget], *, only: Sequence[int] | None, age: float,
        since: float | None, counted: bool,
    ) -> list[Claimed]:  # fmt: skip
        rows = self._run(
            "claim", worker=worker, actor=self.actor, ttl=self.ttl, slots=slots, age=age, since=since, counted=counted,
            only=None if only is None else list(only), follows=[f"job:{job_id}" for job_id in only or ()], targets=msgspec.json.encode(targets).decode(),
        )  # fmt: skip
        return [claimed_job(row) for row in rows]


def _places(targets: Sequence[ClaimTarget]) -> set[Place]:
    """What limits may be set for."""
    return {place for target in targets for place in (("queue", target.queue), ("type", target.job_type))}


def _with_room(targets: Sequence[ClaimTarget], rooms: Mapping[Place, Room]) -> list[ClaimTarget]:
    """Those whose queue and type may start another job. What is held back is not looked at, however much it is."""
    free = {place: room.free for place, room in rooms.items()}
    found = (
        replace(t, queue_room=free.get(("queue", t.queue)), type_room=free.get(("type", t.job_type))) for t in targets
    )
    return [target for target in found if target.queue_room != 0 and target.type_room != 0]
