"""A worker that drains ends when nothing that it does lets a job go on, and says what it leaves."""

import re

import pytest

from jobctl.core.job import NewJob
from jobctl.worker.draining import describe

LONG = 60.0


def submit(queue, name: str, key: str | None = None, **more: object) -> int:
    return queue.submit([NewJob("noop", {}, queue=name, concurrency_key=key, **more)])[0].id


def test_a_key_in_use_by_another_queue_does_not_keep_a_worker_that_drains(shell, conn, queue):
    holder, mine, free = submit(queue, "other", "k"), submit(queue, "here", "k"), submit(queue, "here")
    done = shell("worker", "run", "--drain", "--queue", "here", wait=LONG)
    assert done.code == 0
    assert conn.execute("SELECT id FROM jobs WHERE status = 'pending' ORDER BY id").fetchall() == [(holder,), (mine,)]
    assert conn.execute("SELECT status FROM jobs WHERE id = %s", [free]).fetchone() == ("completed",)
    assert f"1 job left waiting (first: {mine}): concurrency key 'k' is used by job {holder} in queue other" in done.err


def test_jobs_that_wait_for_each_other_in_the_drained_queue_are_all_done(shell, conn, queue):
    for _ in range(4):
        submit(queue, "here", "k")
    done = shell("worker", "run", "--drain", "--queue", "here", wait=LONG)
    assert done.code == 0
    assert conn.execute("SELECT DISTINCT status FROM jobs").fetchall() == [("completed",)]
    assert "left waiting" not in done.err


@pytest.mark.parametrize(("kind", "reason"), [("queue", "the queue is paused"), ("type", "the job type is paused")])
def test_what_is_paused_is_named(shell, queue, kind, reason):
    submit(queue, "here")
    queue.pause_queue(kind, "here" if kind == "queue" else "noop")
    assert reason in shell("worker", "run", "--drain", wait=LONG).err


def test_every_reason_for_which_a_job_can_wait_is_described(queue, conn):
    first = submit(queue, "later")
    conn.execute("UPDATE jobs SET run_after = jobctl.clock() + interval '1 hour'")
    (left,) = queue.left_waiting(["noop"], ["later"])
    assert describe(left) == f"1 job left waiting (first: {first}): not due yet"
    assert queue.left_waiting(["noop"], ["nowhere"]) == []
    source = conn.execute("SELECT prosrc FROM pg_proc WHERE proname = 'waiting_reason'").fetchone()[0]
    reasons = set(re.findall(r"THEN '(\w+)'", source))
    assert reasons == {"dependency", "queue", "type", "key"}
    for reason in reasons:
        assert not describe(type(left)(reason, 2, first, "k", None, None)).endswith(f": {reason}")
