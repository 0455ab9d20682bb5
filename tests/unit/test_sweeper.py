"""When a worker sweeps: numbers alone."""

import pytest

from jobctl.postgres.lease_rows import SweepTimers
from jobctl.worker.sweeper import AFTER_LEASE, LIMIT, REPAIR_EVERY, SWEEP_EVERY, Sweeper


class FakeSweeps:
    def __init__(self) -> None:
        self.lease_end: float | None = None
        self.next_schedule: float | None = None
        self.rescued = 0
        self.work_due = True
        self.notifications_due = False
        self.calls: list[str] = []

    def make_due(self) -> int:
        self.calls.append("due")
        return 0

    def rescue(self, *, limit: int, gone: object, held: object) -> list[int]:
        self.calls.append("rescue")
        self.held = held
        return list(range(min(limit, self.rescued)))

    def requeue(self) -> list[int]:
        self.calls.append("requeue")
        return []

    def wake_keys(self, keys: object) -> int:
        self.calls.append("keys")
        return 0

    def wake_dependents(self, ids: object) -> int:
        self.calls.append("dependents")
        return 0

    def sweep_timers(self) -> SweepTimers:
        return SweepTimers(self.lease_end, self.next_schedule, self.notifications_due, work_due=self.work_due)

    def expire(self) -> list[int]:
        self.calls.append("expire")
        return []

    def fire_schedules(self) -> list[int]:
        self.calls.append("fire")
        return []


@pytest.fixture
def queue():
    return FakeSweeps()


def test_sweeps_come_every_few_seconds_and_repairs_more_seldom(queue):
    sweeper = Sweeper(queue)
    for second in range(int(REPAIR_EVERY) + 1):
        sweeper.sweep(float(second))
    assert queue.calls.count("rescue") == REPAIR_EVERY // SWEEP_EVERY + 1
    assert queue.calls.count("dependents") == 2
    without = Sweeper(FakeSweeps(), auto_retry=False)
    without.sweep(0.0)
    assert "requeue" not in without._queue.calls


@pytest.mark.parametrize(
    ("lease_end", "due"), [(None, SWEEP_EVERY), (25.0, SWEEP_EVERY), (1.5, 1.5 + AFTER_LEASE), (0.0, AFTER_LEASE)]
)
def test_the_next_sweep_comes_when_the_next_lease_ends(queue, lease_end, due):
    sweeper = Sweeper(queue)
    queue.lease_end = lease_end
    sweeper.sweep(100.0)
    assert sweeper.due_in(100.0) == pytest.approx(due)


@pytest.mark.parametrize(
    ("next_schedule", "lease_end", "due"),
    [(None, None, SWEEP_EVERY), (60.0, None, SWEEP_EVERY), (2.0, None, 2.0), (2.0, 0.5, 0.5 + AFTER_LEASE)],
)
def test_the_next_sweep_comes_when_the_next_schedule_is_due(queue, next_schedule, lease_end, due):
    sweeper = Sweeper(queue)
    queue.next_schedule, queue.lease_end = next_schedule, lease_end
    sweeper.sweep(100.0)
    assert sweeper.due_in(100.0) == pytest.approx(due)


def test_after_a_full_sweep_the_next_follows_at_once(queue):
    sweeper = Sweeper(queue)
    queue.rescued = LIMIT
    assert sweeper.sweep(100.0)
    assert sweeper.due_in(100.0) == 0.0
    queue.rescued = LIMIT - 1
    assert sweeper.sweep(100.0)
    assert sweeper.due_in(100.0) == SWEEP_EVERY


def test_a_sweep_without_work_is_one_statement_and_does_everything_once_a_minute(queue):
    sweeper = Sweeper(queue)
    queue.work_due = False
    for second in range(int(REPAIR_EVERY) + 1):
        sweeper.sweep(float(second))
    assert queue.calls.count("rescue") == queue.calls.count("keys") == queue.calls.count("dependents") == 2
    queue.work_due = True
    sweeper.sweep(200.0)
    assert queue.calls.count("rescue") == 3


@pytest.mark.parametrize("due", [True, False])
def test_a_sweep_that_finds_notifications_due_passes_it_on(queue, due):
    queue.notifications_due = due
    calls = []
    Sweeper(queue, notifications_due=lambda: calls.append(1)).sweep(0.0)
    assert bool(calls) is due


def test_a_rescue_is_told_what_the_worker_holds(queue):
    Sweeper(queue).sweep(0.0, held={3: "token"})
    assert list(queue.held) == [3]
