"""What the parts of a supervisor need of the queue, in memory: answers are planned, questions are recorded."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from jobctl.core.attempt import Claimed, Outcome, Token
from jobctl.core.lifecycle import Status
from jobctl.core.limits import Limit
from jobctl.postgres.claiming import Work
from jobctl.postgres.lease_rows import Beat, ClaimTarget, Request, Settled


def claimed(job_id: int, job_type: str = "a", *, queue: str = "default", priority: int = 2, **more: Any) -> Claimed:
    """A job under its first token."""
    when = datetime(2026, 1, 1, tzinfo=UTC)
    given = {"input_data": "{}", "metadata": "{}", "retry_count": 0, "max_retries": 3, "progress": "{}"} | more
    return Claimed(Token(job_id, 1, f"lease-{job_id}"), job_type, "", queue, priority, when, **given)


class FakeQueue:
    """``refuse``: the tokens whose outcomes can't be written, by job id, with the error; ``error``: what every call raises."""

    def __init__(self, ttl: float = 30.0) -> None:
        self.ttl = ttl
        self.jobs: list[Claimed] = []
        self.claims: list[tuple[list[ClaimTarget], int]] = []
        self.requested: dict[int, Request] = {}
        self.frozen: list[set[int]] = []
        self.lost: set[int] = set()
        self.locked: set[int] = set()
        self.beats: list[dict[int, Any]] = []
        self.draining = False
        self.error: Exception | None = None
        self.refuse: dict[int, Exception] = {}
        self.settled: list[Outcome] = []
        self.logged: list[tuple] = []
        self.limits: list[Limit] = []
        self.idle: frozenset[tuple[str, str]] = frozenset()
        self.counted: list[bool] = []

    def _fail(self) -> None:
        if self.error is not None:
            raise self.error

    def beat(
        self, worker: int, leases: Mapping[int, tuple[Token, Mapping[str, Any] | None]], *, frozen: Collection[int] = ()
    ) -> Beat:
        self._fail()
        self.frozen.append(set(frozen))
        self.beats.append({i: progress for i, (_, progress) in leases.items()})
        mine = [i for i in leases if i not in self.lost]
        return Beat(self.draining, {i: self.requested.get(i, Request()) for i in mine})

    def requests(self, worker: int, ids: Sequence[int]) -> dict[int, Request]:
        self._fail()
        return {i: self.requested[i] for i in ids if i in self.requested}

    def work(self) -> Work:
        return Work(sorted({job.queue for job in self.jobs}), self.limits, self.idle)

    def claim(
        self, worker: int, targets: Sequence[ClaimTarget], slots: int, *, limited: bool = False, **_: object
    ) -> list[Claimed]:
        self._fail()
        self.claims.append((list(targets), slots))
        self.counted.append(limited)
        taken, self.jobs = self.jobs[:slots], self.jobs[slots:]
        return taken

    def log(self, lines: Sequence[tuple]) -> list[tuple]:
        self._fail()
        self.logged += [line for line in lines if line[0] not in self.locked]
        return [line for line in lines if line[0] in self.locked]

    def settle(self, outcomes: Sequence[Outcome]) -> dict[int, Settled | None]:
        self._fail()
        for outcome in outcomes:
            if outcome.token.job_id in self.refuse and outcome.output is not None:
                raise self.refuse[outcome.token.job_id]
        self.settled += outcomes
        mine = [outcome.token.job_id for outcome in outcomes if outcome.token.job_id not in self.lost]
        return {i: None if i in self.locked else Settled(i, "a", Status.COMPLETED, None, awaited=False) for i in mine}
