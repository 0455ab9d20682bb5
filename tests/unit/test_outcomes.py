"""What ended waits for others, and fails its own job alone: no process."""

import pytest

from jobctl.core.attempt import Outcome
from jobctl.core.errors import StoreUnavailable
from jobctl.core.lifecycle import Ending
from jobctl.worker.channel import Line
from jobctl.worker.outcomes import FLUSH_AT, FLUSH_DELAY, LINES_DELAY, OutcomeBuffer
from tests.fakes.queue import FakeQueue, claimed

NEVER = float("inf")


def completed(job_id: int) -> Outcome:
    return Outcome(claimed(job_id).token, Ending.COMPLETED, output=f'{{"n": {job_id}}}')


TOKEN = claimed(1).token


def line(n: int) -> Line:
    return Line("info", None, f"line {n}")


def rows(*numbers: int) -> list[tuple]:
    return [(1, 1, "info", None, f"line {n}") for n in numbers]


@pytest.fixture
def queue():
    return FakeQueue()


@pytest.fixture
def buffer(queue):
    return OutcomeBuffer(queue)


def test_an_outcome_waits_for_others_only_while_more_jobs_run(buffer):
    assert buffer.flush_in(0.0, busy=True) == buffer.flush_in(0.0, busy=False) == NEVER
    buffer.add(completed(1), 10.0)
    buffer.add(completed(2), 10.01)
    assert buffer.flush_in(10.0, busy=True) == pytest.approx(FLUSH_DELAY)
    assert buffer.flush_in(11.0, busy=True) == 0.0
    assert buffer.flush_in(10.0, busy=False) == 0.0


def test_enough_outcomes_wait_no_longer(buffer):
    for n in range(FLUSH_AT):
        assert buffer.flush_in(10.0, busy=True) > 0
        buffer.add(completed(n), 10.0)
    assert buffer.flush_in(10.0, busy=True) == 0.0


def test_log_lines_are_written_together_a_few_times_a_second(buffer, queue):
    buffer.log(TOKEN, [line(1)])
    assert buffer.flush(10.0, busy=True) == []
    buffer.log(TOKEN, [line(2), line(3)])
    assert buffer.flush_in(10.0, busy=True) == pytest.approx(LINES_DELAY)
    assert buffer.flush(10.0, busy=True) == []
    assert queue.logged == rows(1)
    buffer.flush(10.0 + LINES_DELAY, busy=True)
    assert queue.logged == rows(1, 2, 3)


def test_an_attempt_is_settled_after_its_lines(buffer, queue):
    buffer.log(TOKEN, [line(1)])
    buffer.flush(10.0, busy=True)
    buffer.log(TOKEN, [line(2)])
    buffer.add(completed(1), 10.0)
    buffer.flush(10.0, busy=True)
    assert (queue.logged, queue.settled) == (rows(1), [])
    buffer.flush(10.0, busy=False)
    assert (queue.logged, queue.settled) == (rows(1, 2), [completed(1)])


def test_nothing_is_lost_and_every_lease_lives_on_while_the_database_is_away(buffer, queue):
    buffer.add(completed(1), 0.0)
    buffer.log(TOKEN, [line(1)])
    queue.error = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        buffer.flush(0.0, busy=False)
    assert (len(buffer), buffer.tokens()) == (1, {1: claimed(1).token})
    queue.error = None
    ((ended, settled),) = buffer.flush(1.0, busy=False)
    assert (ended.outcome, settled.id, queue.logged, len(buffer)) == (completed(1), 1, rows(1), 0)


def test_an_outcome_of_a_lost_job_comes_back_as_not_settled(buffer, queue):
    queue.lost = {2}
    for n in (1, 2):
        buffer.add(completed(n), 0.0)
    assert [(e.outcome.token.job_id, s is not None) for e, s in buffer.flush(0.0, busy=False)] == [
        (1, True),
        (2, False),
    ]


@pytest.mark.parametrize("error", [RecursionError("deep"), ValueError("no such form"), TypeError("no JSON")])
def test_an_outcome_that_cannot_be_written_fails_its_own_job_alone(buffer, queue, error):
    queue.refuse = {2: error}
    for n in (1, 2, 3):
        buffer.add(completed(n), 0.0)
    buffer.flush(0.0, busy=False)
    ends = {o.token.job_id: (o.kind, o.failure and o.failure.kind) for o in queue.settled}
    assert ends == {1: (Ending.COMPLETED, None), 2: (Ending.FAILED, "permanent"), 3: (Ending.COMPLETED, None)}
    assert str(error) in next(o.failure.message for o in queue.settled if o.failure)


def test_lines_that_cannot_be_written_hold_no_outcome_back(buffer, queue, monkeypatch):
    def refuse(_: object) -> None:
        raise ValueError("unstorable")

    monkeypatch.setattr(queue, "log", refuse)
    buffer.log(TOKEN, [line(1)])
    buffer.add(completed(1), 0.0)
    assert len(buffer.flush(0.0, busy=False)) == 1
    assert buffer.flush_in(0.0, busy=False) == NEVER


def test_an_outcome_whose_row_is_locked_is_kept_with_its_lease_and_tried_again_with_a_renewal(buffer, queue):
    queue.locked = {1}
    buffer.add(completed(1), 0.0)
    buffer.add(completed(2), 0.0)
    buffer.log(TOKEN, [line(1)])
    assert [ended.outcome.token.job_id for ended, _ in buffer.flush(0.0, busy=False)] == [2]
    assert (len(buffer), list(buffer.tokens()), queue.logged) == (1, [1], [])
    queue.locked = set()
    assert buffer.flush(0.0, busy=False) == []
    buffer.retry_locked()
    assert [(ended.outcome.token.job_id, row is not None) for ended, row in buffer.flush(0.0, busy=False)] == [
        (1, True)
    ]
    assert (len(buffer), queue.logged) == (0, rows(1))
