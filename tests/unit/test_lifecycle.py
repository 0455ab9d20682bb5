"""What the table of moves says of statuses."""

import pytest

from jobctl.core.lifecycle import ACTIVE, DONE, PAIRS, Status, allowed, reachable


@pytest.mark.parametrize("source", Status)
def test_a_status_is_reachable_from_itself(source):
    assert reachable(source, source)


@pytest.mark.parametrize(("source", "target"), [(s, t) for s in ACTIVE for t in Status])
def test_an_unfinished_job_can_still_reach_every_status(source, target):
    assert reachable(source, target)


@pytest.mark.parametrize("source", [Status.COMPLETED, Status.CANCELLED])
def test_a_completed_or_cancelled_job_reaches_nothing_without_a_person(source):
    assert [target for target in Status if reachable(source, target)] == [source]


def test_a_failed_job_may_be_retried_automatically():
    assert all(reachable(Status.FAILED, target) for target in Status)


def test_only_moves_of_the_table_are_allowed():
    assert allowed(Status.PENDING, Status.PROCESSING)
    assert not allowed(Status.COMPLETED, Status.PROCESSING)
    assert not allowed(Status.PAUSED, Status.COMPLETED)
    assert not any(allowed(source, Status.PROCESSING) for source in DONE)
    assert {(s, t) for s in Status for t in Status if allowed(s, t)} == PAIRS
