"""Local times around a change of the clocks: each means one instant, or is refused with the instants it could mean."""

import time
from datetime import UTC, datetime

import pytest

from jobctl.cli.output import text
from jobctl.core.errors import UsageError
from jobctl.system import clock


@pytest.fixture(autouse=True)
def _berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def when(words: str, **more) -> datetime:
    return text.parse_when(words, option="--at", **more)


def stand_at(monkeypatch, instant: datetime) -> None:
    """Stops the clock that "22:30" and "today" are read by."""
    monkeypatch.setattr(clock, "now", lambda: instant)


@pytest.mark.parametrize(
    ("words", "reason", "hint"),
    [
        ("2026-03-29T02:30", "does not exist", "2026-03-29T01:30:00+01:00 or 2026-03-29T03:30:00+02:00"),
        ("2026-10-25T02:30", "occurs twice", "2026-10-25T02:30:00+02:00 or 2026-10-25T02:30:00+01:00"),
    ],
)
def test_a_time_that_is_not_exactly_one_instant_is_refused(words, reason, hint):
    with pytest.raises(UsageError, match=reason) as refused:
        when(words)
    assert hint in refused.value.hint


def test_the_hours_around_the_change_are_taken_as_they_are():
    assert when("2026-03-29T01:59") == datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    assert when("2026-03-29T03:00") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert when("2026-10-25T03:00") == datetime(2026, 10, 25, 2, 0, tzinfo=UTC)
    assert when("2026-03-29T02:30+02:00") == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    assert when("2026-03-29") == datetime(2026, 3, 28, 23, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "words", "expected"),
    [
        (datetime(2026, 3, 29, 0, 10, tzinfo=UTC), "22:30", datetime(2026, 3, 29, 20, 30, tzinfo=UTC)),
        (datetime(2026, 10, 24, 23, 30, tzinfo=UTC), "22:30", datetime(2026, 10, 25, 21, 30, tzinfo=UTC)),
        (datetime(2026, 3, 28, 22, 0, tzinfo=UTC), "22:30", datetime(2026, 3, 29, 20, 30, tzinfo=UTC)),
    ],
)
def test_a_clock_time_on_the_day_of_the_change_is_not_an_hour_off(monkeypatch, now, words, expected):
    stand_at(monkeypatch, now)
    assert when(words, ahead=True) == expected


def test_a_clock_time_in_the_missing_hour_is_refused(monkeypatch):
    stand_at(monkeypatch, datetime(2026, 3, 28, 23, 30, tzinfo=UTC))
    with pytest.raises(UsageError, match="does not exist"):
        when("02:30", ahead=True)


def test_the_day_begins_with_its_first_moment_where_midnight_is_missing(monkeypatch):
    monkeypatch.setenv("TZ", "America/Santiago")  # 2026-09-06 begins at 01:00
    time.tzset()
    assert when("2026-09-06") == datetime(2026, 9, 6, 4, 0, tzinfo=UTC)
