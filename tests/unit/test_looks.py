"""Which claims begin at the bottom of the claim targets, and from where the others begin."""

import pytest

from jobctl.worker.looks import COMMIT_LAG, FULL_SCAN, MAX_PAUSE, SHARE, Looks


def looked(*, usual: float = 0.01) -> Looks:
    """After a look at the bottom that left nothing, at 0, and another look, both as long as usual."""
    looks = Looks()
    looks.was_full(0.0, usual, complete=True)
    looks.was_quick(usual, found=True)
    return looks


def test_the_first_look_is_one_at_the_bottom_and_then_one_from_time_to_time():
    assert Looks().is_full(0.0)
    looks = looked()
    assert not looks.is_full(FULL_SCAN - 0.1)
    assert looks.is_full(FULL_SCAN + 0.1)


def test_after_a_hint_what_came_just_now_is_looked_for_before_the_bottom():
    looks = looked()
    looks.want(hinted=True)
    looks.want(hinted=True)
    assert not looks.is_full(1.0)
    assert looks.since(1.0) == 1.0 + COMMIT_LAG
    looks.was_quick(0.01, found=True)
    looks.want(hinted=True)  # one hint after the other does not put the bottom off
    assert looks.is_full(1.0)


def test_without_a_complete_look_every_hint_asks_for_one():
    looks = Looks()
    looks.was_full(0.0, 0.01, complete=False)
    looks.want(hinted=True)
    assert looks.is_full(0.1)
    assert looks.since(0.1) is None


def test_a_look_that_finds_nothing_is_followed_by_one_at_the_bottom():
    looks = looked()
    assert looks.wait(0.1) == float("inf")
    looks.was_quick(0.01, found=False)
    assert looks.wait(0.1) == 0.0
    assert looks.is_full(0.1)


@pytest.mark.parametrize(("excess", "pause"), [(0.0, 0.0), (0.05, SHARE * 0.05), (9.0, MAX_PAUSE)])
def test_the_longer_a_look_at_the_bottom_takes_the_rarer_it_is(excess, pause):
    looks = looked()
    for _ in range(2):
        looks.was_full(1.0, 0.01 + excess, complete=True)
    looks.want()
    end = 1.0 + 0.01 + excess + pause
    assert looks.wait(end - 0.005) == pytest.approx(0.005)
    assert not looks.is_full(end - 0.005)
    assert looks.is_full(end + 0.001)


def test_one_look_that_was_long_because_the_machine_stood_still_is_no_reason_to_wait():
    looks = looked()
    looks.was_full(1.0, 3.0, complete=True)
    looks.want()
    assert looks.is_full(4.1)
