"""What a submitter's login may do with jobs that wait and with schedules: everything with its own, nothing with others'."""

import json
from datetime import UTC, datetime

import psycopg
import pytest

from jobctl.client import Client, Options
from jobctl.core.edit import Changes
from jobctl.core.errors import IllegalTransition, ScheduleNotFound
from jobctl.core.filters import Filters
from jobctl.core.lifecycle import ControlOutcome
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.worker.sweeper import Sweeper
from tests.plugin.jobctl_test_pipelines import steps
from tests.postgres.role_logins import logins_of

LATER = datetime(2090, 1, 1, tzinfo=UTC)


@pytest.fixture
def logins(conn, database_url):
    with logins_of(conn, database_url) as logins:
        yield logins


def client(logins, who: str) -> Client:
    return Client(logins.queue(who), storage=lambda: None, load=lambda _: steps, user="somebody else")


@pytest.fixture
def ann(logins):
    return client(logins, "ann")


@pytest.fixture
def bob(logins):
    return client(logins, "bob")


def due(conn) -> None:
    """Every schedule was added a quarter of an hour ago: its first instant is now."""
    earlier = "created_at = created_at - interval '15 minutes', next_at = next_at - interval '15 minutes'"
    conn.execute(f"UPDATE schedules SET {earlier}")


# -- edit ------------------------------------------------------------------------------------------------------------


def test_a_submitter_changes_its_own_waiting_job_in_its_own_name(ann, logins, conn):
    ann.submit("steps", {"items": 3})
    (answer,) = ann.edit([1], Changes("highest", "slow", "New", 9, LATER, {"items": 5}))
    assert answer.outcome is ControlOutcome.DONE, answer.message
    (job,) = ann.queue.find(Filters(ids=(1,)), full=True)
    assert (job.priority, job.queue, job.title, job.max_retries, job.run_after, job.input_data) == (
        4, "slow", "New", 9, LATER, {"items": 5} | {k: v for k, v in job.input_data.items() if k != "items"},
    )  # fmt: skip
    actors = conn.execute("SELECT DISTINCT actor FROM events WHERE kind = 'edit'").fetchall()
    assert actors == [(logins.name("ann"),)]


def test_the_job_of_another_is_not_there_to_be_changed(ann, bob, conn):
    ann.submit("steps", {"items": 3})
    before = conn.execute("SELECT jobs::text FROM jobs").fetchall()
    assert bob.edit([1], Changes(title="Bob's"))[0].outcome is ControlOutcome.MISSING
    args = json.dumps({"id": 1, "title": "Bob's", "changed": ["title"]})
    assert bob.queue.connection.execute("SELECT jobctl.checked_edit(%s)", [args]).fetchall() == []
    assert conn.execute("SELECT jobs::text FROM jobs").fetchall() == before


@pytest.mark.parametrize(
    "metadata",
    [
        {"inputs": {"/a": {"key": "jobs/1/1-x/1-s-0", "sha256": "0" * 64}}}, {"inputs": ["jobs/1"]},
        {"inputs": {"/a": {"key": f"markdown/00/{'0' * 64}.md", "sha256": "0" * 64}}},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_a_change_cannot_name_bytes_of_others(ann, conn, metadata):
    ann.submit("steps", {"items": 3})
    args = json.dumps({"id": 1, "metadata": metadata})
    with pytest.raises(psycopg.DataError):
        ann.queue.connection.execute("SELECT jobctl.checked_edit(%s)", [args])


def test_a_change_sets_no_other_part_of_the_metadata(ann, conn):
    ann.submit("steps", {"items": 3})
    args = json.dumps({"id": 1, "metadata": {"mode": "m", "notify_url": "http://x", "reserved_s": 5}})
    ann.queue.connection.execute("SELECT jobctl.checked_edit(%s)", [args])
    (metadata,) = conn.execute("SELECT metadata FROM jobs").fetchone()
    assert metadata["mode"] == "m"
    assert not {"notify_url", "reserved_s"} & metadata.keys()


# -- schedules -------------------------------------------------------------------------------------------------------


def test_a_submitter_has_schedules_of_its_own_and_their_jobs(ann, bob, logins, conn):
    added = ann.schedules.add("nightly", "steps", {"items": 3}, Options(title="T"), every=900)
    assert (added.created_by, [s.name for s in ann.schedules.list()]) == (logins.name("ann"), ["nightly"])
    assert ann.schedules.pause("nightly", reason="x")
    assert ann.schedules.resume("nightly")
    due(conn)
    worker = logins.worker()
    assert Sweeper(worker).sweep(0.0)
    (job,) = ann.find(Filters())
    assert (job.title, job.created_by) == ("T", f"schedule:nightly:{logins.name('ann')}")
    (claimed,) = worker.claim(worker.worker, [ClaimTarget("default", "steps", 2)], 1)
    assert ann.cancel([claimed.token.job_id])[0].outcome is ControlOutcome.REQUESTED
    assert bob.find(Filters()) == []
    assert ann.schedules.get("nightly").last_job_id == job.id
    ann.schedules.remove("nightly")
    assert ann.schedules.list() == []
    assert [found.id for found in ann.find(Filters())] == [job.id]


def test_a_submitter_runs_its_schedule_at_once(ann, logins):
    ann.schedules.add("often", "steps", {"items": 3}, every=900)
    submitted = ann.schedules.run_now("often")
    assert ann.get(submitted.id).created_by == logins.name("ann")
    assert ann.schedules.get("often").last_job_id == submitted.id


def test_of_the_schedules_of_others_a_submitter_sees_and_changes_nothing(ann, bob, queue, conn):
    ann.schedules.add("hers", "steps", {"items": 3}, every=900)
    owner = Client(queue, storage=lambda: None, load=lambda _: steps, user="root")
    owner.schedules.add("theirs", "steps", {"items": 3}, every=900)
    before = conn.execute("SELECT schedules::text FROM schedules ORDER BY name").fetchall()
    assert bob.schedules.list() == []
    assert [s.name for s in ann.schedules.list()] == ["hers"]
    for name in ("hers", "theirs"):
        for act in (bob.schedules.pause, bob.schedules.resume, bob.schedules.remove, bob.schedules.run_now):
            with pytest.raises(ScheduleNotFound):
                act(name)
        for verb, more in (
            ("pause", {}), ("resume", {"next_at": "2026-01-01T00:00:00Z"}), ("remove", {}), ("advance", {"next_at": "2026-01-01T00:00:00Z"}),
        ):  # fmt: skip
            call = f"SELECT jobctl.checked_{verb}_schedule(%s)"
            assert bob.queue.connection.execute(call, [json.dumps({"name": name, **more})]).fetchall() == []
        with pytest.raises(IllegalTransition, match="exists already"):
            bob.schedules.add(name, "steps", {"items": 1}, every=900)
    assert conn.execute("SELECT schedules::text FROM schedules ORDER BY name").fetchall() == before


def test_a_name_that_is_free_again_gives_nobody_the_jobs_of_the_one_before(ann, bob, logins, conn):
    ann.schedules.add("nightly", "steps", {"items": 3}, every=900)
    due(conn)
    Sweeper(logins.worker()).sweep(0.0)
    ann.schedules.remove("nightly")
    bob.schedules.add("nightly", "steps", {"items": 3}, every=900)
    assert bob.find(Filters()) == []


TEMPLATE = {"job_type": "a", "input_data": {}}
GOOD = {"name": "n", "every": 900, "tz": "UTC", "catch_up": "latest", "overlap": "skip", "job": TEMPLATE,
        "created_at": "1999-01-01T00:00:00Z", "next_at": "1999-01-01T00:00:00Z"}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"every": 0}, {"every": -1}, {"every": "NaN"}, {"every": 1e-9}, {"every": 1e12}, {"job": []}, {"job": None},
        {"name": "a:b"}, {"name": ""}, {"cron": "*" * 300, "every": None}, {"cron": "* * * * *"},
        {"job": {"job_type": "a", "metadata": {"inputs": {"/a": {"key": "jobs/1"}}}}},
    ],
    ids=lambda change: json.dumps(change)[:60],
)  # fmt: skip
def test_a_schedule_that_could_harm_others_is_refused(logins, conn, change):
    with pytest.raises((psycopg.DataError, psycopg.IntegrityError)):
        logins.connection("bob").execute("SELECT jobctl.checked_add_schedule(%s)", [json.dumps(GOOD | change)])
    assert conn.execute("SELECT count(*) FROM schedules").fetchone() == (0,)


def test_the_template_of_a_schedule_sets_neither_owner_nor_dependencies_nor_a_time_in_the_past(logins, conn):
    job = TEMPLATE | {"created_by": "schedule:x:root", "after": [1], "key": "k", "run_after": "1999-01-01"}
    logins.connection("bob").execute("SELECT jobctl.checked_add_schedule(%s)", [json.dumps(GOOD | {"job": job})])
    row = conn.execute(
        "SELECT job, created_by, created_at > '2020-01-01', next_at > '2020-01-01' FROM schedules"
    ).fetchone()
    assert row == (TEMPLATE | {"created_by": f"schedule:n:{logins.name('bob')}"}, logins.name("bob"), True, True)


@pytest.mark.parametrize(
    ("job", "timing"),
    [
        ({"job_type": 5, "priority": "x"}, {}), ({}, {}), ({"job_type": "a", "metadata": {"reserved_s": "soon"}}, {}),
        (TEMPLATE, {"tz": "No/Where", "cron": "0 3 * * *", "every": None}), (TEMPLATE, {"cron": "never", "every": None}),
        (TEMPLATE, {"cron": "0 0 31 2 *", "every": None}), (TEMPLATE | {"labels": [1]}, {}), (TEMPLATE | {"max_retries": -1}, {}),
    ],
    ids=lambda value: json.dumps(value)[:50],
)  # fmt: skip
def test_a_schedule_that_cannot_be_fired_is_paused_and_holds_up_no_other(ann, logins, conn, job, timing):
    logins.connection("bob").execute(
        "SELECT jobctl.checked_add_schedule(%s)", [json.dumps(GOOD | {"job": job} | timing)]
    )
    ann.schedules.add("hers", "steps", {"items": 3}, every=900)
    due(conn)
    Sweeper(logins.worker()).sweep(0.0)
    assert len(ann.find(Filters())) == 1
    assert (
        conn.execute("SELECT pause_reason FROM schedules WHERE name = 'n'")
        .fetchone()[0]
        .startswith("it can't be fired")
    )
