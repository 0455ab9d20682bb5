"""A row that can't be decoded spoils its own job, and nothing else."""

import json

import pytest
from pydantic import BaseModel

from jobctl import Pipeline
from jobctl.core.attempt import Outcome
from jobctl.core.errors import Invalid
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import Ending
from jobctl.worker.columns import arguments, inputs
from tests.postgres.test_queue import later

pytestmark = pytest.mark.usefixtures("past_the_triggers")
DEEP = "[" * 5000 + "]" * 5000
WRONG = ["[1, 2]", '"text"', "5", "null", "true", f'{{"a": {DEEP}}}']


class Anything(BaseModel):
    """An input of any fields."""


ANYTHING = Pipeline("a", args=Anything)


@pytest.fixture
def past_the_triggers(conn):
    """What the triggers of newer databases refuse: rows from before them, or from who switched them off."""
    conn.execute("SET session_replication_role = replica")


def insert(conn, column: str, value: str) -> int:
    return conn.execute(
        f"INSERT INTO jobs (job_type, {column}) VALUES ('a', %s::jsonb) RETURNING id", [value]
    ).fetchone()[0]


@pytest.mark.parametrize("column", ["input_data", "metadata", "labels", "progress"])
@pytest.mark.parametrize("value", WRONG, ids=["list", "text", "number", "null", "bool", "deep"])
def test_a_damaged_row_is_listed_and_handed_out_and_fails_in_its_own_attempt(cli, queue, claim, conn, column, value):
    if column == "progress" and value is WRONG[-1]:
        value = f'{{"a": {"[" * 900 + "]" * 900}}}'  # no more than 2 KiB
    good = [queue.submit([NewJob("a", {"n": n})])[0].id for n in range(2)]
    bad = insert(conn, column, value)
    (listed,) = queue.find(Filters(ids=(bad,)), full=True)
    assert len(listed.undecodable) == 1
    assert column in listed.undecodable[0]
    shown = cli("list")
    assert shown.code == 0
    assert all(f"\n{i} " in f"\n{shown.out}" or f" {i} " in shown.out for i in (*good, bad))
    assert cli("show", bad).code == cli("show", bad, "--json", "--result").code == cli("why", bad).code == 0
    jobs = {job.token.job_id: job for job in claim()}
    assert list(jobs) == [*good, bad]
    if column in ("input_data", "metadata"):  # the others say nothing that an attempt needs
        read = arguments if column == "input_data" else lambda _, text: inputs(text)
        with pytest.raises(Invalid, match=r"the (input|metadata) of the job"):
            read(ANYTHING, getattr(jobs[bad], column))


@pytest.mark.parametrize("instant", ["infinity", "-infinity", "20000-01-01T00:00Z", "0500-01-01T00:00Z BC"])
@pytest.mark.parametrize("column", ["created_at", "run_after", "updated_at", "paused_at", "started_at"])
def test_an_instant_that_python_has_not_spoils_no_list_and_no_claim(cli, queue, claim, conn, column, instant):
    conn.execute(f"INSERT INTO jobs (job_type, {column}) VALUES ('a', %s)", [instant])
    queue.submit([NewJob("a", {})])
    for words in (
        ("list",),
        ("list", "-o", "wide"),
        ("show", 1),
        ("show", 1, "--json"),
        ("list", "--json"),
        ("why", 1),
        ("stats",),
    ):
        done = cli(*words)
        assert done.code == 0, done.err
    assert 2 in [c.token.job_id for c in claim()]


def test_a_deep_result_is_shown_as_what_it_is(cli, queue, claim, conn):
    queue.submit([NewJob("a", {})])
    queue.settle([Outcome(claim()[0].token, Ending.COMPLETED, '{"n": 1}')])
    conn.execute("UPDATE jobs SET output_data = %s::jsonb", [DEEP])
    shown = json.loads(cli("show", 1, "--json", "--result").out)
    assert shown["output"] == {"undecodable": "nested too deeply"}
    assert cli("list").code == 0


def test_wide_rows_are_not_deep_ones(queue, claim):
    wide = {"items": [{"n": [n]} for n in range(2000)]}
    queue.submit([NewJob("a", wide)])
    assert json.loads(claim()[0].input_data) == wide


def test_progress_of_another_shape_is_left_out(queue):
    progress = Progress.of(
        {"percent": 1e400, "stage": 5, "details": "fine", "current": "x", "eta_s": -1, "rate_per_s": 2}
    )
    assert progress == Progress(details="fine", rate_per_s=2)


def test_events_that_cannot_be_decoded_are_shown_too(cli, queue, conn):
    queue.submit([NewJob("a", {})])
    conn.execute("INSERT INTO events (job_id, kind, detail) VALUES (1, 'x', %s::jsonb)", [DEEP])
    shown = cli("show", 1, "--json", "--events")
    assert shown.code == 0
    assert "nested too deeply" in shown.out
    later(queue, 1)
    assert [event.kind for event in queue.events([1])] == ["submit", "x"]
