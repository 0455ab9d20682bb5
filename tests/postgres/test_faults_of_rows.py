"""What the faults of a torture find in the database, and what they do to its clock."""

import random
from dataclasses import replace
from types import SimpleNamespace

import pytest

from jobctl.core.job import NewJob
from jobctl.torture import faults
from jobctl.torture.faults import STEPS, Target
from tests.postgres.test_queue import RECORD

LEASE = 30.0


@pytest.fixture
def target(conn, database_url, tmp_path):
    return Target(SimpleNamespace(), random.Random(1), database_url, tmp_path, LEASE, lambda: None, SimpleNamespace())


@pytest.fixture
def damaged(target):
    """The keys that a fault changes, tried often."""

    def which(fault) -> set[str]:
        for path in target.storage.iterdir():
            path.write_bytes(b"\x00")
        for _ in range(30):
            fault(target)
        return {path.name for path in target.storage.iterdir() if path.read_bytes() != b"\x00"}

    return which


def commit(queue, token, storage, *batches: tuple[str, int]) -> None:
    for seq, (stage, done) in enumerate(batches, 1):
        key = f"{token.job_id}-{stage}-{done}"
        (storage / key).write_bytes(b"\x00")
        queue.commit_stage(token, replace(RECORD, seq=seq, stage=stage, done=done, path=key))


def test_each_damage_has_checkpoints_of_its_own(queue, claim, target, damaged, tmp_path):
    queue.submit([NewJob("a", {}) for _ in range(2)])
    paused, running = claim()
    commit(queue, paused.token, tmp_path, ("one", 0), ("two", 2), ("two", 4))
    queue.pause([paused.token.job_id])
    (tmp_path / "1-two-6").write_bytes(b"\x00")
    queue.commit_stage(paused.token, replace(RECORD, seq=4, stage="two", done=6, path="1-two-6"))
    commit(queue, running.token, tmp_path, ("one", 0), ("two", 2))
    assert damaged(faults.flip_byte) == {"1-two-6"}
    assert damaged(faults.damage_middle_batch) == {"1-two-2", "1-two-4"}
    assert damaged(faults.damage_running) == {"2-one-0", "2-two-2"}


@pytest.fixture
def own_clock(conn):
    """The clock of the schema is itself again afterwards."""
    (definition,) = conn.execute("SELECT pg_get_functiondef('jobctl.clock'::regproc)").fetchone()
    yield
    conn.execute(definition)


@pytest.mark.usefixtures("own_clock")
def test_a_step_sets_the_clock_of_every_session_and_the_clock_goes_on(queue, target):
    look = "SELECT extract(epoch FROM jobctl.clock() - clock_timestamp())::float8"
    seen = set()
    for _ in range(40):  # more often than a session plans a statement anew
        assert faults.step_clock(target)
        offset, later = (queue.connection.execute(look, prepare=True).fetchone()[0] for _ in range(2))
        assert offset == pytest.approx(later, abs=1.0)
        seen.add(round(offset / LEASE, 1))
    assert seen == {step * sign for step in STEPS for sign in (-1, 1)}


@pytest.mark.usefixtures("own_clock")
def test_a_lease_that_the_clock_ran_past_is_charged_and_one_that_it_ran_away_from_is_not(queue, claim, target):
    queue.submit([NewJob("a", {})])
    charged = []
    for leases in (5.0, 0.0):
        claim()
        target.rng.choice = lambda options, leases=leases: leases if options is STEPS else 1
        assert faults.step_clock(target)
        queue.make_due()
        charged += [event.detail["crash_count"] for event in (queue.rescue() and queue.events([1])[-1:])]
    assert charged == [1, 1]
    assert [event.detail["reason"] for event in queue.events([1]) if event.kind == "rescue"] == [
        "lease expired",
        "the clock was set back",
    ]
