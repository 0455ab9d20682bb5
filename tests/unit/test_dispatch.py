"""How many jobs are claimed, and how many a child process is sent at once: numbers alone, no process."""

from dataclasses import replace

import pytest

from jobctl.core.lifecycle import Ending
from jobctl.core.limits import Limit
from jobctl.worker.config import WorkerConfig
from jobctl.worker.dispatch import MAX_BATCH, PREFETCH, QUICK, Dispatcher, Pace
from tests.fakes.queue import FakeQueue, claimed

CONFIG = WorkerConfig("w", "h", 1, "0", ("a", "b"), concurrency=4)


def dispatcher(**changes: object) -> tuple[Dispatcher, FakeQueue]:
    queue = FakeQueue()
    return Dispatcher(replace(CONFIG, **changes), queue), queue


@pytest.mark.parametrize(
    ("seconds", "size"),
    [(QUICK, 1), (1.0, 1), (QUICK * 0.99, int(PREFETCH / (QUICK * 0.99))), (0.001, 100), (0.0, MAX_BATCH)],
)
def test_a_batch_is_as_much_work_as_is_prefetched_and_one_job_that_is_not_quick(seconds, size):
    pace = Pace()
    pace.record("a", seconds)
    assert pace.batch_size() == pace.batch_size({"a"}) == size


def test_the_slowest_type_and_an_unknown_one_decide():
    pace = Pace()
    assert pace.batch_size() == pace.batch_size({"a"}) == 1
    pace.record("a", 0.001)
    assert pace.batch_size({"a", "b"}) == 1
    pace.record("b", 0.01)
    assert pace.batch_size({"a", "b"}) == pace.batch_size() == 10


def test_the_mean_follows_slowly_and_a_stuck_job_at_once():
    pace = Pace()
    pace.record("a", 0.001)
    pace.record("a", 0.1)
    assert pace.batch_size() == int(PREFETCH / (0.9 * 0.001 + 0.1 * 0.1))
    pace.raise_to("a", 0.5)
    assert pace.batch_size() == 1


@pytest.mark.parametrize(
    ("loads", "slots"),
    [([], 4), ([1, 1], 2), ([1, 0, 0], 3), ([1, 1, 1, 1], 0), ([1] * 5, 0)],
)
def test_a_child_takes_one_job_of_a_type_that_is_not_quick(loads, slots):
    assert dispatcher()[0].slots(loads) == slots


def test_of_a_quick_type_a_free_child_takes_a_batch_and_a_busy_one_is_filled_up_below_half_of_it():
    dispatch, _ = dispatcher()
    dispatch.pace.record("a", 0.01)  # a batch of ten
    assert dispatch.slots([]) == 40
    assert dispatch.slots([6, 6, 6, 6]) == 0
    assert dispatch.slots([5, 6, 6, 6]) == 5
    assert dispatch.slots([2, 0]) == 30 + 8


def test_what_is_ready_takes_slots():
    dispatch, queue = dispatcher()
    queue.jobs = [claimed(n) for n in range(3)]
    assert len(dispatch.claim(1, 3, 0.0)) == 3
    assert dispatch.slots([]) == 1


def test_max_jobs_and_once_end_the_claiming():
    dispatch, queue = dispatcher(max_jobs=3)
    assert dispatch.slots([]) == 3
    queue.jobs = [claimed(n) for n in range(3)]
    dispatch.claim(1, 3, 0.0)
    assert (dispatch.slots([]), dispatch.exhausted) == (0, True)
    once, queue = dispatcher(once=True)
    assert not once.exhausted
    queue.jobs = [claimed(1)]
    once.claim(1, 4, 0.0)
    assert (once.slots([]), once.exhausted) == (0, True)


def test_after_a_claim_that_found_nothing_the_next_comes_at_the_next_poll_and_at_once_after_a_notification():
    dispatch, queue = dispatcher(poll=8.0)
    queue.jobs = [claimed(1)]
    dispatch.claim(1, 4, 100.0)
    assert dispatch.claim_in(100.0) == 0.0  # where one was, more may be
    dispatch.claim(1, 4, 102.0)
    assert 6.0 <= dispatch.claim_in(102.0) <= 10.0
    dispatch.scan()
    assert dispatch.claim_in(102.0) == 0.0
    dispatch.claim_now = False
    dispatch.postpone(103.0)
    assert dispatch.claim_in(103.0) == 8.0


def test_a_lane_is_probed_from_where_work_was_last_and_from_the_bottom_after_a_while():
    dispatch, queue = dispatcher(types=("a",))
    queue.jobs = [claimed(n) for n in (7, 8)]
    dispatch.claim(1, 1, 0.0)
    dispatch.claim(1, 1, 0.1)
    dispatch.claim(1, 1, 5.0)
    lows = [{target.low_id for target in targets if target.priority == 2} for targets, _ in queue.claims]
    assert lows == [{0}, {7}]  # the third: nothing is ready in any queue, and no statement is sent


def test_rows_that_cannot_be_read_are_claimed_one_by_one_until_the_bad_one_is_alone():
    dispatch, queue = dispatcher()
    tokens = [claimed(n).token for n in range(3)]
    released = dispatch.isolate(RecursionError("deep"), tokens)
    assert [(o.token, o.kind) for o in released] == [(token, Ending.RELEASED) for token in tokens]
    queue.jobs = [claimed(n) for n in range(8)]
    for _ in range(4):
        dispatch.claim(1, 4, 0.0)
    assert [slots for _, slots in queue.claims] == [1, 1, 1, 4]
    (failed,) = dispatch.isolate(RecursionError("deep"), tokens[:1])
    assert (failed.kind, failed.failure.kind) == (Ending.FAILED, "invalid")
    assert "RecursionError: deep" in failed.failure.message


def test_a_batch_is_taken_from_the_front_and_what_comes_back_is_next():
    dispatch, _ = dispatcher()
    dispatch.pace.record("a", 0.02)  # a batch of five
    jobs = [claimed(n) for n in range(7)]
    dispatch.put_back(jobs)
    assert dispatch.may_prefetch()
    batch = dispatch.next_batch()
    assert batch == jobs[:5]
    dispatch.put_back(batch[3:])
    dispatch.drop(4)
    assert [job.token.job_id for job in dispatch.ready] == [3, 5, 6]
    assert [o.token.job_id for o in dispatch.release_ready()] == [3, 5, 6]
    assert dispatch.ready == []


def test_a_limit_that_concerns_no_claimable_job_costs_no_count_and_is_not_exceeded():
    dispatch, queue = dispatcher()
    queue.limits = [
        Limit("type", "b", max_running=1), Limit("queue", "x", rate=1.0), Limit("queue", "default", weight=2),
    ]  # fmt: skip
    queue.idle = frozenset({("type", "b"), ("queue", "x")})
    queue.jobs = [claimed(1), claimed(2, queue="x")]
    dispatch.claim(1, 1, 0.0)
    ((targets, _),) = queue.claims
    assert {(target.queue, target.job_type) for target in targets} == {("default", "a")}
    assert {target.weight for target in targets} == {2}
    queue.idle = frozenset()
    dispatch.scan()
    dispatch.claim(1, 1, 10.0)
    assert {(target.queue, target.job_type) for target in queue.claims[-1][0]} == {("x", "a"), ("x", "b")}
    assert queue.counted == [False, True]
