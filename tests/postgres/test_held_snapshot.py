"""Claims while a session keeps an old snapshot: the index entries of all jobs that have run since stay where claims begin."""

from collections.abc import Iterator
from itertools import pairwise

import psycopg
import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending
from jobctl.postgres.connect import connect
from jobctl.postgres.leases import Leases
from jobctl.worker.config import WorkerConfig
from jobctl.worker.dispatch import Dispatcher
from jobctl.worker.looks import MAX_PAUSE
from tests.postgres.test_scale import buffers
from tests.postgres.test_time import at

ROUNDS, JOBS, SECONDS = 60, 60, 0.25
QUARTER = ROUNDS // 4
PAGE_S = 2e-4
"""Seconds that a page takes: the test's clock is driven by what is read, not by the machine."""


class Counting(Leases):
    """Counts the pages that its claims read: from a remembered position, and from the bottom with the look for queues."""

    def __init__(self, url: str) -> None:
        super().__init__(lambda: connect(url), actor="test")
        self.quick: list[int] = []
        self.full: list[int] = []

    @property
    def pages(self) -> int:
        """All of them."""
        return sum(self.quick) + sum(self.full)

    def _run(self, verb: str, **values: object) -> list[dict[str, object]]:
        if verb in {"claim", "ready_queues"}:
            with self.connection.transaction(force_rollback=True):
                pages = buffers(self.connection, verb, values)
            bottom = verb == "ready_queues" or (
                values["since"] is None and str(values["targets"]).count("-infinity") == 5
            )
            (self.full if bottom else self.quick).append(pages)
        return super()._run(verb, **values)


@pytest.fixture
def snapshot(conn: psycopg.Connection, database_url: str) -> Iterator[None]:
    """A transaction that was forgotten."""
    with psycopg.connect(database_url) as forgotten:
        forgotten.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        forgotten.execute("SELECT FROM jobctl.jobs")
        yield


@pytest.fixture
def counting(conn: psycopg.Connection, database_url: str) -> Iterator[Counting]:
    counting = Counting(database_url)
    counting.worker = counting.register(name="w", host="h", pid=1, version="0", capacity=9, job_types=["a"], queues=[])
    at(counting, 0.0)
    yield counting
    counting.close()


def dispatcher(queue: Counting) -> Dispatcher:
    return Dispatcher(WorkerConfig("w", "h", 1, "0", ("a",)), queue, timer=lambda: queue.pages * PAGE_S)


def drain(queue: Counting, dispatch: Dispatcher, now: float) -> None:
    """Claims and ends jobs until there is no reason to claim at once."""
    at(queue, now)
    while dispatch.claim_in(now) == 0.0:
        jobs = dispatch.claim(queue.worker, 100, now)
        queue.settle([Outcome(job.token, Ending.COMPLETED) for job in jobs])


def serve(queue: Counting, dispatch: Dispatcher) -> list[int]:
    """Submits and runs jobs in every round; the pages read in each."""
    read = [0]
    for n in range(ROUNDS):
        at(queue, n * SECONDS)
        queue.submit([NewJob("a", {}) for _ in range(JOBS)])
        dispatch.scan(hinted=True)
        drain(queue, dispatch, n * SECONDS)
        read.append(queue.pages)
    return [after - before for before, after in pairwise(read)]


def test_claims_do_not_grow_with_the_jobs_that_have_run_since(counting, snapshot, conn):
    read = serve(counting, dispatcher(counting))
    assert conn.execute("SELECT DISTINCT status FROM jobs").fetchall() == [("completed",)]
    assert sum(read[-QUARTER:]) <= 1.1 * sum(read[QUARTER : 2 * QUARTER])
    assert max(counting.quick[-QUARTER:]) <= 1.1 * max(counting.quick[QUARTER : 2 * QUARTER])


def test_a_job_that_comes_back_below_is_found_within_the_longest_pause(counting, snapshot):
    dispatch = dispatcher(counting)
    (old,) = counting.submit([NewJob("a", {})])
    counting.pause([old.id])
    serve(counting, dispatch)
    start = now = ROUNDS * SECONDS
    at(counting, now)
    counting.resume([old.id])
    dispatch.scan(hinted=True)
    while old.id not in {job.token.job_id for job in dispatch.ready}:
        assert now <= start + MAX_PAUSE
        drain(counting, dispatch, now)
        now += dispatch.claim_in(now)
