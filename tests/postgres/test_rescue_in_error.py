"""Rescues that were no crash: of a worker that is alive after all, and on a server that took the place of another."""

import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending


def at(queue, seconds: float) -> None:
    queue.connection.execute(
        "SELECT set_config('jobctl.clock', (clock_timestamp() + make_interval(secs => %s))::text, false)", [seconds]
    )


def lose(queue, claim, times: int = 1) -> list[tuple[int, int]]:
    """Claims the only job and lets a sweep take it, so many times; returns the attempts."""
    attempts = []
    for n in range(times):
        at(queue, 100 * n)
        (job,) = claim()
        attempts.append((job.token.job_id, job.token.lease_seq))
        at(queue, 100 * n + 31)
        assert len(queue.rescue()) == 1
    return attempts


def only(queue):
    (job,) = queue.find(Filters())
    return job


def kinds(queue) -> list[str]:
    return [event.kind for event in queue.events([1])]


def test_a_rescue_is_uncharged_when_its_worker_is_seen_alive(queue, claim):
    queue.submit([NewJob("a", {})])
    attempt = lose(queue, claim, 2)[1]
    assert only(queue).crash_count == 2
    assert queue.uncharge(queue.worker, [attempt]) == set()
    assert (only(queue).status, only(queue).crash_count) == ("pending", 1)
    event = queue.events([1])[-1]
    assert (event.kind, event.from_status, event.to_status, event.lease_seq) == ("uncharge", None, None, attempt[1])
    assert queue.uncharge(queue.worker, [attempt]) == set()
    assert (only(queue).crash_count, kinds(queue).count("uncharge")) == (1, 1), "once an attempt"


def test_the_charge_of_an_attempt_is_taken_back_though_the_next_one_runs_or_has_ended(queue, claim):
    queue.submit([NewJob("a", {})])
    (attempt,) = lose(queue, claim)
    (job,) = claim()
    queue.uncharge(queue.worker, [attempt])
    assert (only(queue).status, only(queue).crash_count) == ("processing", 0)
    assert queue.settle([Outcome(job.token, Ending.COMPLETED)])[1].status == "completed"


def test_a_job_that_was_abandoned_for_workers_that_were_alive_waits_again(queue, claim):
    queue.submit([NewJob("a", {})])
    attempts = lose(queue, claim, 3)
    assert only(queue).status == "failed"
    queue.uncharge(queue.worker, attempts[2:])
    job = only(queue)
    assert (job.status, job.crash_count, job.error_message, job.retry_count) == ("pending", 2, None, 0)
    queue.uncharge(queue.worker, attempts)
    assert only(queue).crash_count == 0
    assert len(claim()) == 1


def test_a_job_is_not_made_unfinished_beside_another_of_its_idempotency_key(queue, claim):
    queue.submit([NewJob("a", {}, key="k")])
    attempts = lose(queue, claim, 3)
    assert queue.submit([NewJob("b", {}, key="k")])[0].created
    queue.uncharge(queue.worker, attempts[2:])
    job = next(job for job in queue.find(Filters()) if job.id == 1)
    assert (job.status, job.crash_count) == ("failed", 2)


@pytest.mark.parametrize("what", ["another worker", "another attempt", "a child that crashed", "a retry since"])
def test_other_charges_stay(queue, claim, what):
    queue.submit([NewJob("a", {})])
    if what == "a child that crashed":
        (job,) = claim()
        queue.settle([Outcome(job.token, Ending.CRASHED)])
        attempt = (job.token.job_id, job.token.lease_seq)
    else:
        attempts = lose(queue, claim, 3 if what == "a retry since" else 1)
        attempt = attempts[0]
    worker = queue.worker
    match what:
        case "another worker":
            worker += 1
        case "another attempt":
            attempt = (attempt[0], attempt[1] + 1)
        case "a retry since":
            queue.retry([1])
            at(queue, 500)
            claim()
            at(queue, 531)
            queue.rescue()
    before = only(queue).crash_count
    assert before == 1
    queue.uncharge(worker, [attempt])
    assert only(queue).crash_count == before


def test_a_row_that_is_locked_is_named_and_not_waited_for(queue, claim, conn):
    queue.submit([NewJob("a", {})])
    (attempt,) = lose(queue, claim)
    with conn.transaction():
        conn.execute("SELECT FROM jobs WHERE id = 1 FOR UPDATE")
        assert queue.uncharge(queue.worker, [attempt]) == {attempt}
    assert queue.uncharge(queue.worker, [attempt]) == set()
    assert only(queue).crash_count == 0


def test_a_worker_never_takes_back_the_jobs_that_it_holds(queue, claim):
    queue.submit([NewJob("a", {}), NewJob("b", {})])
    claim()
    claim()
    at(queue, 31)
    assert [row.id for row in queue.rescue(held=[1])] == [2]


def test_the_jobs_of_a_worker_that_has_ended_are_taken_back_at_once(queue, claim):
    queue.submit([NewJob("a", {})])
    claim()
    assert queue.rescue(gone=[queue.worker + 1]) == []
    assert [(row.id, row.status) for row in queue.rescue(gone=[queue.worker])] == [(1, "pending")]
    event = queue.events([1])[-1]
    assert (event.kind, event.detail["reason"], event.detail["crash_count"]) == (
        "rescue", "the process of its worker has ended", 1
    )  # fmt: skip
    assert queue.uncharge(queue.worker, [(1, 1)]) == set()
    assert only(queue).crash_count == 1, "a process that has ended is not seen alive"


def test_a_server_that_was_promoted_is_nobodys_crash(queue, claim, conn):
    """The row that the standby has is that of the server before it."""
    queue.submit([NewJob("a", {})])
    assert queue.rescue() == []
    first = conn.execute("SELECT system_id, timeline, since FROM server").fetchone()
    claim()
    conn.execute("UPDATE server SET timeline = '00000000', since = '-infinity'")
    at(queue, 31)
    assert queue.rescue() == [], "the first sweep finds another server"
    at(queue, 60)
    assert queue.rescue() == [], "its workers have one lease to come back"
    assert conn.execute("SELECT system_id, timeline FROM server").fetchone() == first[:2]
    at(queue, 62)
    assert [row.id for row in queue.rescue()] == [1]


def test_a_server_that_does_not_say_which_it_is_is_no_obstacle(queue, claim, conn):
    body = conn.execute("SELECT pg_get_functiondef('jobctl.server_identity()'::regprocedure)").fetchone()[0]
    conn.execute(body.replace("pg_control_system()", "no_such_function()"))
    try:
        queue.submit([NewJob("a", {})])
        claim()
        at(queue, 31)
        assert [row.id for row in queue.rescue()] == [1]
        assert conn.execute("SELECT count(*) FROM server").fetchone() == (0,)
    finally:
        conn.execute(body)
