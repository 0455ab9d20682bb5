"""Time: leases of any length, a clock that was set back, and the seconds that a job ran."""

import json
import re
from datetime import timedelta

import psycopg
import pytest

from jobctl.client import Client, explain
from jobctl.core.attempt import Outcome, Record
from jobctl.core.errors import Transient
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.retry import failure
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from tests.postgres.test_queue import explain as buffers
from tests.postgres.test_queue import later

LANES = [ClaimTarget("default", "a", priority) for priority in range(5)]
RECORD = Record(1, "s", 0, True, "jobs/1/1-x/1-s-0", "0" * 64, 10, True)


@pytest.fixture
def leases(conn, database_url):
    """A registered worker with leases of a length of its own."""
    opened: list[Leases] = []

    def open_(ttl: float) -> Leases:
        queue = Leases(lambda: connect(database_url), ttl=ttl, actor="test")
        queue.worker = queue.register(name="w", host="h", pid=1, version="0", capacity=1, job_types=["a"], queues=[])
        opened.append(queue)
        return queue

    yield open_
    for queue in opened:
        queue.close()


def client(queue: Leases) -> Client:
    return Client(queue, storage=lambda: None, load=lambda _: None)


def at(queue: Leases, seconds: float) -> None:
    """Stops the session's clock so many seconds after a day to come."""
    queue.connection.execute(
        "SELECT set_config('jobctl.clock', ('2050-01-01T00:00Z'::timestamptz + make_interval(secs => %s))::text, false)",
        [seconds],
    )


def get(queue: Leases, job_id: int = 1):
    return queue.find(Filters(ids=(job_id,)), full=True)[0]


# -- leases of any length --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ttl", [2.0, 30.0, 120.0])
def test_every_threshold_is_a_share_of_the_workers_own_lease(leases, ttl):
    queue = leases(ttl)
    at(queue, 0)
    queue.beat(queue.worker, {})
    queue.submit([NewJob("a", {})])
    queue.claim(queue.worker, LANES, 1)
    for share, alive, silent in ((0.3, True, False), (0.36, False, False), (0.42, False, True), (0.99, False, True)):
        at(queue, share * ttl)
        seen = client(queue)
        assert get(queue).alive == alive
        assert bool(queue.find(Filters(stale=True))) == silent
        assert seen.count(Filters(stale=True)) == silent
        assert [w.silent for w in queue.workers()] == [silent]
        assert queue.health().alive == (not silent)
        assert any(f"another worker takes over after {ttl:g}s" in line for line in seen.why(1)) != alive
        assert queue.rescue() == []
    at(queue, ttl * 1.01)
    assert [row.id for row in queue.rescue()] == [1]


def test_a_rescue_goes_by_the_lease_of_the_worker_and_not_of_the_sweep(leases, queue):
    long = leases(120.0)
    long.submit([NewJob("a", {})])
    later(long, 1000)
    long.claim(long.worker, LANES, 1)
    later(queue, 1100)  # in the sense of the sweep's 30 s a lease that lies far ahead and then one that is over
    assert queue.rescue() == []
    later(queue, 1000)
    assert queue.rescue() == []
    later(queue, 1121)
    assert [row.id for row in queue.rescue()] == [1]


def test_a_silent_worker_serves_nobody(leases):
    queue = leases(30.0)
    queue.submit([NewJob("a", {})])
    assert client(queue).why(1) == ["Due, waiting for a free worker."]
    later(queue, 13)
    assert client(queue).why(1)[0] == "No worker is running."
    assert queue.health().unserved == ["a"]


@pytest.mark.parametrize(("lease", "age", "word"), [(120, 30, "alive"), (120, 50, "silent"), (2, 1.5, "silent")])
def test_worker_list_and_doctor_know_the_lease(cli, conn, lease, age, word):
    conn.execute(
        "INSERT INTO workers (name, host, pid, version, lease_s, heartbeat_at) "
        "VALUES ('w', 'h', 1, '0', %s, now() - make_interval(secs => %s))",
        [lease, age],
    )
    assert word in cli("worker", "list").out
    assert ("none alive" in cli("doctor").out) == (word == "silent")


# -- a clock that was set back ---------------------------------------------------------------------------------------


def test_what_was_submitted_for_now_is_due_though_the_clock_was_set_back(queue, claim):
    for _ in range(3):
        queue.submit([NewJob("a", {})])
    queue.submit([NewJob("a", {}, delay=7200)])
    later(queue, -3600)
    job = get(queue, 1)
    assert job.due_in == 0
    assert not any("not due" in line for line in client(queue).why(1))
    client(queue).sweep()
    assert [c.token.job_id for c in claim()] == [1, 2, 3]
    later(queue, 7201)
    assert [c.token.job_id for c in claim()] == [4]


def test_a_job_that_waits_for_a_key_is_let_through_though_the_clock_was_set_back(queue, claim):
    queue.submit([NewJob("a", {}, concurrency_key="k") for _ in range(2)])
    (first,) = claim()
    later(queue, -3600)
    queue.settle([Outcome(first.token, Ending.COMPLETED)])
    client(queue).sweep()
    assert [c.token.job_id for c in claim()] == [2]


def fail_transiently(queue, claim, retry_after: float) -> None:
    (job,) = claim()
    queue.settle([Outcome(job.token, Ending.FAILED, failure=failure(Transient("away")), retry_after=retry_after)])


@pytest.mark.parametrize("backoff", [5.0, 300.0])
@pytest.mark.parametrize("step", [10, 3600, 86_400])
def test_a_retry_waits_no_longer_than_its_backoff_though_the_clock_was_set_back(queue, claim, backoff, step):
    queue.submit([NewJob("a", {})])
    fail_transiently(queue, claim, backoff)
    later(queue, -step)
    for _ in range(2):  # a second look does not prolong it
        queue.make_due()
    later(queue, -step + backoff - 2)
    assert queue.requeue() == []
    later(queue, -step + backoff + 2)
    client(queue).sweep()
    assert [c.token.job_id for c in claim()] == [1]


def test_a_retry_of_a_steady_clock_is_not_moved(queue, claim, conn):
    queue.submit([NewJob("a", {})])
    fail_transiently(queue, claim, 300.0)
    before = get(queue).next_retry_at
    queue.make_due()
    later(queue, 100)
    queue.make_due()
    assert get(queue).next_retry_at == before


def test_a_delay_is_waited_for(queue, claim):
    queue.submit([NewJob("a", {}, delay=60)])
    assert queue.make_due() == 0
    assert get(queue).due_in > 50
    assert claim() == []


def test_to_look_for_what_is_due_costs_the_same_however_many_jobs_wait(queue, conn):
    from jobctl.postgres.session import statement

    def cost() -> int:
        with conn.transaction(force_rollback=True):
            plan = conn.execute(
                "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement("make_due"), {"limit": 10_000}
            ).fetchone()[0][0]["Plan"]
        return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]

    conn.execute("INSERT INTO jobs (job_type) SELECT 'a' FROM generate_series(1, 100)")
    conn.execute("VACUUM ANALYZE jobs")
    small = cost()
    conn.execute("INSERT INTO jobs (job_type) SELECT 'a' FROM generate_series(1, 10000)")
    conn.execute(
        "INSERT INTO jobs (job_type, run_after) SELECT 'a', now() + interval '1 day' FROM generate_series(1, 10000)"
    )
    conn.execute("VACUUM ANALYZE jobs")
    assert cost() <= small + 10
    assert buffers(queue, conn, ["a"]) < 400


def test_a_lease_from_before_the_clock_was_set_back_is_void_and_charged_to_nobody(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    later(queue, -3600)
    assert not get(queue).alive
    assert queue.count(Filters(stale=True)) == 1
    assert [w.silent for w in queue.workers()] == [True]
    assert queue.health().alive == 0
    assert any("set back" in line for line in client(queue).why(1))
    assert [(row.id, row.status) for row in queue.rescue()] == [(1, "pending")]
    assert get(queue).crash_count == 0
    assert queue.events([1])[-1].detail["reason"] == "the clock was set back"
    assert queue.settle([Outcome(token, Ending.COMPLETED)]) == {}, "the token decides who may write"


def test_a_worker_that_lives_renews_its_lease_after_the_clock_was_set_back(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    later(queue, -3600)
    assert token.job_id in queue.beat(queue.worker, {token.job_id: (token, None)}).requests
    assert queue.rescue() == []
    assert get(queue).alive
    assert queue.health().alive == 1


def test_a_clock_that_is_adjusted_by_less_than_a_lease_costs_nothing(queue, claim):
    queue.submit([NewJob("a", {})])
    claim()
    later(queue, -0.5)
    assert get(queue).alive
    later(queue, -20)
    assert queue.rescue() == []


def test_rescue_goes_on_though_the_clock_lies_before_the_start_of_the_server(queue, claim):
    queue.submit([NewJob("a", {})])
    later(queue, -7200)
    client(queue).sweep()
    claim()
    later(queue, -7200 + 31)
    assert [row.id for row in queue.rescue()] == [1]


def test_doctor_calls_a_clock_that_was_set_back_bad(cli, queue, conn):
    queue.submit([NewJob("a", {})])
    assert "BAD" not in cli("doctor").out
    conn.execute("UPDATE jobs SET run_after = now() + interval '1 hour', created_at = now() + interval '1 hour'")
    found = cli("doctor")
    assert found.code == 5
    assert re.search(r"^BAD +clock +the database's clock was set back", found.out, re.MULTILINE)
    assert "due in" not in cli("list").out
    assert json.loads(cli("show", 1, "--json").out)["wait_s"] == 0


# -- the time that a job ran -----------------------------------------------------------------------------------------


def attempt(queue: Leases, start: float, seconds: float, ending: Ending, **more) -> None:
    """Claims at ``start`` and ends after ``seconds``, with the beats of a worker."""
    later(queue, start)
    (job,) = queue.claim(queue.worker, LANES, 1)
    for beat in range(0, int(seconds), 20):
        later(queue, start + beat)
        queue.beat(queue.worker, {job.token.job_id: (job.token, None)})
    later(queue, start + seconds)
    queue.settle([Outcome(job.token, ending, **more)])


def test_time_running_is_the_sum_of_the_attempts(queue):
    queue.submit([NewJob("a", {})])
    slow = {"failure": failure(TimeoutError("slow")), "retry_after": 60.0}
    attempt(queue, 0, 10, Ending.FAILED, **slow)
    assert get(queue).run_s == pytest.approx(10, abs=1)
    later(queue, 7200)
    queue.requeue()
    attempt(queue, 7300, 20, Ending.RELEASED)
    attempt(queue, 9000, 30, Ending.COMPLETED)
    assert get(queue).run_s == pytest.approx(60, abs=1)
    stats = client(queue).stats()
    assert stats.by_type[0].run_s[0] == pytest.approx(60, abs=1)
    assert [(bar.position, bar.jobs) for bar in stats.buckets if bar.histogram == "run"] in ([(3, 1)], [(4, 1)])


def test_the_running_attempt_counts_so_far_and_a_lost_one_up_to_its_last_beat(queue):
    queue.submit([NewJob("a", {})])
    (job,) = queue.claim(queue.worker, LANES, 1)
    later(queue, 12)
    assert get(queue).run_s == pytest.approx(12, abs=1)
    queue.beat(queue.worker, {1: (job.token, None)})
    later(queue, 4000)
    assert get(queue).run_s == pytest.approx(42, abs=1), "no longer than its lease"
    queue.rescue()
    assert get(queue).run_s == pytest.approx(12, abs=1)


def test_the_time_up_to_a_pause_counts_and_the_time_in_it_does_not(queue):
    queue.submit([NewJob("a", {})])
    (job,) = queue.claim(queue.worker, LANES, 1)
    queue.pause([1])
    later(queue, 8)
    assert queue.commit_stage(job.token, RECORD)[0] is Status.PAUSED
    later(queue, 9000)
    assert get(queue).run_s == pytest.approx(8, abs=1)
    queue.resume([1])
    attempt(queue, 9001, 5, Ending.COMPLETED)
    assert get(queue).run_s == pytest.approx(13, abs=1)
    queue.restart([1])
    assert get(queue).run_s is None
    assert queue.connection.execute("SELECT run_s FROM jobctl.jobs").fetchone() == (0,)


def test_show_and_stats_say_the_time_that_a_job_ran(cli, conn, queue):
    queue.submit([NewJob("a", {})])
    attempt(queue, 0, 10, Ending.FAILED, failure=failure(ValueError("no")))
    conn.execute("UPDATE jobs SET completed_at = completed_at + interval '5 hours'")
    assert json.loads(cli("show", 1, "--json").out)["run_s"] == pytest.approx(10, abs=1)


# -- errors that stay, pauses that are kept --------------------------------------------------------------------------


def test_a_cancel_of_a_failed_job_keeps_its_error(cli, queue, claim):
    queue.submit([NewJob("a", {})])
    queue.settle([Outcome(claim()[0].token, Ending.FAILED, failure=failure(ValueError("the page is torn")))])
    said = get(queue).error_message
    queue.cancel([1])
    assert get(queue).error_message == said
    assert said in cli("show", 1).out
    assert json.loads(cli("show", 1, "--json").out)["error"]["raw"].startswith("ValueError: the page is torn")


@pytest.mark.parametrize("retries", [1, 0])
def test_a_standing_pause_is_kept_when_the_attempt_fails_and_would_be_retried(cli, queue, claim, retries):
    queue.submit([NewJob("a", {}, max_retries=retries)])
    token = claim()[0].token
    queue.pause([1])
    queue.settle([Outcome(token, Ending.FAILED, failure=failure(TimeoutError("slow")), retry_after=1.0)])
    job = get(queue)
    assert (job.status, job.retry_count) == ((Status.PAUSED, 1) if retries else (Status.FAILED, 0))
    assert job.error_type == "transient"
    assert job.error_message in cli("show", 1).out
    later(queue, 60)
    client(queue).sweep()
    assert claim() == []
    if retries:
        queue.resume([1])
        again = claim()[0].token
        queue.settle([Outcome(again, Ending.FAILED, failure=failure(TimeoutError("slow")), retry_after=1.0)])
        assert get(queue).next_retry_at is None, "the retry that the pause replaced was charged"
        assert client(queue).stats().failures[0].failures == 2


def test_a_failure_that_no_retry_can_help_ends_a_job_whatever_pause_stands(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.pause([1])
    queue.settle([Outcome(token, Ending.FAILED, failure=failure(FileNotFoundError("gone")), retry_after=1.0)])
    assert get(queue).status is Status.FAILED


def test_a_beat_without_progress_leaves_the_progress(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.beat(queue.worker, {1: (token, Progress(40.0, details="half of it"))})
    queue.beat(queue.worker, {1: (token, None)})
    assert (get(queue).progress.percent, get(queue).progress.details) == (40.0, "half of it")


def test_forgotten_checkpoints_are_gone(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    for seq in (1, 2, 3):
        queue.commit_stage(token, Record(seq, f"s{seq}", 0, True, f"p{seq}", "0" * 64, 1, True))
    queue.commit_stage(token, Record(4, "s4", 0, True, "p4", "0" * 64, 1, True), forget=[2, 3])
    assert [row.seq for row in queue.checkpoints([1])] == [1, 4]
    queue.pause([1])
    queue.settle([Outcome(token, Ending.RELEASED)])
    queue.resume([1], from_start=True)
    assert queue.checkpoints([1]) == []
    queue.commit_stage(claim()[0].token, RECORD)
    queue.cancel([1])
    queue.settle([Outcome(claim_token(queue), Ending.CANCELLED)])
    queue.restart([1])
    assert queue.checkpoints([1]) == []


def claim_token(queue: Leases):
    from jobctl.core.attempt import Token

    row = queue.connection.execute(
        "SELECT id, lease_seq, lease_id::text FROM jobctl.jobs WHERE lease_id IS NOT NULL"
    ).fetchone()
    return Token(*row)


# -- old rows --------------------------------------------------------------------------------------------------------


def test_the_migration_counts_the_attempts_of_old_rows(conn, queue, database_url):
    from jobctl.postgres import migrate

    queue.submit([NewJob("a", {}), NewJob("a", {})])
    first, second = queue.claim(queue.worker, LANES, 2)
    queue.settle([Outcome(first.token, Ending.RELEASED), Outcome(second.token, Ending.COMPLETED)])
    again = queue.claim(queue.worker, LANES, 1)[0]
    queue.settle([Outcome(again.token, Ending.COMPLETED)])
    queue.close()
    conn.execute("SET session_replication_role = replica")
    for number, minutes in ((1, 0), (2, 2), (3, 60), (4, 61)):  # claim, release, claim, complete
        conn.execute(
            "UPDATE events SET at = '2026-01-01T00:00Z'::timestamptz + make_interval(mins => %s) WHERE id = "
            "(SELECT id FROM events WHERE job_id = 1 AND to_status IS NOT NULL AND kind <> 'submit' ORDER BY id OFFSET %s LIMIT 1)",
            [minutes, number - 1],
        )
    conn.execute("DELETE FROM events WHERE job_id = 2")
    conn.execute("UPDATE jobs SET started_at = completed_at - interval '7 seconds' WHERE id = 2")
    conn.execute("SET session_replication_role = origin")
    migrate.downgrade(database_url, "0002", force=True)
    migrate.upgrade(database_url, force=True)
    rows = conn.execute("SELECT run_s FROM jobs ORDER BY id").fetchall()
    assert [row[0] for row in rows] == [pytest.approx(180), pytest.approx(7)]


def test_explain_needs_no_worker_row(queue, claim):
    queue.submit([NewJob("a", {})])
    claim()
    queue.connection.execute("DELETE FROM jobctl.workers")
    later(queue, 15)
    assert any("after 30s" in line for line in explain(get(queue), [], [], []))
    assert get(queue).now - get(queue).created_at >= timedelta(seconds=14)
    with pytest.raises(psycopg.Error):
        queue.connection.execute("SELECT jobctl.silent('x')")
