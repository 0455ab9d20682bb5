"""The retry policy of a job type: delays, and classes from exceptions."""

import pytest
from pydantic import BaseModel

from jobctl import Pipeline, Retry, errors, testing
from jobctl.core.retry import failure


class Args(BaseModel):
    pass


class Busy(Exception):
    """A service has no time."""


class VeryBusy(Busy):
    """For longer."""


POLICY = Retry(
    backoff=["10s", 60, "1h"], classes={Busy: "transient", VeryBusy: "paywall", ConnectionError: "permanent"}
)


@pytest.mark.parametrize(("retries", "delay"), [(0, 10), (1, 60), (2, 3600), (7, 3600)])
def test_the_delays_are_those_of_the_policy_and_the_last_one_repeats(retries, delay):
    assert POLICY.delay(retries) == delay
    assert POLICY.delay(retries, 0.5) == pytest.approx(delay * 1.05)


def test_without_delays_the_general_rule_counts():
    assert [Retry().delay(n) for n in (0, 1, 9)] == [60, 120, 1800]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Busy("x"), "transient"), (VeryBusy("x"), "paywall"), (ConnectionResetError("x"), "permanent"),
        (errors.Invalid("x"), "invalid"), (TimeoutError("x"), "transient"), (KeyError("x"), "permanent"),
        (MemoryError(), "invalid"),
    ],
)  # fmt: skip
def test_classes_go_before_the_general_rules_and_after_the_errors_of_jobctl(error, kind):
    assert failure(error, POLICY.kind).kind == kind


def test_what_an_error_was_raised_from_is_classified_too():
    outer = RuntimeError("x")
    outer.__cause__ = Busy("y")
    assert failure(outer, POLICY.kind).kind == "transient"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"backoff": "10s"}, TypeError), ({"backoff": ["soon"]}, ValueError), ({"backoff": [-1]}, ValueError),
        ({"backoff": ["100w"]}, ValueError), ({"classes": {Busy: "later"}}, ValueError), ({"classes": {"Busy": "transient"}}, TypeError),
        ({"classes": {int: "transient"}}, TypeError),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_meant_is_refused(values, error):
    with pytest.raises(error):
        Retry(**values)


def test_the_kit_shows_what_a_worker_would_record():
    pipeline = Pipeline("a", args=Args, retry=POLICY)
    recorded = testing.failure(pipeline, Busy("the service is busy"))
    assert (recorded.kind, recorded.retry_in) == ("transient", 10.0)
    assert testing.failure(pipeline, errors.Transient("x", retry_in=5)).retry_in == 5
    assert testing.failure(pipeline, errors.Invalid("x")).retry_in is None
