"""Progress: percent that never decreases, counts, rate and time left, and no more reports than are worth it."""

from datetime import UTC, datetime
from unittest.mock import sentinel

import pytest

from jobctl.core.job import PROGRESS_CAP, Progress
from jobctl.core.pipeline import Stage
from jobctl.worker.progress import DETAILS_CAP, ProgressReporter

FIRST = Stage("embedding", sentinel.run, 50)
SECOND = Stage("saving", sentinel.run, 50)


class Clock:
    """Time that moves when the test says so, in seconds."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def sent() -> list[Progress]:
    return []


@pytest.fixture
def make(clock, sent):
    def reporter(percent: float = 0.0, **more: float) -> ProgressReporter:
        return ProgressReporter(
            sent.append, percent, monotonic=clock, now=lambda: datetime(2026, 11, 25, tzinfo=UTC), **more
        )

    return reporter


def test_a_stage_that_begins_is_reported_at_once(make, sent):
    reporter = make()
    reporter.begin(FIRST, 0.0, 50.0)
    reporter.begin(SECOND, 50.0, 100.0)
    assert [(p.stage, p.percent, p.details) for p in sent] == [
        ("embedding", 0.0, "Embedding"),
        ("saving", 50.0, "Saving"),
    ]
    assert sent[0].updated_at == "2026-11-25T00:00:00.000+00:00"
    assert reporter.stage == "saving"


def test_percent_is_within_the_span_of_the_stage_and_never_decreases(make):
    reporter = make(30.0)
    reporter.begin(FIRST, 20.0, 60.0)
    percents = []
    for current in (0, 1, 3, 2, 4, 9, -5):
        reporter.update("", current=current, total=4)
        percents.append(reporter.snapshot().percent)
    assert percents == [30.0, 30.0, 50.0, 50.0, 60.0, 60.0, 60.0]
    reporter.finish()
    last = reporter.snapshot()
    assert (last.percent, last.details, last.current) == (100.0, "Done", None)


def test_updates_are_reported_no_more_often_than_is_worth_it(make, sent, clock):
    reporter = make()
    reporter.begin(FIRST, 0.0, 100.0)
    for number in range(1_000):
        clock.at += 0.001
        reporter.update(f"{number}")
    assert 4 <= len(sent) <= 6
    assert sent[-1].details != "999"
    assert reporter.snapshot().details == "999"


def test_an_attempt_that_is_over_soon_reports_nothing(make, sent, clock):
    reporter = make(quiet=0.01)
    reporter.begin(FIRST, 0.0, 100.0)
    reporter.update("x", current=1, total=2)
    assert sent == []
    clock.at += 0.02
    reporter.update("y", current=2, total=2)
    assert [p.details for p in sent] == ["y"]


def test_counts_have_a_rate_and_a_time_left_once_there_is_something_to_tell_it_from(make, clock):
    reporter = make()
    reporter.begin(FIRST, 0.0, 100.0)
    reporter.count(FIRST, "chunk", 100, 400)
    assert (reporter.snapshot().rate_per_s, reporter.snapshot().eta_s) == (None, None)
    clock.at += 2.0
    reporter.count(FIRST, "chunk", 120, 400)
    shown = reporter.snapshot()
    assert (shown.rate_per_s, shown.eta_s) == (10.0, 28.0)
    assert (shown.current, shown.total, shown.unit, shown.substage) == (120, 400, "chunk", "chunk")
    assert shown.details == "Embedding chunk 120 of 400"
    reporter.begin(SECOND, 0.0, 100.0)
    assert reporter.snapshot().current is None


def test_counts_stay_when_only_the_text_changes(make):
    reporter = make()
    reporter.update("one", current=1, total=2, unit="page")
    reporter.update("two")
    assert (reporter.snapshot().details, reporter.snapshot().current) == ("two", 1)


@pytest.mark.parametrize("text", ["x" * 5_000, "\x01" * 5_000, "\ud800" * 600, "a\x00b", "é" * 600, 17])
def test_whatever_the_text_is_the_row_can_have_it(make, text):
    reporter = make()
    reporter.update(text, current=1, total=2, unit="u" * 500)
    shown = reporter.snapshot()
    assert shown.details is None or len(shown.details.encode()) <= DETAILS_CAP
    assert "\x00" not in (shown.details or "")
    assert sum(len(str(value).encode()) for value in shown.column().values()) <= PROGRESS_CAP


@pytest.mark.parametrize(
    ("current", "total"), [(10**30, 10**31), (float("nan"), 5), (1, float("inf")), (float("inf"), 2)]
)
def test_counts_that_are_no_numbers_are_left_out(make, current, total):
    reporter = make()
    reporter.update("x", current=current, total=total)
    shown = reporter.snapshot()
    assert (shown.current, shown.total) == (None, None)
    assert 0.0 <= shown.percent <= 100.0


def test_what_is_no_count_at_all_is_the_callers_error(make):
    with pytest.raises(TypeError):
        make().update("x", current="1", total=2)
