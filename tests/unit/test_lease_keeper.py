"""Until when leases are good, when they are renewed, what is requested: numbers alone, no process."""

import pytest

from jobctl.core.attempt import Token
from jobctl.core.errors import StoreUnavailable
from jobctl.core.job import Progress
from jobctl.postgres.lease_rows import Request
from jobctl.worker.leases import LeaseKeeper
from tests.fakes.queue import FakeQueue

TOKENS = {n: Token(n, 1, f"lease-{n}") for n in (1, 2)}


@pytest.fixture
def queue():
    return FakeQueue(ttl=30.0)


@pytest.fixture
def keeper(queue):
    return LeaseKeeper(queue)


def test_leases_are_renewed_six_times_a_lease_and_each_second_while_there_is_no_answer(keeper):
    assert keeper.renew_in(100.0) == 0.0
    keeper.renew(1, TOKENS, 100.0)
    assert keeper.renew_in(101.0) == 4.0
    assert keeper.renew_in(100.5, unreachable=True) == 0.5


def test_leases_are_good_until_one_renewal_before_their_end(keeper, queue):
    assert not keeper.must_freeze(1e9)  # nothing is leased yet
    keeper.claimed(100.0)
    assert not keeper.must_freeze(124.9)
    assert keeper.must_freeze(125.0)
    keeper.renew(1, TOKENS, 110.0)
    assert keeper.freeze_in(110.0) == 25.0
    keeper.claimed(130.0)  # a claim says nothing of the older leases
    assert keeper.must_freeze(135.0)


def test_a_renewal_without_an_answer_extends_nothing(keeper, queue):
    keeper.renew(1, TOKENS, 100.0)
    queue.error = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        keeper.renew(1, TOKENS, 105.0)
    assert keeper.must_freeze(125.0)
    assert keeper.renew_in(105.0) == 5.0  # the try counts: the next is not at once


def test_progress_goes_with_the_next_renewal_and_is_no_reason_for_more_than_one_a_second(keeper, queue):
    keeper.renew(1, TOKENS, 100.0)
    keeper.report(1, Progress(5.0))
    assert keeper.renew_in(100.5) > 0
    assert keeper.renew_in(101.0) == 0.0
    assert keeper.renew_in(101.0, unreachable=True) == 0.0
    keeper.renew(1, TOKENS, 101.0)
    assert queue.beats[-1] == {1: Progress(5.0), 2: None}
    assert keeper.renew_in(102.5) > 0
    keeper.forget(1)
    assert keeper.progress(1) is None


def test_only_changed_requests_are_reported(keeper, queue):
    queue.requested = {1: Request(pause=True)}
    assert keeper.renew(1, TOKENS, 100.0).changed == [1]
    assert keeper.renew(1, TOKENS, 105.0).changed == []
    assert keeper.poll(1, [1, 2], 106.0) == []
    queue.requested = {2: Request(cancel=True)}
    assert keeper.poll(1, [1, 2], 107.0) == [1, 2]
    assert (keeper.request(1), keeper.request(2)) == (Request(), Request(cancel=True))
    assert (keeper.cancelled_for(2, 110.0), keeper.cancelled_for(1, 110.0)) == (3.0, 0.0)
    assert (keeper.poll_in(107.5), keeper.poll_in(109.0)) == (0.5, 0.0)
    keeper.poll_now()
    assert keeper.poll_in(107.5) == 0.0


def test_a_job_that_does_not_come_back_is_lost_until_its_attempt_is_forgotten(keeper, queue):
    queue.lost, queue.draining = {2}, True
    renewal = keeper.renew(1, TOKENS, 100.0)
    assert (renewal.lost, renewal.draining) == ([2], True)
    keeper.mark_lost(2)
    assert keeper.is_lost(2)
    keeper.forget(2)
    assert not keeper.is_lost(2)


def test_after_a_claim_without_an_answer_orphans_are_looked_for_during_one_lease(keeper):
    assert not keeper.may_have_orphans(0.0)
    keeper.claim_failed(100.0)
    assert keeper.may_have_orphans(129.9)
    assert not keeper.may_have_orphans(130.0)


def test_a_frozen_job_is_reported_with_each_renewal_until_it_goes_on(keeper, queue):
    keeper.report_frozen(1, frozen=True)
    keeper.renew(1, TOKENS, 100.0)
    keeper.renew(1, TOKENS, 105.0)
    keeper.report_frozen(1, frozen=False)
    keeper.renew(1, TOKENS, 110.0)
    assert queue.frozen == [{1}, {1}, set()]
