"""Schedules in the database: exactly one job an instant, and jobs that expire."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from jobctl.client import Client, Options
from jobctl.core.errors import IllegalTransition, ScheduleNotFound, UsageError
from jobctl.core.filters import Filters
from jobctl.core.lifecycle import Status
from jobctl.core.schedule import CatchUp, Overlap
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from jobctl.worker.sweeper import Sweeper
from tests.plugin.jobctl_test_pipelines import noop

LANES = [ClaimTarget("default", "noop", priority) for priority in range(5)]
START = datetime(2026, 3, 28, 12, tzinfo=UTC)


def at(queue: Leases, moment: datetime) -> None:
    """Stops the session's clock."""
    queue.connection.execute("SELECT set_config('jobctl.clock', %s, false)", [moment.isoformat()])


@pytest.fixture
def client(queue):
    at(queue, START)
    return Client(queue, storage=lambda: None, load=lambda _: noop, user="ann")


def jobs(client: Client) -> list:
    return sorted(client.queue.find(Filters(), full=True), key=lambda job: job.id)


def finish(queue: Leases, *statuses: str) -> None:
    """Ends what is pending, as if a worker had run it."""
    queue.cancel([job.id for job in queue.find(Filters(statuses=("pending",)))])


def test_a_schedule_submits_one_job_an_instant(client, queue):
    added = client.schedules.add("nightly", "noop", {}, Options(title="T", priority="high", max_retries=7), every=900)
    assert added.next_at == START + timedelta(minutes=15)
    assert client.sweep().submitted == ()
    at(queue, START + timedelta(minutes=15))
    assert client.sweep().submitted == (1,)
    assert client.sweep().submitted == ()
    (job,) = jobs(client)
    assert (job.title, job.priority, job.max_retries, job.created_by) == ("T", 3, 7, "schedule:nightly")
    assert job.waiting_on is None
    shown = client.schedules.get("nightly")
    assert (shown.last_job_id, shown.last_at, shown.next_at) == (
        1,
        START + timedelta(minutes=15),
        START + timedelta(minutes=30),
    )


def test_a_worker_fires_schedules_in_its_sweep_and_wakes_for_the_next(client, queue):
    client.schedules.add("often", "noop", {}, every=2)
    sweeper = Sweeper(queue)
    sweeper.sweep(0.0)
    assert sweeper.due_in(0.0) == pytest.approx(2.0)
    at(queue, START + timedelta(seconds=2))
    assert sweeper.sweep(2.0)
    assert [job.id for job in jobs(client)] == [1]


def test_many_sweeps_at_once_fire_an_instant_once(client, queue, database_url):
    for number in range(10):
        client.schedules.add(f"s{number}", "noop", {}, every=60)
    start, found = threading.Barrier(4), []

    def sweep() -> None:
        own = Leases(lambda: connect(database_url), actor="test")
        at(own, START + timedelta(seconds=61))
        start.wait()
        found.extend(own.fire_schedules())
        own.close()

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == len(set(found)) == len(jobs(client)) == 10


def test_a_schedule_that_another_transaction_has_locked_is_skipped(client, queue, database_url):
    client.schedules.add("one", "noop", {}, every=60)
    at(queue, START + timedelta(seconds=61))
    other = Leases(lambda: connect(database_url), actor="test")
    at(other, START + timedelta(seconds=61))
    with other.transaction():
        assert other.due_schedule() is not None
        assert queue.fire_schedules() == []
    other.close()
    assert queue.fire_schedules() == [1]


def test_a_fault_between_the_job_and_its_schedule_leaves_neither(client, queue, monkeypatch):
    client.schedules.add("one", "noop", {}, every=60)
    at(queue, START + timedelta(seconds=61))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(queue, "advance_schedule", fail)
    with pytest.raises(RuntimeError):
        queue.fire_schedules()
    assert jobs(client) == []
    monkeypatch.undo()
    assert len(queue.fire_schedules()) == 1


@pytest.mark.parametrize(("policy", "count"), [(CatchUp.SKIP, 0), (CatchUp.LATEST, 1), (CatchUp.ALL, 4)])
def test_missed_instants_are_caught_up_as_the_policy_says(client, queue, policy, count):
    client.schedules.add("s", "noop", {}, every=600, catch_up=policy, overlap=Overlap.QUEUE)
    at(queue, START + timedelta(minutes=45))
    assert len(client.sweep().submitted) == count
    assert client.schedules.get("s").next_at == START + timedelta(minutes=50)
    at(queue, START + timedelta(minutes=50))
    assert len(client.sweep().submitted) == 1


def test_an_instant_is_left_out_or_queued_while_the_previous_job_has_not_ended(client, queue):
    client.schedules.add("skips", "noop", {}, every=60, overlap=Overlap.SKIP)
    client.schedules.add("queues", "noop", {}, every=60, overlap=Overlap.QUEUE)
    for minute in (1, 2, 3):
        at(queue, START + timedelta(minutes=minute))
        client.sweep()
    by = {name: [job for job in jobs(client) if job.created_by == f"schedule:{name}"] for name in ("skips", "queues")}
    assert [len(by["skips"]), len(by["queues"])] == [1, 3]
    assert [job.waiting_on for job in by["queues"]] == [None, "key", "key"]
    assert len(queue.claim(queue.worker, LANES, 10)) == 2
    finish(queue)
    assert client.schedules.get("skips").next_at == START + timedelta(minutes=4)


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-03-28T12:00", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("2026-10-24T12:00", ["2026-10-25T00:30", "2026-10-26T01:30"]),
    ],
)
def test_a_daily_schedule_fires_once_on_the_day_the_clock_changes(client, queue, start, expected):
    moment = datetime.fromisoformat(start).replace(tzinfo=UTC)
    at(queue, moment)
    client.schedules.add("daily", "noop", {}, cron="30 2 * * *", tz="Europe/Berlin", overlap=Overlap.QUEUE)
    for _ in range(2 * 24 * 4):
        moment += timedelta(minutes=15)
        at(queue, moment)
        client.sweep()
    fired = [job.key.partition("@")[2] for job in jobs(client)]
    assert fired == [f"{instant}:00+00:00" for instant in expected]


def test_a_paused_schedule_submits_nothing_and_resumes_at_its_next_instant(client, queue):
    client.schedules.add("s", "noop", {}, every=60, catch_up=CatchUp.ALL)
    assert client.schedules.pause("s", reason="moving")
    assert not client.schedules.pause("s")
    assert client.schedules.get("s").upcoming(5) == []
    at(queue, START + timedelta(minutes=10, seconds=5))
    assert client.sweep().submitted == ()
    assert client.schedules.resume("s")
    assert not client.schedules.resume("s")
    assert client.sweep().submitted == ()
    assert client.schedules.get("s").next_at == START + timedelta(minutes=11)


def test_run_now_submits_a_job_and_leaves_the_next_instant(client):
    client.schedules.add("s", "noop", {}, every=60)
    client.schedules.pause("s")
    assert client.schedules.run_now("s").created
    found = client.schedules.get("s")
    assert (found.last_job_id, found.last_status, found.next_at) == (1, "pending", START + timedelta(minutes=1))


def test_a_removed_schedule_leaves_its_jobs(client):
    client.schedules.add("s", "noop", {}, every=60)
    client.schedules.run_now("s")
    client.schedules.remove("s")
    assert [job.status for job in jobs(client)] == [Status.PENDING]
    for act in (
        client.schedules.get,
        client.schedules.remove,
        client.schedules.pause,
        client.schedules.resume,
        client.schedules.run_now,
    ):
        with pytest.raises(ScheduleNotFound):
            act("s")


def test_what_cannot_be_scheduled_is_refused_when_it_is_added(client):
    client.schedules.add("s", "noop", {}, every=60)
    with pytest.raises(IllegalTransition, match="exists already"):
        client.schedules.add("s", "noop", {}, every=60)
    for data, options, name in (
        ({}, Options(delay=5), "t"),
        ({}, Options(key="k"), "t"),
        ({}, Options(queue=""), "t"),
        ({}, None, "a b"),
    ):
        with pytest.raises(UsageError):
            client.schedules.add(name, "noop", data, options, every=60)
    assert [s.name for s in client.schedules.list()] == ["s"]


@pytest.mark.parametrize("damage", ["tz = 'Mars/Base'", "job = '{}'", "job = jsonb_set(job, '{queue}', 'null')"])
def test_a_schedule_that_cannot_be_fired_is_paused_with_the_reason_and_the_others_go_on(client, queue, conn, damage):
    client.schedules.add("bad", "noop", {}, cron="* * * * *")
    client.schedules.add("good", "noop", {}, every=60)
    conn.execute(f"UPDATE schedules SET {damage} WHERE name = 'bad'")
    at(queue, START + timedelta(minutes=2))
    client.sweep()
    client.sweep()
    assert [job.created_by for job in jobs(client)] == ["schedule:good"]
    bad = client.schedules.list()[0]
    assert bad.paused_at is not None
    assert "can't be fired" in bad.pause_reason


def test_a_schedule_knows_whether_a_worker_takes_its_jobs(client, queue, conn):
    client.schedules.add("s", "noop", {}, every=60)
    assert not client.schedules.get("s").served
    at(queue, datetime.now(UTC))
    conn.execute("""UPDATE workers SET job_types = '["noop"]'""")
    assert client.schedules.get("s").served


# -- expiry ----------------------------------------------------------------------------------------------------------


def test_a_job_that_has_not_started_in_time_is_cancelled_with_the_reason(client, queue):
    client.submit("noop", {}, Options(expires=7200))
    client.submit("noop", {}, Options(expires=7201))
    at(queue, START + timedelta(hours=2))
    assert client.sweep().expired == (1,)
    job = jobs(client)[0]
    assert (job.status, job.cancel_reason) == (Status.CANCELLED, "expired: not started within 2h")
    assert [event.kind for event in queue.events([1])] == ["submit", "cancel"]
    assert jobs(client)[1].status is Status.PENDING


def test_an_expired_job_is_never_started_though_nobody_swept(client, queue):
    client.submit("noop", {}, Options(expires=60))
    at(queue, START + timedelta(seconds=60))
    assert queue.claim(queue.worker, LANES, 10) == []


def test_a_paused_job_expires_and_a_job_that_started_does_not(client, queue):
    for _ in range(2):
        client.submit("noop", {}, Options(expires=60))
    client.pause([1])
    queue.claim(queue.worker, LANES, 10)
    at(queue, START + timedelta(minutes=5))
    assert client.sweep().expired == (1,)
    assert queue.statuses([2]) == {2: Status.PROCESSING} or queue.statuses([2]) == {2: Status.PENDING}


def test_a_persons_retry_of_an_expired_job_has_no_expiry(client, queue):
    client.submit("noop", {}, Options(expires=60))
    at(queue, START + timedelta(minutes=5))
    client.sweep()
    client.retry([1])
    assert client.sweep().expired == ()
    assert len(queue.claim(queue.worker, LANES, 10)) == 1


@pytest.mark.parametrize(
    "options", [Options(expires=0.0), Options(expires=-1.0), Options(timeout=0.0), Options(timeout=float("inf"))]
)
def test_an_expiry_or_a_timeout_that_is_no_length_is_refused(client, options):
    with pytest.raises(UsageError, match="invalid"):
        client.submit("noop", {}, options)
