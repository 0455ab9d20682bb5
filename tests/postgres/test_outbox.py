"""The table of notifications: one for each end of a job with a URL, delivered at least once, by one worker at a time."""

import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.errors import Transient
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending
from jobctl.core.notifications import MAX_TRIES, Delivered, Delivery
from jobctl.core.retry import failure
from jobctl.postgres.connect import connect
from jobctl.postgres.outbox import Outbox
from tests.postgres.role_logins import logins_of

URL = "https://example.com:8443/hook"
FAILED = Delivered(Delivery.FAILED, "answered 500")


@pytest.fixture
def outbox(conn, database_url):
    outbox = Outbox(lambda: connect(database_url), actor="sweep")
    yield outbox
    outbox.close()


@pytest.fixture
def ended(queue, claim):
    """Ends a new job in a way; returns its id."""

    def end(kind=Ending.COMPLETED, url=URL, retry_after=None, **more):
        job = queue.submit([NewJob("a", {"secret": "s3cret"}, title="T", metadata={"notify_url": url}, **more)])[0].id
        (claimed,) = claim()
        problem = failure(Transient("it broke")) if kind is Ending.FAILED else None
        queue.settle([Outcome(claimed.token, kind, output='{"secret": 1}', failure=problem, retry_after=retry_after)])
        return job

    return end


def waiting(conn):
    return conn.execute("SELECT job_id, host, tries FROM notifications ORDER BY id").fetchall()


def test_each_end_of_a_job_with_a_url_is_noted_once_and_no_other(queue, ended, conn):
    done, failed = ended(), ended(Ending.FAILED)
    later = ended(Ending.FAILED, retry_after=60.0)
    assert [row[0] for row in waiting(conn)] == [done, failed]
    queue.cancel([later])
    queue.submit([NewJob("b", {})])
    paused = queue.submit([NewJob("b", {}, metadata={"notify_url": URL})])[0].id
    queue.pause([paused])
    assert [row[0] for row in waiting(conn)] == [done, failed, later]
    queue.restart([done])
    queue.cancel([done])
    queue.cancel([paused])
    assert [row[0] for row in waiting(conn)] == [done, failed, later, *sorted([done, paused])]
    queue.delete([done])
    assert len(waiting(conn)) == 5


def test_the_event_says_how_the_job_ended_and_contains_neither_its_input_nor_its_result(ended, outbox):
    job = ended(Ending.FAILED, labels={"of": "web"}, key="k")
    (note,) = outbox.claim([], 5)
    assert (note.job_id, note.url, note.host, note.tries) == (job, URL, "example.com:8443", 1)
    assert (note.event["kind"], note.event["status"], note.event["v"]) == ("job_ended", "failed", 1)
    described = note.event["job"]
    assert (described["id"], described["type"], described["title"], described["labels"], described["key"]) == (
        job, "a", "T", {"of": "web"}, "k"
    )  # fmt: skip
    assert described["error"] == {"type": "transient", "message": "it broke"}
    assert note.event["at"] == described["completed_at"]
    assert "s3cret" not in str(note.event)
    assert {**outbox.end_event(job), "sent_at": note.event["sent_at"]} == note.event


def test_a_notification_rolled_back_with_its_move_was_never_due(queue, outbox):
    job = queue.submit([NewJob("a", {}, metadata={"notify_url": URL})])[0].id
    with queue.transaction(dry_run=True):
        queue.cancel([job])
    assert outbox.claim([], 5) == []


def test_a_delivered_notification_is_gone_and_in_the_history(ended, outbox, queue, conn):
    job = ended()
    (note,) = outbox.claim([], 5)
    outbox.settle(note, Delivered(Delivery.DELIVERED))
    assert waiting(conn) == []
    last = queue.events([job])[-1]
    assert (last.kind, last.actor, last.detail) == ("notified", "sweep", {"host": "example.com:8443", "tries": 1})


def test_a_failed_one_is_due_again_later_and_is_given_up_after_its_tries(ended, outbox, queue, conn):
    job = ended()
    for tries in range(1, MAX_TRIES + 1):
        (note,) = outbox.claim([], 5)
        assert note.tries == tries
        outbox.settle(note, FAILED)
        if tries < MAX_TRIES:
            assert outbox.claim([], 5) == []
            assert outbox.next_due([]) > 0
            conn.execute("UPDATE notifications SET next_try_at = now()")
    assert waiting(conn) == []
    last = queue.events([job])[-1]
    assert (last.kind, last.detail["tries"], last.detail["reason"]) == ("notify_failed", MAX_TRIES, "answered 500")


def test_a_refused_one_is_given_up_at_once(ended, outbox, queue, conn):
    job = ended()
    (note,) = outbox.claim([], 5)
    outbox.settle(note, Delivered(Delivery.REFUSED, "answered 410"))
    assert waiting(conn) == []
    assert queue.events([job])[-1].kind == "notify_failed"


def test_a_worker_that_dies_while_delivering_leaves_the_notification_to_another(ended, outbox, conn):
    ended()
    (first,) = outbox.claim([], 5)
    assert outbox.claim([], 5) == []
    conn.execute("UPDATE notifications SET next_try_at = now()")  # as if its time were over
    (second,) = outbox.claim([], 5)
    assert (second.id, second.tries) == (first.id, 2)
    outbox.settle(first, FAILED)  # late: it is the second try that counts
    outbox.settle(first, Delivered(Delivery.REFUSED))
    assert waiting(conn) == [(first.job_id, "example.com:8443", 2)]
    outbox.settle(first, Delivered(Delivery.DELIVERED))  # late, and it did arrive
    assert waiting(conn) == []


def test_one_delivery_at_a_time_to_each_host(ended, outbox):
    for url in ("http://a/1", "http://a/2", "http://b/1"):
        ended(url=url)
    assert sorted(note.url for note in outbox.claim([], 5)) == ["http://a/1", "http://b/1"]
    assert [note.url for note in outbox.claim([], 5)] == ["http://a/2"]
    ended(url="http://a/3")
    assert outbox.claim(["a"], 5) == []
    assert (outbox.next_due(["a", "b"]), outbox.next_due(["b"])) == (None, 0.0)


def test_a_url_of_any_form_stops_no_move_of_its_job(ended, conn):
    for url in ("", "nonsense", 5, {"a": 1}, "x" * 10_000):
        ended(url=url)
    assert conn.execute("SELECT count(*) FROM jobs WHERE status = 'completed'").fetchone() == (5,)


def test_the_functions_of_sql_take_a_url_and_refuse_another_scheme(conn):
    call = "SELECT jobctl.submit('a', '{}', jsonb_build_object('notify_url', %s::text))"
    job = conn.execute(call, [URL]).fetchone()[0]
    assert conn.execute("SELECT metadata FROM jobs WHERE id = %s", [job]).fetchone() == ({"notify_url": URL},)
    for bad in ("ftp://x", "http://u:p@h/", "http://", "x"):
        with pytest.raises(Exception, match="notify_url"):
            conn.execute(call, [bad])


def test_the_roles_do_their_part(conn, database_url, queue):
    with logins_of(conn, database_url) as logins:
        ann = logins.queue("ann")
        job = ann.submit([NewJob("a", {}, metadata={"notify_url": URL})])[0].id
        ann.cancel([job])
        outbox = Outbox(lambda: connect(logins.url("wim")), actor="sweep")
        (note,) = outbox.claim([], 5)
        outbox.settle(note, Delivered(Delivery.DELIVERED))
        outbox.close()
        assert queue.events([job])[-1].kind == "notified"
