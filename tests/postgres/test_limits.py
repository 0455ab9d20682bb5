"""Limits across workers: never more at once than allowed, whatever happens; nothing waits for ever; what waits costs nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from jobctl.client import Client
from jobctl.core.attempt import Outcome
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending
from jobctl.core.limits import Limit
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from tests.postgres.test_scale import buffers
from tests.postgres.test_time import at

TYPES = ("a", "b")


def targets(*queues: str, served: dict[str, float] | None = None, weights: dict[str, int] | None = None):
    return [
        ClaimTarget(queue, kind, priority, served=(served or {}).get(queue, 0.0), weight=(weights or {}).get(queue, 1))
        for queue in queues or ("default",) for kind in TYPES for priority in range(5)
    ]  # fmt: skip


def take(queue, slots: int = 100, *queues: str, **more) -> list:
    return queue.claim(queue.worker, targets(*queues), slots, limited=True, **more)


def end(queue, *jobs) -> None:
    queue.settle([Outcome(job.token, Ending.COMPLETED) for job in jobs])


def submit(queue, count: int, **more) -> None:
    queue.submit([NewJob(more.pop("job_type", "a"), {}, **more) for _ in range(count)])


def test_no_more_jobs_of_a_queue_run_than_its_limit_allows(queue):
    submit(queue, 10)
    queue.set_limit(Limit("queue", "default", max_running=4))
    running = take(queue)
    assert len(running) == 4
    assert take(queue) == []
    end(queue, running[0], running[1])
    assert len(take(queue)) == 2


@pytest.mark.parametrize(("kind", "name"), [("queue", "default"), ("type", "a")])
def test_a_limit_that_a_worker_does_not_know_yet_holds(queue, kind, name):
    submit(queue, 2)
    queue.submit([NewJob("b", {}, queue="other")])
    queue.set_limit(Limit(kind, name, max_running=1))
    queue.set_limit(Limit("queue", "other", weight=3))
    free = queue.claim(queue.worker, targets("default", "other"), 9)
    assert [job.queue for job in free] == ["other"]


def test_limits_of_a_queue_and_a_type_hold_together(queue):
    for name in ("x", "y"):
        queue.submit([NewJob("a", {}, queue=name) for _ in range(5)] + [NewJob("b", {}, queue=name) for _ in range(5)])
    queue.set_limit(Limit("queue", "x", max_running=3))
    queue.set_limit(Limit("type", "a", max_running=4))
    taken: list = []
    while more := take(queue, 100, "x", "y"):
        taken += more
    kinds = [(job.queue, job.job_type) for job in taken]
    assert sum(where == "x" for where, _ in kinds) == 3
    assert sum(kind == "a" for _, kind in kinds) == 4
    assert kinds.count(("y", "b")) == 5


def test_what_is_full_does_not_keep_others_from_their_turn(queue):
    queue.submit([NewJob("a", {}, queue="x", priority=4) for _ in range(50)])
    queue.submit([NewJob("a", {}, queue="y", priority=0)])
    queue.set_limit(Limit("queue", "x", max_running=1))
    queue.set_limit(Limit("type", "a", max_running=2))
    assert [job.queue for job in [*take(queue, 1, "x", "y"), *take(queue, 1, "x", "y")]] == ["x", "y"]


@pytest.mark.parametrize("kind", ["queue", "type"])
def test_workers_that_claim_at_the_same_moment_never_exceed_a_limit(queue, database_url, conn, kind):
    submit(queue, 200)
    queue.set_limit(Limit(kind, "default" if kind == "queue" else "a", max_running=3))
    start = threading.Barrier(6)

    def work(_: int) -> int:
        own = Leases(lambda: connect(database_url), actor="test")
        own.worker = queue.worker
        most = 0
        start.wait()
        for _ in range(12):
            jobs = take(own, 5)
            most = max(
                most,
                own.connection.execute("SELECT count(*) FROM jobctl.jobs WHERE status = 'processing'").fetchone()[0],
            )
            end(own, *jobs)
        own.close()
        return most

    with ThreadPoolExecutor(6) as pool:
        most = list(pool.map(work, range(6)))
    assert max(most) <= 3
    assert conn.execute("SELECT count(*) FROM jobs WHERE status = 'completed'").fetchone()[0] > 3


def test_a_lost_worker_gives_back_its_part_of_a_limit(queue, conn):
    submit(queue, 2)
    queue.set_limit(Limit("queue", "default", max_running=1))
    (first,) = take(queue)
    assert take(queue) == []
    conn.execute("UPDATE jobs SET lease_expires_at = now() - interval '1 s' WHERE status = 'processing'")
    conn.execute("UPDATE server SET since = '-infinity'")
    lost = queue.rescue(gone=[queue.worker])
    assert [row.id for row in lost] == [first.token.job_id]
    assert len(take(queue)) == 1


def test_a_rate_allows_a_burst_and_then_one_after_the_other(queue):
    at(queue, -90_000)
    submit(queue, 20)
    queue.set_limit(Limit("queue", "default", rate=2.0))
    started = []
    for moment in (0, 0, 0.5, 3600, 3600, -3600, -3599):  # in the end the clock was set back
        at(queue, moment)
        started.append(len(take(queue)))
    assert started == [4, 0, 1, 4, 0, 4, 2]  # 4: two seconds of it


def test_of_two_sessions_the_second_counts_what_the_first_has_taken(queue, database_url):
    submit(queue, 4)
    queue.set_limit(Limit("queue", "default", rate=0.001))
    other = Leases(lambda: connect(database_url), actor="test")
    other.worker = queue.worker
    assert len(take(queue)) == 1
    assert take(other) == []
    other.close()


def test_a_limit_of_a_person_stays_and_one_of_the_code_goes_with_it(queue):
    queue.set_limit(Limit("type", "a", max_running=2))
    queue.declare_limits(["a", "b"], {"a": Limit("type", "a", max_running=9), "b": Limit("type", "b", rate=1.0)})
    assert [(one.name, one.max_running, one.rate, one.declared) for one in queue.limits()] == [
        ("a", 2, None, False), ("b", None, 1.0, True),
    ]  # fmt: skip
    queue.declare_limits(["b"], {"b": Limit("type", "b", rate=2.0)})
    assert queue.limits()[1].rate == 2.0
    queue.declare_limits(["a"], {})
    queue.declare_limits(["b"], {})
    assert [one.name for one in queue.limits()] == ["a"]
    assert queue.remove_limit("type", "a")
    assert not queue.remove_limit("type", "a")


def test_what_a_limit_holds_back_is_not_read_by_a_claim(queue, conn):
    queue.set_limit(Limit("queue", "default", max_running=1))
    pages = {}
    for count in (100, 20_000):
        conn.execute("INSERT INTO jobs (job_type) SELECT 'a' FROM generate_series(1, %s)", [count])
        conn.execute("VACUUM ANALYZE jobs")
        take(queue)
        pages[count] = buffers(conn, "limit_room", {"burst": 2.0})
        assert take(queue) == []
    assert pages[20_000] <= pages[100] + 10


def test_queues_take_turns_and_a_large_one_does_not_make_another_wait(queue):
    queue.submit([NewJob("a", {}, queue="x", priority=4) for _ in range(1500)])
    queue.submit([NewJob("a", {}, queue="y") for _ in range(3)])
    jobs = queue.claim(queue.worker, targets("x", "y"), 6)
    assert sorted(job.queue for job in jobs) == ["x", "x", "x", "y", "y", "y"]
    jobs = queue.claim(queue.worker, targets("x", "y", served={"x": 5.0}), 1)
    assert [job.queue for job in jobs] == ["x"]


def test_weights_share_a_claim(queue):
    for name in ("x", "y"):
        queue.submit([NewJob("a", {}, queue=name) for _ in range(20)])
    jobs = queue.claim(queue.worker, targets("x", "y", weights={"y": 3}), 8)
    assert [job.queue for job in jobs].count("y") == 6


def test_a_job_of_low_priority_comes_before_those_that_were_due_long_after_it(queue, conn):
    queue.submit([NewJob("a", {}, priority=0)])
    conn.execute("UPDATE jobs SET run_after = now() - interval '10 min'")
    queue.submit([NewJob("a", {}, priority=4) for _ in range(5)])
    first = queue.claim(queue.worker, targets(), 1, age=200)
    assert first[0].priority == 4  # four steps of 200 s are more than 10 min
    conn.execute("UPDATE jobs SET run_after = now() - interval '20 min' WHERE priority = 0")
    second = queue.claim(queue.worker, targets(), 1, age=200)
    assert second[0].priority == 0


def test_why_names_the_limit_that_a_job_waits_for(queue, conn):
    client = Client(queue, storage=lambda: None, load=lambda _: None)
    submit(queue, 2)
    queue.set_limit(Limit("queue", "default", max_running=1))
    (first,) = take(queue)
    waiting = ({1, 2} - {first.token.job_id}).pop()
    assert client.why(waiting) == [
        "The limit of queue 'default' is reached: 1 of 1 job running.", "jobctl queue limits",
    ]  # fmt: skip
    queue.set_limit(Limit("queue", "default", rate=1 / 3600))
    conn.execute("UPDATE limits SET tokens = 0, refilled_at = now()")
    sentence = client.why(waiting)[0]
    assert sentence.startswith("The limit of queue 'default' is reached: 1/h; the next job may start in 3")
    queue.remove_limit("queue", "default")
    assert client.why(waiting) == ["Due, waiting for a free worker."]


@pytest.mark.parametrize("values", ["0, NULL, NULL", "NULL, 0, NULL", "NULL, NULL, 0", "NULL, NULL, 1001"])
def test_the_table_refuses_what_is_no_limit(conn, values):
    with pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(f"INSERT INTO limits (kind, name, max_running, rate, weight) VALUES ('queue', 'q', {values})")


def test_a_worker_learns_which_limits_concern_a_claimable_job(queue):
    queue.submit([NewJob("a", {}, queue="x"), NewJob("b", {}, queue="y", delay=60)])
    for kind, name in (("queue", "x"), ("queue", "z"), ("type", "a"), ("type", "c")):
        queue.set_limit(Limit(kind, name, max_running=1))
    work = queue.work()
    assert (work.queues, work.idle) == (["x", "y"], {("queue", "z"), ("type", "c")})
    assert sorted((one.kind, one.name, one.max_running) for one in work.limits) == [
        ("queue", "x", 1), ("queue", "z", 1), ("type", "a", 1), ("type", "c", 1),
    ]  # fmt: skip
