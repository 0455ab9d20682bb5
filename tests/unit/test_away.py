"""What a worker does that was away, and about workers that are gone: numbers and processes alone."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from jobctl.core.attempt import Token
from jobctl.core.errors import CancelNow, ReleaseNow, StorageUnavailable, StoreUnavailable
from jobctl.postgres.lease_rows import Beat, Neighbour, SweepTimers
from jobctl.system import process
from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.storage_outage import FORGET_AFTER, FREE_RETRIES, LAST_RETRY, PATIENCE, StorageOutage
from jobctl.worker.sweeper import LOOK_EVERY, SWEEP_EVERY, Sweeper
from jobctl.worker.taken_over import TakenOver


class Sweeps:
    """Notes what each rescue was told."""

    def __init__(self, *neighbours: Neighbour) -> None:
        self.neighbours = neighbours
        self.rescues: list[list[int]] = []

    def rescue(self, *, limit: int, gone, held) -> list[int]:
        self.rescues.append(sorted(gone))
        return []

    def requeue(self) -> list[int]:
        return []

    expire = fire_schedules = requeue

    def make_due(self) -> int:
        return 0

    def wake_keys(self, keys: object) -> int:
        return 0

    wake_dependents = wake_keys

    def sweep_timers(self) -> SweepTimers:
        return SweepTimers(None, None, notifications_due=False, neighbours=self.neighbours)


class Beats:
    ttl = 30.0

    def beat(self, worker, leases, *, frozen) -> Beat:
        return Beat(draining=False, requests={})


@pytest.fixture
def other():
    """Another process, and what a worker would have recorded of it."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def recorded(pid: int) -> str:
    return process._start(pid)


def test_a_process_is_gone_once_it_has_ended_also_where_its_number_was_given_out_again(other):
    start = recorded(other.pid)
    assert not process.is_gone(other.pid, start)
    assert process.is_gone(other.pid, str(int(start) - 1)), "another process has its number"
    os.kill(other.pid, signal.SIGKILL)
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # still in the table, as a zombie
    assert process.is_gone(other.pid, start)
    other.wait()
    assert process.is_gone(other.pid, start)


def test_this_process_knows_where_it_is():
    own = process.this_process()
    assert (own.pid, own.start, process.here()) == (
        os.getpid(), recorded(os.getpid()), process.Here(own.boot_id, own.pid_namespace)
    )  # fmt: skip


def test_a_worker_of_this_machine_that_ended_makes_a_sweep_due_once(other):
    queue = Sweeps(Neighbour(7, other.pid, recorded(other.pid)))
    sweeper = Sweeper(queue)
    sweeper.sweep(100.0)
    sweeper.look(100.0)
    assert (sweeper.due_in(100.0), sweeper.look_in(100.0)) == (SWEEP_EVERY, LOOK_EVERY)
    other.kill()
    other.wait()
    sweeper.look(100.1)
    assert sweeper.due_in(100.1) > 0, "it looks once a second"
    sweeper.look(101.0)
    assert sweeper.due_in(101.0) == 0
    sweeper.sweep(101.0)
    assert queue.rescues == [[], [7]]
    sweeper.look(102.0)
    assert sweeper.due_in(102.0) > 0, "what was rescued is no news"


def test_a_worker_alone_on_its_machine_looks_at_no_process():
    sweeper = Sweeper(Sweeps(Neighbour(1, os.getpid(), recorded(os.getpid()))))
    sweeper.sweep(100.0)
    assert sweeper.look_in(100.0) == float("inf")


def test_a_worker_that_was_away_takes_back_no_lease_until_others_had_time_to_renew_theirs():
    queue = Sweeps()
    sweeper = Sweeper(queue)
    sweeper.spare(130.0)
    sweeper.sweep(100.0)
    sweeper.sweep(129.0)
    assert queue.rescues == []
    sweeper.sweep(134.0)
    assert len(queue.rescues) == 1


@pytest.mark.parametrize(("silence", "away"), [(5.0, False), (24.9, False), (25.0, True), (3600.0, True)])
def test_an_answer_after_so_long_that_a_lease_could_have_ended_is_one_after_an_absence(silence, away):
    """Also where the machine was suspended: the monotonic clock does not count that, and nothing would be due."""
    times = [0.0]
    leases = LeaseKeeper(Beats(), since_boot=lambda: times[-1])
    assert not leases.renew(1, {}, 100.0).was_away
    times.append(silence)
    assert (leases.renew_in(100.0) == 0.0) == away, "the renewal comes before the next sweep"
    assert leases.renew(1, {}, 100.0).was_away == away
    assert not leases.renew(1, {}, 100.0).was_away


def test_an_attempt_is_asked_for_again_while_its_row_is_locked_and_no_longer_than_a_lease():
    class Uncharges:
        ttl = 30.0

        def __init__(self):
            self.asked = []

        def uncharge(self, worker, attempts):
            self.asked.append(sorted(attempts))
            return {(1, 4)}

    queue = Uncharges()
    taken = TakenOver(queue)
    assert not taken.uncharge(9, 0.0), "no statement without a reason"
    taken.add(Token(1, 4, "x"), 0.0)
    taken.add(Token(2, 1, "y"), 0.0)
    assert taken.uncharge(9, 1.0)
    assert taken.uncharge(9, 31.0)
    assert not taken.uncharge(9, 32.0)
    assert queue.asked == [[(1, 4), (2, 1)], [(1, 4)]]


# -- what an attempt does while the storage, or the database that names it, is away ------------------------------------


class Away:
    """The waits of an attempt, with the clock and the proof under control. ``proofs``: what each raises, or None."""

    def __init__(self, monkeypatch, *proofs: Exception | None) -> None:
        self.now, self.said, self.checks = 0.0, [], 0
        self.stops = SimpleNamespace(pause=False, cancel=False, release=False)
        self._proofs = list(proofs)
        monkeypatch.setattr("jobctl.worker.storage_outage.time.monotonic", lambda: self.now)
        monkeypatch.setattr("jobctl.worker.storage_outage.clock.sleep", self._sleep)
        self.outage = StorageOutage(self._prove, self.stops, self.said.append)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def _prove(self) -> None:
        error = self._proofs.pop(0) if len(self._proofs) > 1 else self._proofs[0]
        if error is not None:
            raise error

    def act(self, *errors: Exception | None):
        """An operation that raises these in turn and then succeeds."""
        left = list(errors)

        def act() -> str:
            if left and (error := left.pop(0)) is not None:
                raise error
            return "done"

        return act

    def check(self) -> None:
        self.checks += 1
        if self.stops.release:
            raise ReleaseNow


GONE = StorageUnavailable("the storage is away")
DATABASE = StoreUnavailable("the database can't be reached")


def test_an_operation_outlasts_the_storage_and_the_database_that_names_it(monkeypatch):
    away = Away(monkeypatch, GONE, DATABASE, None)
    assert away.outage.outlast(away.act(GONE, DATABASE, DATABASE), away.check) == "done"
    assert away.said == ["the storage is away; waiting for it"]


def test_an_attempt_is_released_when_the_storage_stays_away_and_the_job_may_stop(monkeypatch):
    away = Away(monkeypatch, GONE)
    with pytest.raises(ReleaseNow):
        away.outage.outlast(away.act(*[GONE] * 100), away.check)
    assert PATIENCE <= away.now <= PATIENCE + LAST_RETRY
    assert not away.stops.release, "nobody asked for it"


def test_a_fault_that_is_not_of_the_storage_is_of_the_job_after_a_few_tries(monkeypatch):
    away = Away(monkeypatch, None)
    with pytest.raises(StorageUnavailable):
        away.outage.outlast(away.act(*[GONE] * (FREE_RETRIES + 1)), away.check)
    assert away.outage.outlast(away.act(*[None] * 3), away.check) == "done"
    away.now += FORGET_AFTER + 1
    assert away.outage.outlast(away.act(*[GONE] * FREE_RETRIES), away.check) == "done", "those were long ago"


def test_what_is_too_large_for_a_full_storage_waits_though_a_small_file_fits(monkeypatch):
    away = Away(monkeypatch, None)
    full = StorageUnavailable("no room left", full=True)
    with pytest.raises(ReleaseNow):
        away.outage.outlast(away.act(*[full] * 100), away.check)


def test_a_cancel_ends_the_wait_where_the_attempt_may_end_at_any_moment(monkeypatch):
    away = Away(monkeypatch, GONE)
    away.stops.cancel = True
    with pytest.raises(CancelNow):
        away.outage.outlast(away.act(GONE))
    away.stops.cancel, away.stops.release = False, True
    with pytest.raises(ReleaseNow):
        away.outage.outlast(away.act(GONE))
