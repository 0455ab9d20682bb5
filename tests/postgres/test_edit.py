"""Changes of jobs that wait: validated, recorded, and never of a job that runs."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from jobctl.client import Client, Options
from jobctl.core.edit import Changes
from jobctl.core.errors import UsageError
from jobctl.core.filters import Filters
from jobctl.core.lifecycle import ControlOutcome, Status
from jobctl.postgres.connect import connect
from jobctl.postgres.lease_rows import ClaimTarget
from jobctl.postgres.leases import Leases
from tests.plugin.jobctl_test_pipelines import steps

LANES = [ClaimTarget("default", "steps", priority) for priority in range(5)]
LATER = datetime(2090, 1, 1, tzinfo=UTC)


@pytest.fixture
def client(queue):
    return Client(queue, storage=lambda: None, load=lambda _: steps, user="ann")


def job(client: Client, job_id: int = 1):
    return client.queue.find(Filters(ids=(job_id,)), full=True)[0]


def test_each_value_of_a_waiting_job_can_be_changed_and_the_change_is_recorded(client, queue):
    client.submit("steps", {"items": 3})
    changes = Changes("highest", "slow", "New", 9, LATER, {"items": 5})
    (answer,) = client.edit([1], changes)
    assert (answer.outcome, answer.message) == (
        ControlOutcome.DONE,
        "job 1: changed priority, queue, title, max_retries, at, input",
    )
    found = job(client)
    assert (found.priority, found.queue, found.title, found.max_retries, found.run_after) == (
        4,
        "slow",
        "New",
        9,
        LATER,
    )
    assert found.input_data["items"] == 5
    event = queue.events([1])[-1]
    assert (event.kind, event.actor, event.detail["changed"]) == ("edit", "ann", changes.named)


def test_what_is_not_named_stays(client):
    client.submit(
        "steps", {"items": 3}, Options(title="T", queue="q", priority="low", max_retries=2, labels={"a": "b"})
    )
    before = job(client)
    client.pause([1])
    client.edit([1], Changes(title="Other"))
    after = job(client)
    assert after.title == "Other"
    assert after.status is Status.PAUSED
    for name in (
        "queue",
        "priority",
        "max_retries",
        "labels",
        "input_data",
        "run_after",
        "concurrency_key",
        "metadata",
    ):
        assert getattr(after, name) == getattr(before, name), name


@pytest.mark.parametrize(
    "changes",
    [Changes(), Changes(input={"items": "x"}), Changes(queue=""), Changes(max_retries=-1), Changes(priority="soon")],
)
def test_invalid_changes_are_refused_and_change_nothing(client, changes):
    client.submit("steps", {"items": 3})
    before = job(client).updated_at
    with pytest.raises(UsageError):
        client.edit([1], changes)
    assert job(client).updated_at == before


def test_a_running_an_ended_and_a_missing_job_are_refused_with_the_reason(client, queue):
    client.submit("steps", {"items": 3})
    queue.claim(queue.worker, LANES, 1)
    client.submit("steps", {"items": 3})
    client.cancel([2])
    answers = client.edit([1, 2, 9], Changes(title="x"))
    assert [answer.message for answer in answers] == [
        "cannot edit job 1: it is running", "cannot edit job 2: already cancelled", "no such job: 9",
    ]  # fmt: skip
    assert {job(client, n).title for n in (1, 2)} == {"3 items"}


def test_the_input_of_a_job_with_a_checkpoint_stays_and_the_rest_can_be_changed(client, conn):
    client.submit("steps", {"items": 3})
    client.pause([1])
    conn.execute("UPDATE jobs SET last_checkpoint_path = 'x'")
    (refused,) = client.edit([1], Changes(input={"items": 4}))
    assert "checkpoint" in refused.message
    assert client.edit([1], Changes(title="x"))[0].outcome is ControlOutcome.DONE


def test_an_edit_made_from_an_older_input_is_refused(client, conn, monkeypatch):
    client.submit("steps", {"items": 3})
    prepare = client._edited

    def meanwhile(*args, **more):
        conn.execute("""UPDATE jobs SET input_data = '{"items": 7}'""")
        return prepare(*args, **more)

    monkeypatch.setattr(client, "_edited", meanwhile)
    (refused,) = client.edit([1], Changes(input={"items": 4}))
    assert refused.message == "cannot edit job 1: its input was changed meanwhile"
    assert job(client).input_data == {"items": 7}


def test_a_dry_run_changes_nothing(client):
    client.submit("steps", {"items": 3})
    assert client.edit([1], Changes(title="x"), dry_run=True)[0].outcome is ControlOutcome.DONE
    assert job(client).title == "3 items"


def test_an_edit_and_a_claim_at_once_never_change_a_running_job(client, queue, database_url):
    for _ in range(30):
        client.submit("steps", {"items": 1})
    other = Leases(lambda: connect(database_url), actor="test")
    claimed: list = []
    start = threading.Barrier(2)

    def claim() -> None:
        start.wait()
        while len(claimed) < 30:
            claimed.extend(other.claim(queue.worker, LANES, 3))

    thread = threading.Thread(target=claim)
    thread.start()
    start.wait()
    answers = client.edit(list(range(1, 31)), Changes(input={"items": 2}))
    thread.join()
    other.close()
    done = {answer.id for answer in answers if answer.outcome is ControlOutcome.DONE}
    started = {taken.token.job_id: taken.input_data for taken in claimed}
    for job_id, data in started.items():
        assert ('"items": 2' in data) == (job_id in done)


def test_an_edit_to_an_earlier_time_lets_the_job_start(client, queue):
    client.submit("steps", {"items": 1}, Options(delay=3600))
    assert queue.claim(queue.worker, LANES, 1) == []
    client.edit([1], Changes(at=datetime.now(UTC) - timedelta(minutes=1)))
    assert len(queue.claim(queue.worker, LANES, 1)) == 1
