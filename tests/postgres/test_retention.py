"""Ended jobs are removed when they were kept long enough, step by step, and nothing that is still needed."""

import pytest

from jobctl.core.attempt import Failure, Outcome, Record, StoredResult
from jobctl.core.errors import ConfigError
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending, Status
from jobctl.core.retention import Rules, ages
from jobctl.postgres.connect import connect
from jobctl.postgres.retention import RetentionQueue
from jobctl.storage.local import LocalStorage
from jobctl.worker.retention import PAUSE, RetentionThread
from tests.postgres.role_logins import logins_of

DAY = 86_400.0
KEEP = ages({})
"""The defaults: completed 7 days, failed and cancelled 30."""
RULES = Rules(jobs=KEEP, checkpoints=7 * DAY, results=90 * DAY, history=30 * DAY)


def ended(queue, claim, ending=Ending.COMPLETED, **options) -> int:
    """The id of a job that ended just now, with a checkpoint."""
    (made,) = queue.submit([NewJob("a", {}, **options)])
    (job,) = claim(1)
    queue.commit_stage(job.token, Record(1, "s", 1, True, f"jobs/{made.id}/1-x/1", "0" * 64, 5, True))
    queue.log([(made.id, 1, "info", None, "line")])
    failure = Failure("permanent", "broken", "broken") if ending is Ending.FAILED else None
    queue.settle([Outcome(job.token, ending, failure=failure)])
    return made.id


def age(conn, job_id: int, days: float) -> None:
    conn.execute(
        "UPDATE jobs SET completed_at = completed_at - make_interval(secs => %s) WHERE id = %s", [days * DAY, job_id]
    )


def retained(queue, keep=KEEP, checkpoints=7 * DAY, batch=500) -> tuple[list[int], list[str]]:
    """Jobs and checkpoints that one pass removes."""
    jobs, paths, position = [], [], 0
    while position is not None:
        step = queue.retain(position, keep=keep, checkpoints=checkpoints, batch=batch)
        jobs += step.jobs
        paths += step.checkpoints
        position = step.position
    return jobs, paths


def rows(conn, table: str, job_id: int) -> int:
    return conn.execute(f"SELECT count(*) FROM {table} WHERE job_id = %s", [job_id]).fetchone()[0]


@pytest.mark.parametrize(("ending", "days"), [(Ending.COMPLETED, 7), (Ending.FAILED, 30)])
def test_a_job_goes_with_its_history_when_it_was_kept_as_long_as_its_status_says(queue, claim, conn, ending, days):
    old, young = ended(queue, claim, ending), ended(queue, claim, ending)
    age(conn, old, days + 0.1)
    age(conn, young, days - 0.1)
    jobs, paths = retained(queue, checkpoints=days * DAY)
    assert (jobs, paths) == ([old], [f"jobs/{old}/1-x/1"])
    assert [rows(conn, table, old) for table in ("events", "job_logs", "checkpoints")] == [0, 0, 0]
    assert [rows(conn, table, young) > 0 for table in ("events", "job_logs", "checkpoints")] == [True] * 3
    assert retained(queue, checkpoints=days * DAY) == ([], [])


def test_what_has_not_ended_or_waits_for_its_retry_is_never_removed(queue, claim, conn):
    failed = ended(queue, claim, Ending.FAILED, max_retries=3)
    (pending,) = queue.submit([NewJob("a", {})])
    conn.execute("UPDATE jobs SET next_retry_at = jobctl.clock() + interval '1 day' WHERE id = %s", [failed])
    age(conn, failed, 400)
    assert retained(queue) == ([], [])
    assert set(queue.statuses([pending.id, failed])) == {pending.id, failed}


def test_a_rule_for_a_type_goes_before_that_for_a_status_and_forever_is_forever(queue, claim, conn):
    job = ended(queue, claim)
    age(conn, job, 400)
    for keep in ({"a": "forever"}, {"a.completed": "forever", "a": "1d"}, {"completed": "forever"}, {"a": "500d"}):
        assert retained(queue, keep=ages(keep), checkpoints=500 * DAY) == ([], []), keep
    for keep in ({"a": "1d", "completed": "forever"}, {"a.completed": "1d", "a": "forever"}):
        with queue.transaction(dry_run=True):
            assert retained(queue, keep=ages(keep))[0] == [job], keep


def test_a_job_that_another_may_still_need_stays_until_that_one_has_completed(queue, claim, conn):
    needed = ended(queue, claim)
    age(conn, needed, 400)
    (waiting,) = queue.submit([NewJob("a", {}, after=(needed,))])
    assert retained(queue)[0] == []
    queue.cancel([waiting.id])  # may be retried
    assert retained(queue)[0] == []
    queue.retry([waiting.id])
    (job,) = claim(1)
    queue.settle([Outcome(job.token, Ending.COMPLETED)])
    assert retained(queue)[0] == [needed]


def test_a_job_with_a_stored_result_stays_as_long_as_the_result(queue, claim, conn):
    (made,) = queue.submit([NewJob("a", {})])
    (job,) = claim(1)
    stored = StoredResult(f"jobs/{made.id}/1-x/result", "0" * 64, 100_000)
    queue.settle([Outcome(job.token, Ending.COMPLETED, stored=stored)])
    age(conn, made.id, 80)
    assert retained(queue)[0] == []
    assert queue.prune_results(age=79 * DAY) == [stored.path]
    assert retained(queue)[0] == [made.id]


def test_checkpoints_go_before_their_job(queue, claim, conn):
    job = ended(queue, claim, Ending.FAILED)
    age(conn, job, 8)
    assert retained(queue) == ([], [f"jobs/{job}/1-x/1"])
    assert retained(queue) == ([], [])
    assert rows(conn, "checkpoints", job) == 0
    assert queue.statuses([job]) == {job: Status.FAILED}


def test_events_of_jobs_that_were_deleted_go_later(queue, claim, conn):
    job, other = ended(queue, claim), ended(queue, claim)
    queue.delete([job])
    assert queue.prune_history(age=30 * DAY) == 0
    conn.execute("ALTER TABLE events DISABLE TRIGGER USER")
    conn.execute("UPDATE events SET at = at - interval '31 days'")
    conn.execute("ALTER TABLE events ENABLE TRIGGER USER")
    assert queue.prune_history(age=30 * DAY) > 0
    assert rows(conn, "events", job) == 0 < rows(conn, "events", other)


def test_steps_are_small_and_together_see_every_job(queue, claim, conn):
    jobs = [ended(queue, claim) for _ in range(7)]
    for job in jobs:
        age(conn, job, 8)
    step = queue.retain(0, keep=KEEP, checkpoints=7 * DAY, batch=3)
    assert (step.examined, list(step.jobs), step.position) == (3, jobs[:3], jobs[2])
    assert retained(queue, batch=3)[0] == jobs[3:]


def test_a_locked_job_is_left_for_the_next_pass(queue, claim, conn, database_url):
    job = ended(queue, claim)
    age(conn, job, 8)
    with connect(database_url) as other, other.transaction():
        other.execute("SELECT FROM jobctl.jobs WHERE id = %s FOR UPDATE", [job])
        assert retained(queue) == ([], [])
    assert retained(queue)[0] == [job]


# -- the worker's turn ---------------------------------------------------------------------------------------------


def turn(database_url: str, folder, rules=RULES, **more) -> None:
    table = RetentionQueue(lambda: connect(database_url))
    try:
        RetentionThread(table, lambda: LocalStorage(folder), rules, **more).turn()
    finally:
        table.close()


@pytest.fixture
def passes(conn) -> None:
    """The one row, which the other tests do without."""
    conn.execute("INSERT INTO retention DEFAULT VALUES")


def later(conn, seconds: float) -> None:
    conn.execute("UPDATE retention SET next_at = next_at - make_interval(secs => %s)", [seconds])


def due(conn) -> bool:
    return conn.execute("SELECT next_at <= jobctl.clock() FROM retention").fetchone()[0]


def test_a_turn_removes_rows_and_bytes_and_the_next_pass_comes_later(
    queue, claim, conn, database_url, tmp_path, passes
):
    storage = LocalStorage(tmp_path / "storage")
    job, young = ended(queue, claim), ended(queue, claim)
    for key in (f"jobs/{job}/1-x/1", f"jobs/{job}/work/aside", f"jobs/{young}/1-x/1"):
        storage.put(key, b"bytes")
    age(conn, job, 8)
    assert queue.sweep_timers().retention_due
    turn(database_url, tmp_path / "storage")
    assert list(storage.keys("jobs")) == [f"jobs/{young}/1-x/1"]
    assert list(queue.statuses([job, young])) == [young]
    assert not queue.sweep_timers().retention_due
    later(conn, PAUSE + 1)
    assert queue.sweep_timers().retention_due


def test_one_worker_at_a_time_takes_a_turn_and_a_dead_one_is_replaced(queue, conn, passes):
    assert queue.retention_begin() == 0
    assert queue.retention_begin() is None
    later(conn, 61)
    assert queue.retention_begin() == 0
    queue.retention_end(17, pause=0)
    assert queue.retention_begin() == 17


def test_a_turn_that_takes_too_long_is_continued_where_it_ended(queue, claim, conn, database_url, tmp_path, passes):
    jobs = [ended(queue, claim) for _ in range(2)]
    for job in jobs:
        age(conn, job, 8)
    moments = iter([0.0] * 6 + [100.0] * 100)
    turn(database_url, tmp_path, monotonic=lambda: next(moments))
    assert due(conn)
    assert conn.execute("SELECT position FROM retention").fetchone() == (jobs[-1],)


def test_a_login_of_a_worker_removes_what_is_older_than_a_day_and_nothing_younger(queue, claim, conn, database_url):
    job, young = ended(queue, claim), ended(queue, claim)
    age(conn, job, 8)
    with logins_of(conn, database_url) as logins:
        table = RetentionQueue(lambda: connect(logins.url("wim")))
        assert retained(table, keep=dict.fromkeys(KEEP, 0.0), checkpoints=0.0)[0] == [job]
        assert table.prune_results(age=0.0) == []
        assert table.prune_history(age=0.0) == 0
        table.close()
        assert list(queue.statuses([young])) == [young]
        for who in ("ann", "rea", "lib"):
            with pytest.raises(ConfigError):
                logins.queue(who).retain(0, keep=KEEP, checkpoints=0.0)
