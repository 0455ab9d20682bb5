"""The queue on a real server: every move, the fence, the sweeps."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import psycopg
import pytest

from jobctl.client import Client, Swept
from jobctl.core.attempt import Outcome, Record, Token
from jobctl.core.errors import LeaseLost
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import MOVES, PAIRS, Ending, Status
from jobctl.core.retry import failure
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from jobctl.postgres.session import statement

RECORD = Record(1, "s", 0, True, "jobs/1/1-x/1-s-0", "0" * 64, 10, True)


def status(queue: Leases, job_id: int) -> str:
    return str(queue.find(Filters(ids=(job_id,)))[0].status)


def put(conn: psycopg.Connection, state: str) -> int:
    """A job in a status, past the trigger: as a test may."""
    lease = "gen_random_uuid()" if state == "processing" else "NULL"
    return conn.execute(
        f"INSERT INTO jobs (job_type, status, lease_id) VALUES ('a', %s, {lease}) RETURNING id", [state]
    ).fetchone()[0]


@pytest.mark.parametrize("source", list(Status))
@pytest.mark.parametrize("target", list(Status))
def test_the_database_refuses_every_move_that_is_not_in_the_table(conn, source, target):
    job_id = put(conn, source)
    lease = "gen_random_uuid()" if target == "processing" else "NULL"

    def move() -> None:
        conn.execute(f"UPDATE jobs SET status = %s, lease_id = {lease} WHERE id = %s", [target, job_id])

    if source == target or (source, target) in PAIRS:
        move()
    else:
        with pytest.raises(psycopg.errors.CheckViolation, match="cannot go from"):
            move()


@pytest.mark.parametrize("state", list(Status))
def test_only_ended_jobs_can_be_deleted_even_with_psql(conn, state):
    job_id = put(conn, state)
    deletable = next(m for m in MOVES if m.name == "delete").sources
    if state in deletable:
        conn.execute("DELETE FROM jobs WHERE id = %s", [job_id])
    else:
        with pytest.raises(psycopg.errors.CheckViolation, match="cannot be deleted"):
            conn.execute("DELETE FROM jobs WHERE id = %s", [job_id])


def test_events_cannot_be_rewritten(queue, conn):
    queue.submit([NewJob("a", {})])
    with pytest.raises(psycopg.errors.CheckViolation, match="append-only"):
        conn.execute("UPDATE events SET kind = 'x'")


def test_ids_are_in_the_order_given_and_a_key_is_unique_among_unfinished_jobs(queue, claim):
    first = queue.submit([NewJob("a", {"n": n}, key="k" if n in (1, 3) else None) for n in range(5)])
    assert [s.created for s in first] == [True, True, True, False, True]
    assert first[3].id == first[1].id
    assert sorted({s.id for s in first}) == [s.id for s in first if s.created]
    jobs = {c.token.job_id: c for c in claim()}
    queue.settle([Outcome(jobs[first[1].id].token, "completed")])
    assert queue.submit([NewJob("a", {}, key="k")])[0].created


def test_a_race_for_a_key_gives_both_the_same_job_and_creates_nothing_twice(queue, conn, database_url, eventually):
    other = Leases(lambda: connect(database_url))
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with ThreadPoolExecutor(1) as pool:
        with queue.transaction():
            first = queue.submit([NewJob("a", {}, key="k")])[0].id
            racing = pool.submit(other.submit, [NewJob("a", {}), NewJob("a", {}, key="k"), NewJob("b", {})])
            eventually(lambda: conn.execute(waits).fetchone() == (1,))
        answers = racing.result(timeout=20)
    other.close()
    assert [answer.created for answer in answers] == [True, False, True]
    assert answers[1].id == first
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (3,)


def test_claims_go_by_priority_then_due_time_then_id(queue, claim):
    low, normal, high = (queue.submit([NewJob("a", {}, priority=p)])[0].id for p in (1, 2, 3))
    later = queue.submit([NewJob("a", {}, priority=4, delay=60)])[0].id
    assert [c.token.job_id for c in claim(2)] == [high, normal]
    assert [c.token.job_id for c in claim(9)] == [low]
    assert status(queue, later) == "pending"


def test_a_claim_gives_a_new_token_and_starts_only_once(queue, claim):
    queue.submit([NewJob("a", {})])
    first = claim()[0]
    started = queue.find(Filters())[0].started_at
    queue.settle([Outcome(first.token, "released")])
    second = claim()[0]
    assert second.token.lease_seq == first.token.lease_seq + 1
    assert second.token.lease_id != first.token.lease_id
    assert queue.find(Filters())[0].started_at == started


WRITES: dict[str, Callable[[Leases, Token], object]] = {
    "beat": lambda q, t: q.beat(q.worker, {t.job_id: (t, Progress(99.0))}).requests.get(t.job_id),
    "settle": lambda q, t: q.settle([Outcome(t, "completed", '{"stale": true}')]),
    "fail": lambda q, t: q.settle([Outcome(t, "failed", failure=failure(ValueError("stale")))]),
    "release": lambda q, t: q.settle([Outcome(t, "released")]),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("half", ["lease_seq", "lease_id", "both"])
def test_a_stale_token_writes_nothing_anywhere(queue, claim, conn, write, half):
    queue.submit([NewJob("a", {})])
    old = claim()[0].token
    queue.settle([Outcome(old, "released")])
    new = claim()[0].token
    stale = Token(
        new.job_id,
        old.lease_seq if half != "lease_id" else new.lease_seq,
        old.lease_id if half != "lease_seq" else new.lease_id,
    )
    before = (
        conn.execute("SELECT to_jsonb(j) FROM jobs j").fetchall(),
        conn.execute("SELECT count(*) FROM events").fetchone(),
    )
    assert not WRITES[write](queue, stale)
    with pytest.raises(LeaseLost):
        queue.commit_stage(stale, RECORD, work=lambda c: c.execute("DELETE FROM jobctl.workers"))
    after = (
        conn.execute("SELECT to_jsonb(j) FROM jobs j").fetchall(),
        conn.execute("SELECT count(*) FROM events").fetchone(),
    )
    assert before == after
    assert conn.execute("SELECT count(*) FROM checkpoints").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM workers").fetchone() == (1,)


def test_a_stage_commits_its_checkpoint_its_writes_and_its_follow_up_as_one(queue, claim, conn):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token

    def broken(connection) -> None:
        connection.execute("DELETE FROM jobctl.workers")
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        queue.commit_stage(token, RECORD, follow_up=[NewJob("b", {})], work=broken)
    assert conn.execute("SELECT count(*) FROM checkpoints").fetchone() == (0,)
    assert conn.execute("SELECT count(*) FROM workers").fetchone() == (1,)
    queue.commit_stage(token, RECORD, follow_up=[NewJob("b", {})])
    assert conn.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)
    assert [j.job_type for j in queue.find(Filters())] == ["b", "a"]


def test_a_pause_is_obeyed_only_with_a_pause_safe_checkpoint(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    assert queue.pause([token.job_id])[0].outcome == "requested"
    unsafe = Record(1, "s", 0, True, "p", "0" * 64, 1, False)
    assert queue.commit_stage(token, unsafe)[0] is Status.PROCESSING
    safe = Record(2, "t", 0, True, "q", "0" * 64, 1, True)
    assert queue.commit_stage(token, safe)[0] is Status.PAUSED
    job = queue.find(Filters())[0]
    assert (job.checkpoint_stage, job.pause_requested_at) == ("t", None)
    assert queue.beat(queue.worker, {token.job_id: (token, None)}).requests == {}


def test_cancel_wins_over_complete_and_complete_wins_over_pause(queue, claim):
    queue.submit([NewJob("a", {}), NewJob("a", {})])
    one, two = (c.token for c in claim())
    queue.cancel([one.job_id])
    queue.pause([two.job_id])
    queue.settle([Outcome(one, "completed", '{"x": 1}'), Outcome(two, "completed", '{"x": 1}')])
    assert (status(queue, one.job_id), status(queue, two.job_id)) == ("cancelled", "completed")


def test_a_withdrawn_pause_is_no_pause(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.pause([token.job_id])
    assert queue.resume([token.job_id])[0].outcome == "done"
    assert queue.commit_stage(token, RECORD)[0] is Status.PROCESSING
    assert queue.find(Filters())[0].resume_count == 0


def test_transient_failures_are_requeued_when_due_and_only_then(queue, claim, conn):
    queue.submit([NewJob("a", {}, max_retries=1)])
    token = claim()[0].token
    queue.settle([Outcome(token, "failed", failure=failure(TimeoutError("slow")), retry_after=60.0)])
    assert queue.requeue() == []
    queue.connection.execute("SELECT set_config('jobctl.clock', (now() + interval '61 seconds')::text, false)")
    assert [r.id for r in queue.requeue()] == [token.job_id]
    again = claim()[0].token
    queue.settle([Outcome(again, "failed", failure=failure(TimeoutError("slow")), retry_after=0.0)])
    assert queue.find(Filters())[0].next_retry_at is None
    assert queue.retry([token.job_id])[0].outcome == "refused"
    assert queue.restart([token.job_id])[0].outcome == "done"
    assert queue.find(Filters())[0].retry_count == 0


@pytest.mark.parametrize("kind", ["invalid", "paywall", "permanent"])
def test_other_failures_are_never_retried_by_themselves(queue, claim, kind):
    queue.submit([NewJob("a", {})])
    problem = failure(
        {"invalid": FileNotFoundError("x"), "paywall": RuntimeError("quota exceeded")}.get(kind, RuntimeError("x"))
    )
    assert problem.kind == kind
    queue.settle([Outcome(claim()[0].token, "failed", failure=problem, retry_after=0.0)])
    assert queue.requeue() == []
    assert queue.find(Filters())[0].next_retry_at is None


def later(queue: Leases, seconds: float) -> None:
    queue.connection.execute(
        "SELECT set_config('jobctl.clock', (clock_timestamp() + make_interval(secs => %s))::text, false)", [seconds]
    )


def test_a_lost_lease_is_rescued_three_times_and_then_abandoned(queue, claim):
    queue.submit([NewJob("a", {})])
    for round_ in range(3):
        later(queue, 100 * round_)
        claim()
        assert queue.rescue() == []
        later(queue, 100 * round_ + 31)
        assert len(queue.rescue()) == 1
    job = queue.find(Filters())[0]
    assert (job.status, job.crash_count, job.retry_count) == ("failed", 3, 0)
    assert "lost 3 times" in job.error_message
    assert queue.events([job.id])[-1].kind == "abandon"


@pytest.mark.parametrize(("verb", "end"), [("pause", "paused"), ("cancel", "cancelled")])
def test_a_rescue_obeys_a_standing_request(queue, claim, verb, end):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    getattr(queue, verb)([token.job_id])
    later(queue, 31)
    queue.rescue()
    assert status(queue, token.job_id) == end


def test_a_server_that_just_started_is_nobodys_crash(queue, claim, conn):
    queue.submit([NewJob("a", {})])
    claim()
    conn.execute("UPDATE jobs SET lease_expires_at = pg_postmaster_start_time() + interval '1 second'")
    queue.connection.execute(
        "SELECT set_config('jobctl.clock', (pg_postmaster_start_time() + interval '29 seconds')::text, false)"
    )
    assert queue.rescue() == []
    queue.connection.execute(
        "SELECT set_config('jobctl.clock', (pg_postmaster_start_time() + interval '31 seconds')::text, false)"
    )
    assert len(queue.rescue()) == 1


def test_twenty_sweeps_at_once_move_each_job_exactly_once(queue, conn, database_url):
    """What is due, what is lost, and the keys that both wait for."""
    conn.execute(
        "INSERT INTO jobs (job_type, status, error_type, next_retry_at, concurrency_key) "
        "SELECT 'a', 'failed', 'transient', now(), 'k' || n % 7 FROM generate_series(1, 300) n"
    )
    conn.execute(
        "INSERT INTO jobs (job_type, status, lease_seq, lease_id, lease_expires_at, concurrency_key) "
        "SELECT 'a', 'processing', 1, gen_random_uuid(), now(), 'r' || n FROM generate_series(1, 100) n"
    )
    barrier = threading.Barrier(20)

    def sweep(_: int) -> Swept:
        own = Leases(lambda: connect(database_url), ttl=0.0)
        own.work()
        barrier.wait()
        try:
            return Client(own, storage=lambda: None, load=lambda _: None).sweep()
        finally:
            own.close()

    with ThreadPoolExecutor(20) as pool:
        swept = list(pool.map(sweep, range(20)))
    assert sorted(job for one in swept for job in one.requeued) == list(range(1, 301))
    assert sorted(job for one in swept for job in one.rescued) == list(range(301, 401))
    for kind, count in (("requeue", 300), ("rescue", 100)):
        assert conn.execute("SELECT count(*) FROM events WHERE kind = %s", [kind]).fetchone() == (count,)
    assert conn.execute("SELECT count(*) FROM jobs WHERE waiting_on IS NULL").fetchone() == (107,), "one a key"


def test_jobs_of_one_key_never_run_at_once(queue, claim):
    ids = [s.id for s in queue.submit([NewJob("a", {}, concurrency_key="doc") for _ in range(3)])]
    first = claim()
    assert [c.token.job_id for c in first] == ids[:1]
    assert claim() == []
    queue.settle([Outcome(first[0].token, "completed")])
    assert [c.token.job_id for c in claim()] == ids[1:2]


def test_a_held_job_passes_its_turn_to_the_next_of_its_key(queue, claim):
    ids = [s.id for s in queue.submit([NewJob("a", {}, concurrency_key="doc") for _ in range(2)])]
    queue.pause([ids[0]])
    assert [c.token.job_id for c in claim()] == ids[1:]


def test_a_job_waits_for_what_it_depends_on(queue, claim):
    one = queue.submit([NewJob("a", {})])[0].id
    two = queue.submit([NewJob("a", {}, after=(one,))])[0].id
    first = claim()
    assert [c.token.job_id for c in first] == [one]
    assert queue.find(Filters(ids=(two,)))[0].waiting_on == "dependency"
    queue.settle([Outcome(first[0].token, "completed")])
    assert [c.token.job_id for c in claim()] == [two]


@pytest.mark.parametrize(("kind", "name"), [("queue", "default"), ("type", "a")])
def test_a_held_queue_or_type_hands_nothing_out(queue, claim, kind, name):
    before = queue.submit([NewJob("a", {})])[0].id
    assert queue.pause_queue(kind, name).changed
    after = queue.submit([NewJob("a", {})])[0].id
    assert claim() == []
    assert {j.waiting_on for j in queue.find(Filters())} == {kind}
    assert queue.resume_queue(kind, name).jobs == 2
    assert [c.token.job_id for c in claim()] == [before, after]


def test_every_change_of_status_is_in_the_history(queue, claim):
    queue.submit([NewJob("a", {})])
    queue.pause([1])
    queue.resume([1])
    token = claim()[0].token
    queue.settle([Outcome(token, "failed", failure=failure(TimeoutError("x")), retry_after=0.0)])
    queue.requeue()
    queue.cancel([1], reason="enough")
    queue.retry([1])
    queue.settle([Outcome(claim()[0].token, "completed")])
    queue.delete([1])
    moves = [(e.kind, e.from_status, e.to_status) for e in queue.events([1])]
    assert moves == [
        ("submit", None, "pending"), ("hold", "pending", "paused"), ("resume", "paused", "pending"),
        ("claim", "pending", "processing"), ("fail", "processing", "failed"), ("requeue", "failed", "pending"),
        ("cancel", "pending", "cancelled"), ("retry", "cancelled", "pending"), ("claim", "pending", "processing"),
        ("complete", "processing", "completed"), ("delete", "completed", None),
    ]  # fmt: skip
    known = {move.name for move in MOVES}
    assert {kind for kind, _, _ in moves} <= known


def test_a_dry_run_changes_nothing(queue, conn):
    queue.submit([NewJob("a", {})])
    with queue.transaction(dry_run=True):
        assert queue.cancel([1])[0].outcome == "done"
    assert status(queue, 1) == "pending"
    assert conn.execute("SELECT count(*) FROM events").fetchone() == (1,)


def test_logs_are_bounded_and_belong_to_the_attempt_that_wrote_them(queue, claim, conn):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.log([(1, token.lease_seq, "info", "s", f"line {n}") for n in range(6000)])
    queue.log([(1, token.lease_seq, "info", "s", "last"), (1, 99, "info", "s", "from a stale attempt")])
    lines = queue.logs(1)
    assert len(lines) <= 5_002
    assert lines[-1].text == "last"


def test_a_lost_answer_to_a_claim_is_found_and_given_back(queue, claim):
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    assert queue.orphaned(queue.worker, [token.job_id]) == []
    assert queue.orphaned(queue.worker, []) == [token]


def explain(queue: Leases, conn: psycopg.Connection, types: list[str]) -> int:
    """Buffers that a claim of ten touches."""
    targets = [ClaimTarget("default", t, p) for t in types for p in range(5)]
    plan = conn.execute(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + statement("claim"),
        {
            "worker": 1, "actor": "x", "ttl": 30, "slots": 10, "only": None, "age": 3600, "since": None, "counted": False, "follows": [],
            "targets": msgspec.json.encode(targets).decode(),
        },
    ).fetchone()[0][0]["Plan"]  # fmt: skip
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def test_a_claim_costs_the_same_however_many_rows_are_finished_deferred_or_blocked(queue, conn):
    conn.execute("INSERT INTO jobs (job_type) SELECT 'a' FROM generate_series(1, 200)")
    conn.execute("VACUUM ANALYZE jobs")
    with conn.transaction(force_rollback=True):
        small = explain(queue, conn, ["a", "b"])
    conn.execute(
        "INSERT INTO jobs (job_type, status, completed_at) SELECT 'a', 'completed', now() FROM generate_series(1, 20000)"
    )
    conn.execute(
        "INSERT INTO jobs (job_type, priority, run_after) SELECT 'a', 4, now() + interval '1 day' FROM generate_series(1, 20000)"
    )
    conn.execute(
        "INSERT INTO jobs (job_type, waiting_on, concurrency_key) SELECT 'a', 'key', 'k' FROM generate_series(1, 20000)"
    )
    conn.execute("INSERT INTO jobs (job_type) SELECT 'other' FROM generate_series(1, 20000)")
    conn.execute("VACUUM ANALYZE jobs")
    with conn.transaction(force_rollback=True):
        large = explain(queue, conn, ["a", "b"])
    assert large < 400
    assert large <= 1.5 * small


def test_beats_change_no_index(queue, claim, conn):
    queue.submit([NewJob("a", {}) for _ in range(20)])
    jobs = claim(20)
    queue.connection.execute("SELECT pg_stat_force_next_flush()")
    queue.work()
    before = conn.execute("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'jobs'").fetchone()
    for n in range(5):
        queue.beat(queue.worker, {c.token.job_id: (c.token, Progress(float(n))) for c in jobs})
    queue.connection.execute("SELECT pg_stat_force_next_flush()")
    queue.work()
    after = conn.execute("SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'jobs'").fetchone()
    assert after[0] - before[0] >= 100
    assert (after[1] - before[1]) / (after[0] - before[0]) > 0.9


def test_what_is_reserved_for_a_worker_is_taken_by_that_one_or_later_by_any(queue, claim, conn):
    (mine,) = queue.submit([NewJob("a", {}, metadata={"reserved_s": 60.0})])
    (keyed,) = queue.submit([NewJob("a", {}, concurrency_key="k", metadata={"reserved_s": 60.0})])
    assert claim() == []
    targets = [ClaimTarget("default", "a", 2)]
    assert [job.token.job_id for job in queue.claim(queue.worker, targets, 9, only=[mine.id])] == [mine.id]
    assert [job.token.job_id for job in queue.claim(queue.worker, targets, 9, only=[keyed.id])] == [keyed.id]
    (late,) = queue.submit([NewJob("a", {}, metadata={"reserved_s": 60.0})])
    conn.execute("UPDATE jobs SET created_at = created_at - interval '2 minutes' WHERE id = %s", [late.id])
    assert [job.token.job_id for job in claim()] == [late.id]


def test_a_status_that_was_passed_through_between_two_looks_was_reached(queue, claim):
    def pass_through(_: float) -> None:
        queue.settle([Outcome(claim()[0].token, Ending.COMPLETED)])

    def client(sleep) -> Client:
        return Client(queue, storage=lambda: None, load=lambda _: None, sleep=sleep)

    (job,) = queue.submit([NewJob("a", {})])
    assert client(pass_through).wait([job.id], until=[Status.PROCESSING]).reasons == {job.id: "reached"}
    # but not what was before the wait began
    assert client(pass_through).wait([job.id], until=[Status.PROCESSING]).reasons == {job.id: "unreachable"}
