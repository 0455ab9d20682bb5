"""What a supervisor does with a message that no child process of ours sends: no process."""

from types import SimpleNamespace

import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.lifecycle import Ending
from jobctl.worker.channel import Ended, Line, Logged, ProtocolError, Quit, Returned
from jobctl.worker.children import ChildProcess
from jobctl.worker.config import WorkerConfig
from jobctl.worker.dispatch import Dispatcher
from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.monitor import ChildMonitor
from jobctl.worker.outcomes import OutcomeBuffer
from tests.fakes.queue import FakeQueue, claimed

JOB = claimed(1)
COMPLETED = Outcome(JOB.token, Ending.COMPLETED)


@pytest.fixture
def parts():
    queue = FakeQueue()
    config = WorkerConfig("w", "h", 1, "0", ("a",))
    return SimpleNamespace(
        config=config,
        leases=LeaseKeeper(queue),
        dispatch=Dispatcher(config, queue),
        outcomes=OutcomeBuffer(queue),
        shutdown=SimpleNamespace(requested=False),
    )


@pytest.fixture
def monitor(parts):
    return ChildMonitor(parts, SimpleNamespace(requeue=parts.dispatch.put_back))


@pytest.fixture
def child():
    """A child process that was sent one job."""
    return ChildProcess(None, None, None, jobs={1: JOB}, assigned={1})


@pytest.mark.parametrize(
    "message",
    [Ended(2, None), Ended(2, COMPLETED), Logged(2, [Line("info", None, "text")])],
    ids=["end", "outcome", "lines"],
)
def test_a_message_about_a_job_that_the_child_was_never_sent_is_refused(monitor, parts, child, message):
    with pytest.raises(ProtocolError, match="job 2, which it was never sent"):
        monitor._on_message(child, message, 0.0)
    assert (len(parts.outcomes), child.jobs) == (0, {1: JOB})


def test_jobs_that_were_not_asked_back_are_refused(monitor, parts, child):
    with pytest.raises(ProtocolError):
        monitor._on_message(child, Returned([1]), 0.0)
    assert child.jobs == {1: JOB}
    child.returning_jobs = True
    monitor._on_message(child, Returned([1]), 0.0)
    assert (child.jobs, parts.dispatch.ready) == ({}, [JOB])


@pytest.mark.parametrize("lost", [False, True])
def test_the_outcome_of_a_lost_job_is_dropped(monitor, parts, child, lost):
    if lost:
        parts.leases.mark_lost(1)
    monitor._on_message(child, Ended(1, COMPLETED), 0.0)
    assert (len(parts.outcomes), child.jobs, parts.leases.is_lost(1)) == (0 if lost else 1, {}, False)


@pytest.mark.parametrize(("ending", "stopping", "ends"), [
    (Ending.RELEASED, False, True), (Ending.RELEASED, True, False), (Ending.COMPLETED, False, False),
])  # fmt: skip
def test_a_child_that_gave_its_job_back_is_replaced(monitor, parts, monkeypatch, ending, stopping, ends):
    """It could not use the storage, and may not see one that was mounted anew. The jobs behind come back first."""
    sent: list[object] = []
    monkeypatch.setattr(ChildProcess, "send", lambda _, *messages: sent.extend(messages))
    parts.shutdown.requested = stopping
    second = claimed(2)
    child = ChildProcess(None, None, None, jobs={1: JOB, 2: second}, assigned={1, 2})
    monitor._remover.recall_waiting = lambda child: setattr(child, "returning_jobs", True)
    monitor._on_message(child, Ended(1, Outcome(JOB.token, ending)), 0.0)
    assert (child.retiring, child.returning_jobs, sent) == (ends, ends, [])
    if ends:
        monitor._on_message(child, Returned([2]), 0.0)
        assert (parts.dispatch.ready, [type(message) for message in sent]) == ([second], [Quit])
