"""Whether a sweep has something to do: each reason is seen, and nothing is seen where there is none."""

import pytest

from jobctl.core.job import NewJob

SOON = "clock_timestamp() + interval '1 s'"
PAST = "clock_timestamp() - interval '1 s'"
REASONS = {
    "lease": f"UPDATE jobs SET status = 'processing', lease_expires_at = {PAST}, lease_id = gen_random_uuid()",
    "lease from before the clock was set back": "UPDATE jobs SET status = 'processing', lease_id = gen_random_uuid(), lease_expires_at = clock_timestamp() + interval '61 s'",
    "retry": f"UPDATE jobs SET status = 'failed', error_type = 'transient', next_retry_at = {PAST}",
    "expiry": f"UPDATE jobs SET expires_at = {PAST}",
    "schedule": f"UPDATE schedules SET next_at = {PAST}",
    "key": "UPDATE jobs SET concurrency_key = 'k', waiting_on = 'key'",
    "clock that was set back": "UPDATE jobs SET created_at = clock_timestamp() + interval '1 h', run_after = clock_timestamp() + interval '1 h'",
}  # fmt: skip
QUIET = {
    "nothing": "SELECT 1",
    "lease": f"UPDATE jobs SET status = 'processing', lease_expires_at = {SOON}, lease_id = gen_random_uuid()",
    "retry": f"UPDATE jobs SET status = 'failed', error_type = 'transient', next_retry_at = {SOON}",
    "expiry": f"UPDATE jobs SET expires_at = {SOON}",
    "delay": "UPDATE jobs SET run_after = clock_timestamp() + interval '1 h'",
    "dependency": "UPDATE jobs SET waiting_on = 'dependency'",
}


@pytest.fixture
def prepared(queue, conn):
    """A job and a schedule, past the triggers that guard moves."""
    queue.submit([NewJob("a", {})])
    conn.execute(
        "INSERT INTO schedules (name, every_s, job, next_at) VALUES ('s', 3600, '{}', clock_timestamp() + interval '1 h')"
    )
    conn.execute("SET session_replication_role = replica")
    yield queue
    conn.execute("SET session_replication_role = origin")


@pytest.mark.parametrize("reason", REASONS)
def test_a_reason_to_sweep_is_seen(prepared, conn, reason):
    assert not prepared.sweep_timers().work_due
    conn.execute(REASONS[reason])
    assert prepared.sweep_timers().work_due


@pytest.mark.parametrize("state", QUIET)
def test_what_is_not_due_is_no_reason(prepared, conn, state):
    conn.execute(QUIET[state])
    assert not prepared.sweep_timers().work_due
