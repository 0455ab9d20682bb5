"""Jobs with neither a key nor dependencies are created by a statement of their own: what it makes is what the other makes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jobctl.core.errors import UsageError
from jobctl.core.job import NewJob
from jobctl.postgres.queue import Queue

NEW = NewJob(
    "a", {"n": 1}, title="T", queue="q", priority=4, labels={"x": "y"}, created_by="ann", delay=60.0, metadata={"label": "A"},
    max_retries=7, entity_type="document", entity_id="3",
)  # fmt: skip
KINDS = {
    "everything": NEW,
    "bare": NewJob("a", {}),
    "at a time": replace(NEW, delay=0.0, run_after=datetime(2100, 1, 1, tzinfo=UTC)),
    "a concurrency key": NewJob("a", {}, concurrency_key="k"),
    "a paused queue": NewJob("a", {}, queue="paused", concurrency_key="k"),
    "a paused type": NewJob("b", {}),
}
ROWS = """
SELECT to_jsonb(j) - '{id,run_after,created_at,updated_at}'::text[], CASE WHEN run_after > '2090-01-01' THEN run_after::text ELSE round(extract(epoch FROM run_after - created_at))::text END,
    (SELECT jsonb_agg(to_jsonb(e) - '{id,job_id,at}'::text[]) FROM events e WHERE e.job_id = j.id)
FROM jobs j ORDER BY id
"""


def verbs(queue: Queue, monkeypatch) -> list[str]:
    ran: list[str] = []
    run = queue._run
    monkeypatch.setattr(queue, "_run", lambda verb, **values: (ran.append(verb), run(verb, **values))[1])
    return ran


@pytest.mark.parametrize("kind", KINDS)
def test_both_statements_create_the_same_job(queue, conn, monkeypatch, kind):
    queue.pause_queue("queue", "paused")
    queue.pause_queue("type", "b")
    ran = verbs(queue, monkeypatch)
    answers = [queue.submit([KINDS[kind]] * 2) for _ in range(2)]
    assert [verb for verb in ran if verb.startswith("submit")] == ["submit", "submit_plain"]
    assert [answer.id for both in answers for answer in both] == [1, 2, 3, 4]
    assert all(answer.created for both in answers for answer in both)
    first, _, third, _ = conn.execute(ROWS).fetchall()
    if kind == "a concurrency key":  # the first one is let through
        first[0]["waiting_on"] = third[0]["waiting_on"]
    assert first == third


def test_a_key_or_a_dependency_is_looked_at_whatever_was_submitted_before(queue, monkeypatch):
    ran = verbs(queue, monkeypatch)
    queue.submit([NewJob("a", {}, key="one")])
    assert [s.created for s in queue.submit([NewJob("a", {}), NewJob("a", {}, key="one")])] == [True, False]
    queue.submit([NewJob("a", {}), NewJob("a", {}, after=(1,))])
    assert {verb for verb in ran if verb.startswith("submit")} == {"submit"}


def test_ids_are_in_the_order_of_the_rows(queue, conn):
    queue.submit([NewJob("a", {})])
    answers = queue.submit([NewJob("a", {}, title=str(n)) for n in range(500)])
    found = dict(conn.execute("SELECT id, title FROM jobs WHERE id > 1").fetchall())
    assert [found[answer.id] for answer in answers] == [str(n) for n in range(500)]


def test_one_notification_for_all_and_none_where_nothing_can_start(queue, conn):
    queue.submit([NewJob("a", {})])
    queue.pause_queue("queue", "paused")
    conn.execute("LISTEN jobctl_ready")
    queue.submit([NewJob("a", {}, queue="paused") for _ in range(3)])
    queue.submit([NewJob("a", {}) for _ in range(3)])
    queue.submit([NewJob("a", {}) for _ in range(3)])
    assert len(list(conn.notifies(timeout=0.5, stop_after=3))) == 2


@pytest.mark.parametrize("bad", [{"a": "\x00"}, {"a": "\ud800"}, {"a": "x" * 70_000}, {"a": float("nan")}])
def test_what_cannot_be_stored_is_refused(queue, bad):
    queue.submit([NewJob("a", {})])
    with pytest.raises(UsageError, match="can't be stored"):
        queue.submit([NewJob("a", {}), NewJob("a", bad)])
    assert len(queue.statuses(range(10))) == 1
