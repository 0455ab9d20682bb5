"""Following jobs from code: every change of status, progress, and the end."""

from itertools import islice

import pytest

from jobctl import Deleted, Noted, Progress, Progressed, Status, StatusChanged, errors
from jobctl.client import Client
from jobctl.core.attempt import Outcome
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Ending
from jobctl.core.retry import failure


class Steps:
    """Runs the next step each time the watch sleeps, and records for how long it would have slept."""

    def __init__(self, *steps):
        self.steps = list(steps)
        self.slept = []

    def sleep(self, seconds):
        self.slept.append(seconds)
        if self.steps:
            self.steps.pop(0)()


def watching(queue, steps=None, **more):
    return Client(queue, storage=None, load=None, sleep=(steps or Steps()).sleep, **more)


def moves(events, job_id):
    return [e.status for e in events if isinstance(e, StatusChanged) and e.job_id == job_id]


def test_each_job_is_followed_from_its_submission_to_its_end(queue, claim):
    a, b = (s.id for s in queue.submit([NewJob("a", {}), NewJob("b", {})]))
    tokens = {}

    def start():
        tokens.update({job.token.job_id: job.token for job in claim()})

    def progress():
        queue.beat(queue.worker, {a: (tokens[a], Progress(50.0, "s", current=5, total=10))})
        queue.cancel([b], reason="no need")

    def end():
        queue.settle([Outcome(tokens[a], Ending.COMPLETED), Outcome(tokens[b], Ending.CANCELLED)])

    steps = Steps(start, progress, end)
    events = list(watching(queue, steps).watch([a, b]))
    assert moves(events, a) == [Status.PENDING, Status.PROCESSING, Status.COMPLETED]
    assert moves(events, b) == [Status.PENDING, Status.PROCESSING, Status.CANCELLED]
    assert next(e for e in events if isinstance(e, Progressed)).progress.current == 5
    noted = next(e for e in events if isinstance(e, Noted))
    assert (noted.job_id, noted.kind, noted.detail["reason"]) == (b, "cancel_requested", "no need")
    first = next(e for e in events if isinstance(e, StatusChanged))
    assert (first.before, first.kind, first.at.tzinfo is not None) == (None, "submit", True)
    assert not steps.steps


def test_moves_between_two_looks_are_not_lost(queue, claim):
    (job,) = (s.id for s in queue.submit([NewJob("a", {})]))

    def several():
        for _ in range(3):
            queue.pause([job])
            queue.resume([job])

    events = list(islice(watching(queue, Steps(several)).watch([job]), 7))
    assert moves(events, job) == [Status.PENDING] + [Status.PAUSED, Status.PENDING] * 3


def test_a_failed_job_that_will_be_retried_has_not_ended(queue, claim, conn):
    (job,) = (s.id for s in queue.submit([NewJob("a", {})]))

    def fail(retry_after):
        (claimed,) = claim()
        problem = failure(errors.Transient("away"))
        queue.settle([Outcome(claimed.token, Ending.FAILED, failure=problem, retry_after=retry_after)])

    def due():
        conn.execute("UPDATE jobs SET next_retry_at = now() - interval '1 second' WHERE status = 'failed'")
        queue.requeue()

    events = list(watching(queue, Steps(lambda: fail(60.0), due, lambda: fail(None))).watch([job]))
    assert moves(events, job)[-1] is Status.FAILED
    assert moves(events, job).count(Status.FAILED) == 2


def test_a_job_that_has_ended_yields_its_history_and_a_deleted_one_its_end(queue):
    done, gone = (s.id for s in queue.submit([NewJob("a", {}), NewJob("a", {})]))
    queue.cancel([done])

    def delete():
        queue.cancel([gone])
        queue.delete([gone])

    events = list(watching(queue, Steps(delete)).watch([done, gone, done]))
    assert moves(events, done) == [Status.PENDING, Status.CANCELLED]
    assert events[-1] == Deleted(gone)


def test_an_unknown_job_is_refused_at_the_call_and_a_limit_of_time_ends_the_watch(queue):
    with pytest.raises(errors.JobNotFound):
        watching(queue).watch([5])
    (job,) = (s.id for s in queue.submit([NewJob("a", {})]))
    clock = iter(range(100))
    with pytest.raises(TimeoutError):
        list(watching(queue, monotonic=lambda: next(clock)).watch([job], timeout=5))
    assert list(watching(queue).watch([])) == []


def test_a_job_that_does_not_move_is_looked_at_less_often_and_its_history_not_at_all(queue, monkeypatch):
    (job,) = (s.id for s in queue.submit([NewJob("a", {})]))
    verbs = []
    run = queue._run
    monkeypatch.setattr(queue, "_run", lambda verb, **values: verbs.append(verb) or run(verb, **values))
    steps = Steps(*[lambda: None] * 9, lambda: queue.cancel([job]))
    list(watching(queue, steps).watch([job]))
    assert verbs.count("events_since") == 2
    assert steps.slept == sorted(steps.slept)
    assert steps.slept[-1] == 1.0
