"""The chaos suite in its small size; the long one is `make nightly`."""

import json
import shutil

import pytest

from tests.conftest import ROOT


@pytest.mark.timeout(400)
def test_faults_at_random_lose_nothing_and_do_nothing_twice(shell):
    """Bounded by what was done: a machine that is busy takes longer for the same faults and the same jobs."""
    bounds = ("--seconds", "5", "--min-faults", "40", "--min-completed", "30", "--rate", "8")
    done = shell("torture", *bounds, "--json", wait=380)
    told = json.loads(done.out)
    assert told["verdict"] == {"lost": 0, "duplicated": 0, "stale": 0, "bad": 0, "illegal": 0, "charged": 0}, told[
        "findings"
    ]
    assert done.code == 0, done.err
    assert sum(told["faults"].values()) >= 40
    assert told["jobs"]["completed"] >= 30
    # one shuffled deck of all of them: only those that found nothing to act on may be missing
    present = {"kill worker", "kill child", "cut backend", "crash server", "step clock", "partition"}
    assert present <= told["faults"].keys()
    assert {"storage full", "storage read-only", "storage gone"} & told["faults"].keys()


def test_a_fault_that_does_not_exist_is_named(shell):
    done = shell("torture", "--fault", "earthquake")
    assert done.code == 5
    assert "earthquake" in done.err
    assert "kill worker" in done.err


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_with_the_token_switched_off_the_torture_finds_it(shell, tmp_path):
    """The proof of the judge: the same run on a copy of jobctl in which any attempt may write."""
    copy = shutil.copytree(ROOT / "jobctl", tmp_path / "jobctl")
    shutil.copytree(ROOT / "migrations", tmp_path / "migrations")
    sql = copy / "postgres" / "sql"
    for verb, guard in (
        ("beat", " AND j.lease_seq = b.lease_seq AND j.lease_id = b.lease_id"),
        ("settle", " AND j.lease_seq = g.lease_seq AND j.lease_id = g.lease_id"),
        ("commit_stage", " AND lease_seq = %(lease_seq)s AND lease_id = %(lease_id)s"),
    ):
        text = (sql / f"{verb}.sql").read_text()
        assert guard in text
        (sql / f"{verb}.sql").write_text(text.replace(guard, ""))
    words = [
        "torture",
        "--seconds",
        "40",
        "--fault",
        "stop worker",
        "--fault",
        "stop child",
        "--workers",
        "6",
        "--json",
    ]
    done = shell(*words, wait=360, env={"PYTHONPATH": str(tmp_path)})
    assert done.code == 12, done.err
    verdict = json.loads(done.out)["verdict"]
    assert verdict["stale"] + verdict["duplicated"] + verdict["illegal"] > 0
