"""What a worker does that was away, and about workers that are gone: numbers and processes alone."""

import os
import signal
import subprocess
import sys

import pytest

from jobctl.core.attempt import Token
from jobctl.postgres.lease_rows import Beat, Neighbour, SweepTimers
from jobctl.system import process
from jobctl.worker.leases import LeaseKeeper
from jobctl.worker.sweeper import LOOK_EVERY, SWEEP_EVERY, Sweeper
from jobctl.worker.taken_over import TakenOver


class Sweeps:
    """Notes what each rescue was told."""

    def __init__(self, *neighbours: Neighbour) -> None:
        self.neighbours = neighbours
        self.rescues: list[list[int]] = []

    def rescue(self, *, limit: int, gone) -> list[int]:
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
