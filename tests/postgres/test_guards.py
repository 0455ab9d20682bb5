"""Each guard switched off in turn: a test of the suite, named here, fails. What no test would miss is no guard."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
import pytest

from jobctl.core import checkpoint
from jobctl.core.attempt import Outcome, Record
from jobctl.core.errors import LeaseLost, StoreUnavailable
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.core.retry import failure
from jobctl.postgres import session as module
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from jobctl.storage.local import LocalStorage
from jobctl.worker import checkpoints
from tests.postgres import test_queue as suite
from tests.postgres import test_rescue_in_error as error_suite
from tests.postgres import test_time as time_suite
from tests.postgres.test_model import pipeline

BROKEN = (AssertionError, StoreUnavailable, psycopg.Error, LeaseLost, KeyError, IndexError, pytest.fail.Exception)


@dataclass
class Stage:
    """What the tests of the suite take as fixtures."""

    queue: Leases
    claim: Callable[..., list]
    conn: psycopg.Connection
    url: str


def stale(write: str, half: str) -> Callable[[Stage], None]:
    return lambda s: suite.test_a_stale_token_writes_nothing_anywhere(s.queue, s.claim, s.conn, write, half)


def stale_warning(s: Stage) -> None:
    s.queue.submit([NewJob("a", {})])
    token = s.claim()[0].token
    s.queue.settle([Outcome(token, "released")])
    before = s.conn.execute("SELECT count(*) FROM events").fetchone()
    s.queue.warn(token, "checkpoint_unusable")
    assert s.conn.execute("SELECT count(*) FROM events").fetchone() == before


def one_claim_each(s: Stage) -> None:
    """Two workers: the second passes by what the first is taking, and waits for nothing."""
    s.queue.submit([NewJob("a", {}), NewJob("a", {})])
    other = Leases(lambda: connect(s.url))
    other.connection.execute("SET lock_timeout = '200ms'")
    targets = [ClaimTarget("default", "a", 2)]
    try:
        with s.queue.transaction():
            mine = s.queue.claim(1, targets, 1)
            theirs = other.claim(2, targets, 1)
    finally:
        other.close()
    assert sorted(c.token.job_id for c in mine + theirs) == [1, 2]


def retries_are_counted(s: Stage) -> None:
    s.queue.submit([NewJob("a", {}, max_retries=0)])
    s.queue.settle([Outcome(s.claim()[0].token, "failed", failure=failure(ValueError("x")))])
    assert s.queue.retry([1])[0].outcome == "refused"


def a_lease_that_is_good_is_left_alone(s: Stage) -> None:
    s.queue.submit([NewJob("a", {})])
    suite.later(s.queue, 100)  # past the amnesty of a server that just started
    s.claim()
    suite.later(s.queue, 120)
    assert s.queue.rescue() == []


def nothing_runs_early(s: Stage) -> None:
    s.queue.submit([NewJob("a", {}, delay=60)])
    assert s.claim() == []


def a_job_that_missed_the_hold_is_not_handed_out(s: Stage) -> None:
    s.queue.pause_queue("queue", "default")
    s.conn.execute("INSERT INTO jobs (job_type) VALUES ('a')")
    assert s.queue.claim(1, [ClaimTarget("default", "a", 2)], 1) == []


def one_unfinished_job_a_key(s: Stage) -> None:
    for _ in range(2):
        job = s.queue.submit([NewJob("a", {}, key="k")])[0].id
        s.queue.settle([Outcome(s.claim()[0].token, "failed", failure=failure(ValueError("x")))])
    assert [row.outcome for row in s.queue.retry([job - 1, job])] == ["done", "refused"]


def a_cancel_that_stands_is_not_paused(s: Stage) -> None:
    s.queue.submit([NewJob("a", {})])
    token = s.claim()[0].token
    s.queue.pause([1])
    s.queue.cancel([1])
    assert s.queue.commit_stage(token, suite.RECORD) == ("processing", True)


def three_hand_outs(s: Stage) -> None:
    s.queue.submit([NewJob("a", {})])
    for _ in range(3):
        s.queue.settle([Outcome(s.claim()[0].token, "crashed", failure=failure(RuntimeError("x")))])
    assert s.claim() == []


def of(name: str, *needs: str, **more: object) -> Callable[[Stage], None]:
    """A test of the suite by name."""
    return lambda s: getattr(suite, name)(*(s.url if n == "database_url" else getattr(s, n) for n in needs), **more)


def in_error(name: str, *needs: str, **more: object) -> Callable[[Stage], None]:
    """A test of test_rescue_in_error.py by name."""
    return lambda s: getattr(error_suite, name)(*(getattr(s, n) for n in needs), **more)


def progress_that_is_not_sent_stays(s: Stage) -> None:
    s.queue.submit([NewJob("a", {})])
    token = s.claim()[0].token
    s.queue.beat(s.queue.worker, {1: (token, Progress(40.0))})
    s.queue.commit_stage(token, suite.RECORD)
    assert s.queue.find(Filters())[0].progress.percent == 40.0
    s.queue.settle([Outcome(token, "released")])
    assert s.queue.find(Filters())[0].progress.percent == 40.0


def a_standing_pause_outlives_a_failure(s: Stage) -> None:
    s.queue.submit([NewJob("a", {}, max_retries=1)])
    token = s.claim()[0].token
    s.queue.pause([1])
    s.queue.settle([Outcome(token, "failed", failure=failure(TimeoutError("slow")), retry_after=1.0)])
    assert s.queue.find(Filters())[0].status == "paused"


def in_time(name: str, **values: float) -> Callable[[Stage], None]:
    """A test of test_time.py by name, with the values of its parameters."""
    return lambda s: getattr(time_suite, name)(s.queue, s.claim, **values)


TOKEN = "j.lease_seq = {}.lease_seq AND j.lease_id = {}.lease_id"
SAME = "lease_seq = %(lease_seq)s AND lease_id = %(lease_id)s"
GUARDS: list[tuple[str, str, str, Callable[[Stage], None]]] = [
    ("beat", TOKEN.format("b", "b"), "true", stale("beat", "both")),
    ("beat", "j.lease_seq = b.lease_seq AND ", "", stale("beat", "lease_seq")),
    ("beat", " AND j.lease_id = b.lease_id", "", stale("beat", "lease_id")),
    ("settle", TOKEN.format("g", "g"), "true", stale("settle", "both")),
    ("settle", "j.lease_seq = g.lease_seq AND ", "", stale("fail", "lease_seq")),
    ("settle", " AND j.lease_id = g.lease_id", "", stale("release", "lease_id")),
    ("commit_stage", SAME, "true", stale("beat", "both")),
    ("commit_stage", "lease_seq = %(lease_seq)s AND ", "", stale("beat", "lease_seq")),
    ("commit_stage", " AND lease_id = %(lease_id)s", "", stale("beat", "lease_id")),
    ("note_event", SAME + " AND status = 'processing'", "true", stale_warning),
    ("settle", "WHEN j.cancel_requested_at IS NOT NULL OR g.outcome = 'cancelled' THEN 'cancelled'",
     "WHEN g.outcome = 'cancelled' THEN 'cancelled'",
     of("test_cancel_wins_over_complete_and_complete_wins_over_pause", "queue", "claim")),
    ("settle", "g.outcome = 'crashed' AND j.crash_count + 1 >= %(max_crashes)s", "false",
     three_hand_outs),
    ("settle", "AND g.kind = 'transient'", "", of("test_other_failures_are_never_retried_by_themselves", "queue", "claim", kind="invalid")),
    ("commit_stage", "%(pause_safe)s AND pause_requested_at", "pause_requested_at",
     of("test_a_pause_is_obeyed_only_with_a_pause_safe_checkpoint", "queue", "claim")),
    ("commit_stage", "pause_requested_at IS NOT NULL AND cancel_requested_at IS NULL", "pause_requested_at IS NOT NULL",
     a_cancel_that_stands_is_not_paused),
    ("claim", "                FOR UPDATE SKIP LOCKED\n", "                FOR UPDATE\n", one_claim_each),
    ("claim", "                    AND j.run_after <= jobctl.clock()\n", "", nothing_runs_early),
    ("claim", "lease_seq = lease_seq + 1,", "", of("test_a_claim_gives_a_new_token_and_starts_only_once", "queue", "claim")),
    ("claim", "lease_id = gen_random_uuid(),", "lease_id = '11111111-1111-1111-1111-111111111111',",
     of("test_a_claim_gives_a_new_token_and_starts_only_once", "queue", "claim")),
    ("claim", "SELECT h.name FROM jobctl.holds h WHERE h.kind = 'queue'", "SELECT NULL::text WHERE false",
     a_job_that_missed_the_hold_is_not_handed_out),
    ("rescue", "j.lease_expires_at < jobctl.clock()", "true", a_lease_that_is_good_is_left_alone),
    ("rescue", "AND jobctl.clock() NOT BETWEEN pg_postmaster_start_time() AND pg_postmaster_start_time() + l.lease", "",
     of("test_a_server_that_just_started_is_nobodys_crash", "queue", "claim", "conn")),
    ("rescue", "AND jobctl.clock() NOT BETWEEN s.since AND s.since + l.lease", "", in_error("test_a_server_that_was_promoted_is_nobodys_crash", "queue", "claim", "conn")),
    ("rescue", "g.gone OR t.void", "t.void", in_error("test_the_jobs_of_a_worker_that_has_ended_are_taken_back_at_once", "queue", "claim")),
    ("uncharge", "AND (e.detail ->> 'worker')::bigint = %(worker)s", "", in_error("test_other_charges_stay", "queue", "claim", what="another worker")),
    ("uncharge", "AND e.lease_seq = a.lease_seq", "", in_error("test_other_charges_stay", "queue", "claim", what="another attempt")),
    ("uncharge", "l.kind IN ('restart', 'retry')", "false", in_error("test_other_charges_stay", "queue", "claim", what="a retry since")),
    ("uncharge", "AND l.lease_seq = c.lease_seq", "AND false", in_error("test_a_rescue_is_uncharged_when_its_worker_is_seen_alive", "queue", "claim")),
    ("rescue", "WHEN t.crashes >= %(max_crashes)s THEN 'failed'", "",
     of("test_a_lost_lease_is_rescued_three_times_and_then_abandoned", "queue", "claim")),
    ("rescue", "WHEN j.pause_requested_at IS NOT NULL THEN 'paused'", "",
     of("test_a_rescue_obeys_a_standing_request", "queue", "claim", verb="pause", end="paused")),
    ("requeue", "next_retry_at <= jobctl.clock()",
        "next_retry_at IS NOT NULL",
     of("test_transient_failures_are_requeued_when_due_and_only_then", "queue", "claim", "conn")),
    ("requeue", "next_retry_at = NULL, completed_at = NULL, updated_at", "updated_at",
     of("test_transient_failures_are_requeued_when_due_and_only_then", "queue", "claim", "conn")),
    ("retry", "AND t.retry_count < t.max_retries", "", retries_are_counted),
    ("retry", "AND NOT EXISTS (SELECT FROM holder h WHERE h.id = t.id)", "", one_unfinished_job_a_key),
    ("beat", "WHEN b.progress IS NULL THEN j.progress", "", in_time("test_a_beat_without_progress_leaves_the_progress")),
    ("commit_stage", "coalesce(%(progress)s::jsonb || jsonb_build_object('updated_at', jobctl.clock()), progress)", "%(progress)s::jsonb || jsonb_build_object('updated_at', jobctl.clock())", progress_that_is_not_sent_stays),
    ("settle", "coalesce(d.progress || jsonb_build_object('updated_at', jobctl.clock()), j.progress)", "d.progress || jsonb_build_object('updated_at', jobctl.clock())", progress_that_is_not_sent_stays),
    ("commit_stage", "c.seq = ANY (%(forget)s::int[])", "false AND c.seq = ANY (%(forget)s::int[])",
     in_time("test_forgotten_checkpoints_are_gone")),
    ("resume", "DELETE FROM jobctl.checkpoints c USING moved m", "SELECT FROM jobctl.checkpoints c, moved m",
     in_time("test_forgotten_checkpoints_are_gone")),
    ("restart", "DELETE FROM jobctl.checkpoints c USING moved m", "SELECT FROM jobctl.checkpoints c, moved m",
     in_time("test_forgotten_checkpoints_are_gone")),
    ("settle", "WHEN j.pause_requested_at IS NOT NULL AND r.again THEN 'paused'", "",
     a_standing_pause_outlives_a_failure),
    ("make_due", "run_after > jobctl.clock()", "false", in_time("test_what_was_submitted_for_now_is_due_though_the_clock_was_set_back")),
    ("make_due", "completed_at > jobctl.clock() + interval '1 second'", "false", in_time("test_a_retry_waits_no_longer_than_its_backoff_though_the_clock_was_set_back", step=3600, backoff=5.0)),
    ("orphaned", "NOT (id = ANY (%(known)s))", "true", of("test_a_lost_answer_to_a_claim_is_found_and_given_back", "queue", "claim")),
    ("submit", "WHEN concurrency_key IS NOT NULL THEN 'key'", "", of("test_jobs_of_one_key_never_run_at_once", "queue", "claim")),
]  # fmt: skip


@pytest.fixture
def stage(queue, claim, conn, database_url) -> Stage:
    return Stage(queue, claim, conn, database_url)


@pytest.mark.parametrize(
    ("verb", "old", "new", "catches"), GUARDS, ids=lambda v: v if isinstance(v, str) and len(v) < 13 else ""
)
def test_a_guard_that_is_switched_off_is_caught(stage, monkeypatch, verb, old, new, catches):
    text = module.statement(verb)
    assert old in text, "the guard has moved: name it anew"
    with monkeypatch.context() as patch:
        real = module.statement
        patch.setattr(module, "statement", lambda name: text.replace(old, new) if name == verb else real(name))
        with pytest.raises(BROKEN):
            catches(stage)


@pytest.mark.parametrize("catches", {id(g[3]): g[3] for g in GUARDS}.values())
def test_what_catches_it_passes_with_the_guard_in_place(stage, catches):
    catches(stage)


def test_the_unique_index_holds_a_key_even_if_the_statement_forgets(stage, conn):
    with conn.transaction(force_rollback=True):
        conn.execute("DROP INDEX jobs_idempotency_idx")
        for _ in range(2):
            conn.execute("INSERT INTO jobs (job_type, idempotency_key) VALUES ('a', 'k')")
    conn.execute("INSERT INTO jobs (job_type, idempotency_key) VALUES ('a', 'k')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("INSERT INTO jobs (job_type, idempotency_key) VALUES ('a', 'k')")


def test_bytes_are_synced_before_they_are_named_and_their_folder_after(tmp_path, monkeypatch):
    done: list[str] = []
    fsync, replace = os.fsync, os.replace

    def syncing(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "bytes")
        fsync(descriptor)

    def naming(*paths: object, **folders: int) -> None:
        done.append("name")
        replace(*paths, **folders)

    monkeypatch.setattr(os, "fsync", syncing)
    monkeypatch.setattr(os, "replace", naming)
    LocalStorage(tmp_path / "s").put("jobs/1/1-x/1-s-0", b"data")
    assert done[-3:] == ["bytes", "name", "folder"]


def test_a_flipped_byte_in_a_vector_is_caught_by_the_hash_and_by_nothing_else(tmp_path, monkeypatch):
    storage = LocalStorage(tmp_path / "s")
    data = checkpoint.encode(checkpoint.Segment("one", {"vector": b"\x00" * 64}, 0, complete=True))
    record = Record(1, "one", 0, True, "jobs/1/1-x/1-one-0", checkpoint.digest(data), len(data), True)
    storage.put(record.path, data[:-1] + b"\x01")
    with pytest.raises(checkpoints.Unreadable):
        checkpoints.CheckpointLog(pipeline, storage, [record]).value("one")
    monkeypatch.setattr(checkpoints, "digest", lambda _: record.sha256)
    assert checkpoints.CheckpointLog(pipeline, storage, [record]).value("one") == {"vector": b"\x00" * 63 + b"\x01"}


def test_a_lost_answer_to_a_commit_is_not_committed_again(queue, claim):
    """The retry after a lost answer asks first: the guard against doing a stage's writes twice."""
    queue.submit([NewJob("a", {})])
    token = claim()[0].token
    queue.commit_stage(token, suite.RECORD, follow_up=[NewJob("b", {})])
    found = queue.committed(token, suite.RECORD)
    assert (found.recorded, found.ours) == (True, True)
    assert len(queue.find(Filters())) == 2
