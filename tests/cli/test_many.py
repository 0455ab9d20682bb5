"""A verb on very many jobs: it asks at once, whatever their number, and acts on a part at a time."""

import json

import pytest

from jobctl.client import inspection
from jobctl.core.job import NewJob
from jobctl.postgres.session import Session

ENDED = (
    "INSERT INTO jobs (job_type, status, title, completed_at) "
    "SELECT 'steps', 'completed', 'Volume ' || n, now() FROM generate_series(1, %s) n"
)


@pytest.fixture
def statements(monkeypatch) -> list[str]:
    """The names of the statements that are run."""
    ran: list[str] = []
    real = Session._run

    def run(self, verb, **values):
        ran.append(verb)
        return real(self, verb, **values)

    monkeypatch.setattr(Session, "_run", run)
    return ran


@pytest.mark.parametrize("count", [7, 20_000])
def test_it_asks_with_the_number_and_five_examples_in_two_statements(cli, conn, statements, count):
    conn.execute(ENDED, [count])
    asked = cli("delete", "-s", "completed")
    assert asked.code == 2
    shown = asked.err.splitlines()
    assert shown[:5] == [f"  {n}  completed  Volume {n}" for n in range(count, count - 5, -1)]
    assert shown[5:7] == [f"  and {count - 5:,} more", f"jobctl: {count:,} jobs match"]
    assert statements == ["count", "find"]
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (count,)


def test_jobs_are_deleted_a_part_at_a_time_and_each_part_is_kept(cli, conn, statements, monkeypatch):
    conn.execute(ENDED, [25])
    monkeypatch.setattr(inspection.Inspection.matching, "__kwdefaults__", {"size": 10})
    done = cli("delete", "-s", "completed", "-y")
    assert done.code == 0
    assert done.out.splitlines() == [f"job {n}: deleted" for n in range(1, 26)]
    assert statements.count("delete") == 3
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)
    assert cli("delete", "-s", "completed", "-y").err == "no jobs match\n"


def test_jobs_that_come_meanwhile_are_left_and_json_is_one_document(cli, conn, queue, monkeypatch):
    conn.execute(ENDED, [15])
    monkeypatch.setattr(inspection.Inspection.matching, "__kwdefaults__", {"size": 10})
    real = Session._run

    def run(self, verb, **values):
        if verb == "delete":  # another user at the same time
            conn.execute(ENDED, [1])
        return real(self, verb, **values)

    monkeypatch.setattr(Session, "_run", run)
    done = cli("delete", "-t", "steps", "-y", "-o", "json")
    assert [item["id"] for item in json.loads(done.out)["answers"]] == list(range(1, 16))
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (2,)


def test_the_worst_answer_of_all_parts_is_the_exit_code(cli, conn, queue, monkeypatch):
    (running,) = queue.submit([NewJob("steps", {})])
    conn.execute(ENDED, [15])
    monkeypatch.setattr(inspection.Inspection.matching, "__kwdefaults__", {"size": 10})
    done = cli("delete", "-t", "steps", "-y")
    assert (done.code, len(done.out.splitlines())) == (4, 15)
    assert f"job {running.id}" in done.err
