"""Instants of schedules: numbers alone."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise

import pytest

from jobctl.core.errors import UsageError
from jobctl.core.schedule import MOST_CAUGHT_UP, CatchUp, Overlap, Schedule, Timing, scheduled_job, timing

START = datetime(2026, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def cron(expression: str, tz: str = "Europe/Berlin") -> Timing:
    return Timing(expression, None, tz, START)


def next_of(schedule: Timing, moment: str, count: int) -> list[datetime]:
    return list(islice(schedule.instants(at(moment)), count))


def test_a_daily_job_in_an_hour_that_does_not_exist_fires_once():
    found = next_of(cron("30 2 * * *"), "2026-03-28T12:00", 2)
    assert found == [at("2026-03-29T01:00"), at("2026-03-30T00:30")]


def test_a_daily_job_in_the_doubled_hour_fires_once():
    found = next_of(cron("30 2 * * *"), "2026-10-24T12:00", 2)
    assert found == [at("2026-10-25T00:30"), at("2026-10-26T01:30")]


@pytest.mark.parametrize("moment", ["2026-10-25T00:30", "2026-10-25T00:45", "2026-10-25T01:15", "2026-10-25T01:30"])
def test_an_instant_that_has_passed_never_comes_again_in_the_second_pass_of_an_hour(moment):
    assert cron("30 2 * * *").after(at(moment)) == at("2026-10-26T01:30")


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_job_of_every_half_hour_goes_on_through_a_change_of_the_clock(day):
    found = next_of(cron("*/30 * * * *"), f"{day}T00:00", 6)
    assert {b - a for a, b in pairwise(found)} == {timedelta(minutes=30)}


def test_a_walk_step_by_step_finds_the_same_instants_as_one_walk():
    for day in ("2026-03-28", "2026-10-24"):
        for expression in ("30 2 * * *", "*/20 * * * *", "15 2,3 * * *"):
            moment = at(f"{day}T00:00")
            steps = [moment := cron(expression).after(moment) for _ in range(100)]
            assert steps == next_of(cron(expression), f"{day}T00:00", 100)


def test_an_interval_counts_from_its_start():
    schedule = Timing(None, 900.0, "UTC", START)
    assert schedule.after(START) == START + timedelta(minutes=15)
    assert schedule.after(START + timedelta(minutes=16)) == START + timedelta(minutes=30)
    assert schedule.after(START - timedelta(days=1)) == START + timedelta(minutes=15)


@pytest.mark.parametrize("schedule", [cron("*/15 * * * *"), Timing(None, 900.0, "UTC", START)], ids=["cron", "every"])
def test_missed_instants_are_caught_up_as_the_policy_says(schedule):
    first, now = START + timedelta(minutes=15), START + timedelta(hours=2, minutes=10)
    missed = [START + timedelta(minutes=15 * n) for n in range(1, 9)]
    assert schedule.due(first, now, CatchUp.ALL) == missed
    assert schedule.due(first, now, CatchUp.LATEST) == missed[-1:]
    assert schedule.due(first, now, CatchUp.SKIP) == []
    for policy in CatchUp:
        assert schedule.due(first, first, policy) == [first]
        assert schedule.due(first, first + timedelta(seconds=30), policy) == [first]


@pytest.mark.parametrize("schedule", [cron("* * * * *"), cron("0 3 * * *"), Timing(None, 1.0, "UTC", START)])
def test_catching_up_on_years_is_bounded(schedule):
    now = START + timedelta(days=3650)
    found = schedule.due(schedule.after(START), now, CatchUp.ALL)
    assert len(found) == MOST_CAUGHT_UP
    assert found[-1] <= now < schedule.after(found[-1])


@pytest.mark.parametrize(
    ("expression", "every", "tz", "message"),
    [
        ("0 3 * *", None, "UTC", "not a cron expression"),
        ("99 * * * *", None, "UTC", "not a cron expression"),
        ("0 0 30 2 *", None, "UTC", "not a cron expression|never matches"),
        ("0 0 */15 * MON#2", None, "UTC", "never matches"),  # the second Monday is no 1st, 16th or 31st
        ("0 3 * * *", None, "Mars/Base", "unknown time zone"),
        ("0 3 * * *", None, "../etc/passwd", "unknown time zone"),
        ("0 3 * * *", 60.0, "UTC", "either"),
        (None, None, "UTC", "either"),
        (None, 0.0, "UTC", "invalid interval"),
        (None, 1e12, "UTC", "invalid interval"),
        (None, float("nan"), "UTC", "invalid interval"),
    ],
)
def test_a_timing_without_instants_is_refused(expression, every, tz, message):
    with pytest.raises(UsageError, match=message):
        timing(cron=expression, every=every, tz=tz, start=START)


def test_a_timing_is_shown_in_its_time_zone():
    assert cron("0 3 * * *").local(at("2026-07-01T01:00")).isoformat() == "2026-07-01T03:00:00+02:00"
    assert cron("0 3 * * *").text == "0 3 * * * Europe/Berlin"
    assert Timing(None, 900.0, "UTC", START).text == "every 15m"


def test_a_valid_timing_is_given_back():
    assert timing(cron=None, every=900.0, tz="UTC", start=START) == Timing(None, 900.0, "UTC", START)


@pytest.mark.parametrize(("paused", "hours"), [(None, [3, 4, 5]), (START, [])])
def test_a_schedule_shows_its_next_instants_unless_it_is_paused(paused, hours):
    first = START + timedelta(hours=3)
    shown = Schedule(
        "s", Timing(None, 3600.0, "UTC", START), {}, CatchUp.ALL, Overlap.SKIP, "", START, paused, None, first,
        None, None, None, served=True, now=START,
    )  # fmt: skip
    assert shown.upcoming(3) == [START + timedelta(hours=hour) for hour in hours]


def test_the_job_of_an_instant_has_a_key_of_its_own_and_excludes_others_of_its_schedule():
    fields = {"job_type": "t", "input_data": {"a": 1}, "of_a_newer_version": 1, "after": (3,)}
    job = scheduled_job("nightly", fields, START)
    assert (job.key, job.concurrency_key) == (f"schedule:nightly@{START.isoformat()}", "schedule:nightly")
    assert (job.input_data, job.created_by, job.after) == ({"a": 1}, "schedule:nightly", ())
    assert scheduled_job("nightly", fields | {"concurrency_key": "own"}, None).concurrency_key == "own"
    assert scheduled_job("nightly", fields, None).key is None


def test_a_timing_of_a_zone_that_is_unknown_here_is_shown_in_utc():
    assert cron("0 3 * * *", "Mars/Base").local(at("2026-07-01T01:00")) == at("2026-07-01T01:00")
