"""A job as it is shown: ages, names, results, progress."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from jobctl.core.job import CLOCK_SLACK, IDLE_AFTER, Job, Progress
from jobctl.core.lifecycle import Status
from jobctl.core.pausing import pauses_never

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=3)


def ago(seconds):
    return NOW - timedelta(seconds=seconds)


def job(status=Status.PROCESSING, **known):
    values = dict.fromkeys(field.name for field in fields(Job))
    values |= {
        "id": 1,
        "job_type": "count_words",
        "status": status,
        "title": "",
        "metadata": {},
        "progress": Progress(),
    }
    values |= {"created_at": LONG_AGO, "run_after": LONG_AGO, "now": NOW, "lease_ttl": 30.0, "ended_run_s": 0.0}
    return Job(**values | {"retry_count": 0, "max_retries": 3} | known)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("percent", [0, 50.5, 100], [-1, 100.1, "50", float("nan")]),
        ("stage", ["x"], [3, ["x"]]),
        ("current", [0, 7], ["7", 1.5]),
        ("rate_per_s", [0, 2.5], [-1, float("inf"), float("nan"), "fast"]),
    ],
)
def test_a_progress_takes_values_of_the_right_type_and_ignores_others(name, good, bad):
    assert all(getattr(Progress.of({name: value}), name) == value for value in good)
    assert all(Progress.of({name: value}) == Progress() for value in bad)


@pytest.mark.parametrize("data", [None, [], "text", 3, {}, {"of_a_newer_version": 1}])
def test_a_progress_of_unknown_form_is_an_empty_one(data):
    assert Progress.of(data) == Progress()


def test_the_column_of_a_progress_gives_it_back_and_leaves_out_what_is_unknown():
    progress = Progress(40.0, "embed", current=4, total=10, updated_at=NOW.isoformat())
    assert set(progress.column()) == {"percent", "stage", "current", "total", "updated_at"}
    assert Progress.of(progress.column()) == progress


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-05-01T12:00:00"])
def test_a_progress_without_an_instant_in_a_zone_has_not_moved(text):
    assert Progress(updated_at=text).moved_at is None


@pytest.mark.parametrize("text", ["2026-05-01T12:00:00+00:00", "2026-05-01T14:00:00+02:00", "2026-05-01T12:00:00Z"])
def test_a_progress_moved_at_its_instant(text):
    assert Progress(updated_at=text).moved_at == NOW


@pytest.mark.parametrize(
    ("metadata", "shown"),
    [
        ({}, "Count words: T"),
        ({"label": "Counting"}, "Counting: T"),
        ({"label": "", "mode": "fast"}, "Count words: T (fast)"),
        ({"label": 3, "mode": 4}, "Count words: T"),
    ],
)
def test_a_job_is_named_by_the_label_it_had_and_else_by_its_type(metadata, shown):
    assert job(title="T", metadata=metadata).display_name == shown


def test_actions_follow_the_requests_and_retries_of_the_row():
    assert job(pause_requested_at=NOW).actions == ("resume", "cancel")
    assert job(cancel_requested_at=NOW).actions == ()
    assert "retry" in job(Status.FAILED, retry_count=2).actions
    assert "retry" not in job(Status.FAILED, retry_count=3).actions


@pytest.mark.parametrize(
    ("status", "size", "path", "location"),
    [
        (Status.PROCESSING, 10, "a", None),
        (Status.FAILED, None, None, None),
        (Status.COMPLETED, None, None, "row"),
        (Status.COMPLETED, 10, "a", "storage"),
        (Status.COMPLETED, 10, None, "pruned"),
    ],
)
def test_the_place_of_a_result(status, size, path, location):
    assert job(status, result_size=size, result_path=path).result_location == location


@pytest.mark.parametrize(
    ("beat", "age", "alive"),
    [
        (0, 0.0, True),
        (9.9, 9.9, True),
        (10, 10.0, False),
        (500, 500.0, False),
        (-CLOCK_SLACK, 0.0, True),
        (-5, 0.0, False),
    ],
)
def test_a_running_job_is_alive_within_a_third_of_its_lease(beat, age, alive):
    shown = job(heartbeat_at=ago(beat))
    assert (shown.heartbeat_age, shown.alive) == (age, alive)


@pytest.mark.parametrize(
    "shown", [job(), job(Status.PAUSED, heartbeat_at=NOW), job(Status.COMPLETED, heartbeat_at=NOW)]
)
def test_a_job_that_does_not_run_or_never_beat_is_not_alive(shown):
    assert shown.heartbeat_age is None
    assert not shown.alive
    assert not shown.stalled


@pytest.mark.parametrize(
    ("created", "run_after", "due"),
    [(60, -30, 30.0), (60, 30, 0.0), (-300, -301, 0.0), (-300, -302, 302.0), (-300, -300, 0.0)],
)
def test_a_job_submitted_for_now_is_due_whatever_the_clock_does(created, run_after, due):
    assert job(Status.PENDING, created_at=ago(created), run_after=ago(run_after)).due_in == due


@pytest.mark.parametrize(
    ("status", "started", "attempt", "expires", "run"),
    [
        (Status.PENDING, None, None, None, None),
        (Status.PAUSED, LONG_AGO, ago(20), None, 5.0),
        (Status.PROCESSING, LONG_AGO, None, None, 5.0),
        (Status.PROCESSING, LONG_AGO, ago(20), None, 25.0),
        (Status.PROCESSING, LONG_AGO, ago(20), ago(-10), 25.0),
        (Status.PROCESSING, LONG_AGO, ago(20), ago(8), 17.0),
        (Status.PROCESSING, LONG_AGO, ago(-9), None, 5.0),
    ],
)
def test_the_time_a_job_ran_is_that_of_its_attempts_until_the_lease_ended(status, started, attempt, expires, run):
    shown = job(status, started_at=started, attempt_started_at=attempt, lease_expires_at=expires, ended_run_s=5.0)
    assert shown.run_s == run


def test_the_newest_movement_counts_and_one_from_the_future_does_not():
    moved = Progress(updated_at=ago(70).isoformat())
    assert job().idle is None
    assert job(Status.PAUSED, logged_at=ago(3)).idle is None
    assert job(attempt_started_at=ago(90), progress=moved).idle == 70
    assert job(attempt_started_at=ago(90), progress=moved, checkpoint_at=ago(8)).idle == 8
    assert job(attempt_started_at=ago(90), logged_at=ago(-5)).idle == 90


@pytest.mark.parametrize(
    ("beat", "moved", "stalled"),
    [(1, IDLE_AFTER, True), (1, IDLE_AFTER - 1, False), (20, IDLE_AFTER, False), (1, -5, False)],
)
def test_a_job_that_beats_without_moving_for_a_minute_is_stalled(beat, moved, stalled):
    assert job(heartbeat_at=ago(beat), attempt_started_at=ago(moved)).stalled is stalled


@pytest.mark.parametrize(
    ("known", "never"),
    [
        ({}, True),
        ({"pause_freezes": True}, False),
        ({"pause_requested_at": None}, False),
        ({"status": Status.PAUSED}, False),
        ({"progress": Progress(pause_support="signal")}, False),
        ({"progress": Progress()}, False),
    ],
)
def test_a_pause_that_the_program_of_a_running_job_cannot_obey(known, never):
    pausing = {"pause_requested_at": NOW, "pause_freezes": False, "progress": Progress(pause_support="none")}
    assert pauses_never(job(**pausing | known)) is never
