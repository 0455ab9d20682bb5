"""A running job that moves nothing for a minute is shown as such in every view, though its heartbeat is fresh."""

import json
from dataclasses import replace

import pytest
from psycopg.conninfo import make_conninfo

from jobctl.cli.app import State
from jobctl.cli.output import card
from jobctl.cli.watching import lines, live
from jobctl.client import explain
from jobctl.core.attempt import Record
from jobctl.core.job import NewJob, Progress
from jobctl.postgres.lease_rows import Request
from tests.cli.make import ago, running


class Clock:
    """The database's clock, moved by hand; later than the start of the server, so that leases run out."""

    def __init__(self, queue, monkeypatch, url):
        self._queue, self._monkeypatch, self._url = queue, monkeypatch, url
        self.at(0)

    def at(self, seconds: int) -> None:
        now = f"2040-11-25T12:{seconds // 60:02}:{seconds % 60:02}+00:00"
        self._queue.connection.execute("SELECT set_config('jobctl.clock', %s, false)", [now])
        url = make_conninfo(self._url, options=f"-c jobctl.clock={now}")
        self._monkeypatch.setenv("JOBCTL_DATABASE_URL", url)


@pytest.fixture
def clock(queue, monkeypatch, database_url, cli):
    return Clock(queue, monkeypatch, database_url)


@pytest.fixture
def token(queue, clock, claim):
    queue.submit([NewJob("a", {}, title="Dune.pdf")])
    return claim()[0].token


def words(percent: float, **more) -> Progress:
    return Progress(percent, **{"stage": "s", "details": "Doing it", "updated_at": "2050-01-01T00:00:00Z"} | more)


def idle(cli) -> float:
    return json.loads(cli("show", 1, "--json").out)["progress"]["idle_s"]


def test_every_view_shows_that_nothing_moves(cli, queue, clock, token):
    queue.beat(queue.worker, {1: (token, words(10))})
    clock.at(250)
    queue.beat(queue.worker, {1: (token, words(10))})
    for command in (("list",), ("show", 1), ("why", 1), ("watch", "--plain", "--timeout", "0.1s")):
        assert "no progress for 4m" in cli(*command).out.lower(), command


def test_nothing_is_said_before_the_minute_is_over(cli, queue, clock, token):
    clock.at(59)
    queue.beat(queue.worker, {1: (token, None)})
    assert "no progress" not in cli("list").out
    clock.at(60)
    queue.beat(queue.worker, {1: (token, None)})
    assert "no progress for 1m" in cli("list").out


@pytest.mark.parametrize(
    "move",
    [
        lambda queue, token: queue.beat(queue.worker, {1: (token, words(11))}),
        lambda queue, token: queue.beat(queue.worker, {1: (token, words(10, stage="t"))}),
        lambda queue, token: queue.beat(queue.worker, {1: (token, words(10, details="Doing more"))}),
        lambda queue, token: queue.log([(1, token.lease_seq, "info", "s", "a line")]),
        lambda queue, token: queue.commit_stage(token, Record(1, "s", 0, False, "p", "0" * 64, 1, True)),
    ],
    ids=["percent", "stage", "details", "log", "checkpoint"],
)
def test_any_movement_ends_the_standstill(cli, queue, clock, token, move):
    queue.beat(queue.worker, {1: (token, words(10))})
    clock.at(240)
    assert idle(cli) == 240
    move(queue, token)
    clock.at(245)
    queue.beat(queue.worker, {1: (token, None)})
    assert idle(cli) == 5
    assert "no progress" not in cli("list").out


def test_a_repeated_progress_is_no_movement_and_the_workers_clock_is_not_asked(cli, queue, clock, token):
    queue.beat(queue.worker, {1: (token, words(10, current=1, total=9, rate_per_s=2.0))})
    clock.at(90)
    again = words(10, current=1, total=9, rate_per_s=0.1, eta_s=80.0, updated_at="1999-01-01T00:00:00Z")
    queue.beat(queue.worker, {1: (token, again)})
    told = json.loads(cli("show", 1, "--json").out)["progress"]
    assert (told["idle_s"], told["updated_at"], told["rate_per_s"]) == (90, "2040-11-25T12:00:00.000Z", 0.1)


def test_a_new_attempt_starts_afresh(cli, queue, clock, token, claim):
    queue.beat(queue.worker, {1: (token, words(10))})
    clock.at(600)
    queue.rescue()
    clock.at(900)
    assert claim()
    clock.at(905)
    assert idle(cli) == 5


def test_a_row_with_an_absurd_progress_does_not_stop_the_list(cli, conn, queue, token):
    for absurd in (
        '{"percent": "x", "updated_at": 5, "stage": []}',
        '{"percent": 1e300, "updated_at": "never"}',
        "[1]",
        "7",
    ):
        conn.execute("SET session_replication_role = replica")  # written before the database refused it
        conn.execute("UPDATE jobs SET progress = %s", [absurd])
        conn.execute("SET session_replication_role = origin")
        assert cli("list").code == 0, absurd
        assert cli("list", "--json").code == 0, absurd
        assert queue.beat(queue.worker, {1: (token, words(10))}).requests == {1: Request()}


def test_a_silent_worker_is_named_before_a_missing_progress():
    stuck = running(1, silent=41, attempt_started_at=ago(400), progress=Progress(5.0))
    assert card.what_comes(stuck) == "no heartbeat for 41s"
    assert "heartbeat" in " ".join(explain(stuck, [], [], [])).lower()


def test_a_standing_job_shows_no_time_left(monkeypatch):
    moving = running(1)
    stuck = replace(
        moving, progress=replace(moving.progress, updated_at="2026-11-25T11:56:00Z"), attempt_started_at=ago(600)
    )
    assert card.eta(moving)
    assert not card.eta(stuck)
    assert not card.rate(stuck)
    assert "no progress for 4m" in lines.plain_line(stuck)
    view = live.View([stuck], selected=1)
    assert any("no progress for 4m" in line for line in live.picture(State(), view, 120, 20))


def test_a_pipe_gets_a_line_when_a_job_stops_moving(cli, queue, clock, token):
    """And the stream of events an event; both once."""
    queue.beat(queue.worker, {1: (token, words(10))})
    clock.at(70)
    queue.beat(queue.worker, {1: (token, None)})
    told = [json.loads(line) for line in cli("watch", "-o", "ndjson", "--timeout", "0.1s").out.splitlines()]
    assert next(e for e in told if e["event"] == "job")["job"]["progress"]["idle_s"] == 70
