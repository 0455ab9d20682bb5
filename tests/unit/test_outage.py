"""When the database is asked again after it failed, and what is logged: time comes in as a number."""

import logging
from itertools import pairwise

import pytest

from jobctl.core.errors import StoreUnavailable
from jobctl.worker.outage import LAST_RETRY, RENEW, Outage

REFUSED = StoreUnavailable("the database can't be reached: connection refused")
FULL = StoreUnavailable("the disk of the database is full: could not extend file")


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.WARNING, "jobctl.worker")
    return lambda: [record.getMessage() for record in caplog.records]


def test_after_a_failure_only_a_renewal_asks_until_one_is_answered(lines):
    outage = Outage()
    assert outage.allows("claim", 0.0)
    outage.failed("claim", REFUSED, 0.0)
    assert (outage.unreachable, outage.over, outage.failing("claim")) == (True, False, True)
    for moment in (0.0, 100.0):
        assert not outage.allows("settle", moment)
        assert outage.allows(RENEW, moment)
    for moment in (1.0, 2.0, 3.0):
        outage.failed(RENEW, REFUSED, moment)
    outage.succeeded(RENEW, 4.0)
    assert not outage.unreachable
    assert outage.allows("claim", 4.0)
    outage.succeeded("claim", 4.0)
    assert outage.over
    assert lines() == [f"{REFUSED}; running jobs continue, retrying", "the database is back after 4 s"]


def test_a_write_that_fails_while_renewals_work_is_retried_more_and_more_seldom_and_logged_once(lines):
    """A full disk: short updates fit, what needs a new page does not."""
    outage, tries = Outage(), []
    for second in range(600):
        if second % 5 == 0:
            outage.succeeded(RENEW, float(second))
        if outage.allows("settle", float(second)):
            tries.append(second)
            outage.failed("settle", FULL, float(second))
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps == sorted(gaps)
    assert LAST_RETRY <= max(gaps) <= LAST_RETRY + 5
    assert lines() == [f"{FULL}; running jobs continue, retrying"]
    outage.succeeded(RENEW, 600.0)
    outage.succeeded("settle", 600.0)
    assert lines()[1:] == ["the database is back after 600 s"]


def test_another_reason_is_logged_and_the_next_outage_starts_anew(lines):
    outage = Outage()
    outage.failed("settle", REFUSED, 0.0)
    outage.failed(RENEW, FULL, 1.0)
    outage.failed(RENEW, REFUSED, 2.0)
    outage.succeeded(RENEW, 3.0)
    outage.succeeded("settle", 3.0)
    outage.failed(RENEW, REFUSED, 9.0)
    assert [line.split(":")[0] for line in lines()] == [
        "the database can't be reached", "the disk of the database is full", "the database is back after 3 s",
        "the database can't be reached",
    ]  # fmt: skip


def test_a_retry_that_nothing_needs_any_more_does_not_keep_the_outage_open():
    outage = Outage()
    outage.failed("poll", REFUSED, 0.0)
    outage.succeeded(RENEW, 1.0)
    assert not outage.over
    outage.succeeded(RENEW, 6.0)
    assert outage.over
