"""The client of an application: ``jobctl.connect``."""

import ast
import os
import threading
import uuid
from dataclasses import fields
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import get_type_hints

import pytest
from pydantic import BaseModel

import jobctl
from jobctl import errors
from jobctl.client.new_jobs import OptionFields
from tests.conftest import PLUGIN

CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jobctl' AND datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
def application(conn, database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("JOBCTL_HOME", str(tmp_path))
    monkeypatch.setenv("JOBCTL_USER", "web")
    monkeypatch.setenv("JOBCTL_DATABASE_URL", database_url)
    monkeypatch.syspath_prepend(PLUGIN)
    conn.execute("SET application_name = 'the test'")


@pytest.fixture
def client(application):
    with jobctl.connect() as client:
        yield client


class Steps(BaseModel):
    items: int
    trail: Path | None = None


def test_a_job_is_submitted_read_and_controlled(client):
    submitted = client.submit("steps", {"items": 3}, title="Three", priority="high", labels={"of": "web"}, key="k")
    job = client.get(submitted.id)
    assert (job.title, job.priority, job.labels, job.key, job.created_by) == ("Three", 3, {"of": "web"}, "k", "web")
    assert [r.outcome for r in client.pause([job.id])] == [jobctl.ControlOutcome.DONE]
    assert client.wait([job.id], until=[jobctl.Status.PAUSED], timeout=5).reasons == {job.id: "reached"}
    client.resume([job.id])
    client.cancel([job.id])
    assert client.get(job.id).status is jobctl.Status.CANCELLED
    with pytest.raises(errors.IllegalTransition):
        client.result(job.id)


def test_the_input_may_be_a_model_and_may_be_left_out(client):
    assert client.get(client.submit("steps", Steps(items=7)).id).input_data["items"] == 7
    assert client.get(client.submit("steps").id).input_data["items"] == 20
    with pytest.raises(errors.InvalidArguments) as refused:
        client.submit("steps", {"items": "many", "itens": 1})
    assert len(refused.value.problems) == 2


def test_options_as_keywords_are_those_of_options_and_win_over_them(client):
    assert set(get_type_hints(OptionFields)) == {field.name for field in fields(jobctl.Options)}
    job = client.get(client.submit("steps", {}, jobctl.Options(title="A", queue="q"), title="B").id)
    assert (job.title, job.queue) == ("B", "q")
    with pytest.raises(TypeError):
        client.submit("steps", {}, prority="high")
    with pytest.raises(errors.UsageError, match="on_conflict"):
        client.submit("steps", {}, on_conflict="explode")


def test_a_type_that_is_not_installed_here_is_submitted_with_its_input_as_json(client):
    number, moment = uuid.uuid4(), datetime(2026, 1, 2, tzinfo=UTC)
    data = {"path": Path("/a"), "n": 1, "id": number, "at": moment, "price": Decimal("1.50"), "list": [moment.date()]}
    job = client.get(client.submit("elsewhere", data, title="T", max_retries=1).id)
    assert job.input_data == {
        "path": "/a", "n": 1, "id": str(number), "at": moment.isoformat(), "price": "1.50", "list": ["2026-01-02"]
    }  # fmt: skip
    assert (job.title, job.max_retries, job.display_name) == ("T", 1, "Elsewhere: T")
    assert client.get(client.submit("elsewhere").id).max_retries == 3


@pytest.mark.parametrize("bad", [{"a": object()}, {"a": float("nan")}, {"a": "x" * 70_000}, {"a": b"bytes"}])
def test_an_input_that_is_not_json_is_refused_before_it_is_stored(client, conn, bad):
    with pytest.raises(errors.InvalidArguments):
        client.submit("elsewhere", bad)
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (0,)


@pytest.mark.parametrize("name", ["", "x" * 600])
def test_a_name_that_no_type_can_have_is_refused(client, name):
    with pytest.raises(errors.UsageError, match="job type"):
        client.submit(name)


def test_the_command_line_still_refuses_a_type_that_is_not_installed(cli):
    assert cli("submit", "elsewhere").code == 2


def test_threads_share_a_client_and_ended_ones_leave_no_connection(client, conn, eventually):
    def work(number):
        with client.queue.transaction():
            ready.wait(10)
            ids.append(client.submit("steps", title=str(number)).id)

    for _ in range(2):
        ids, ready = [], threading.Barrier(4)
        threads = [threading.Thread(target=work, args=[n]) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(ids)) == 4
        client.get(ids[0])
    later = threading.Thread(target=lambda: client.get(ids[0]))
    later.start()
    later.join()
    eventually(lambda: conn.execute(CONNECTIONS).fetchone()[0] <= 2)
    client.close()
    eventually(lambda: conn.execute(CONNECTIONS).fetchone()[0] == 0)
    assert client.get(ids[0]).id == ids[0]


def test_a_forked_process_opens_its_own_connection_and_leaves_its_parents_alone(client, conn):
    first = client.submit("steps").id
    parent = client.queue.connection.info.backend_pid
    child = os.fork()
    if not child:
        try:
            same = client.queue.connection.info.backend_pid == parent
            client.submit("steps")
            client.close()
            os._exit(3 if same else 0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert client.get(first).id == first
    assert client.queue.connection.info.backend_pid == parent
    assert conn.execute("SELECT count(*) FROM jobs").fetchone() == (2,)


def test_the_url_wins_over_the_environment_and_a_bad_one_is_refused_at_the_first_use(
    application, monkeypatch, database_url
):
    monkeypatch.setenv("JOBCTL_DATABASE_URL", "postgresql://nowhere.invalid/x")
    with jobctl.connect(database_url) as client:
        assert client.count(jobctl.Filters()) == 0
    with jobctl.connect("nonsense") as client, pytest.raises(errors.ConfigError):
        client.submit("steps")


def test_the_names_of_the_package_and_their_stub_are_the_same():
    stub = ast.parse((Path(jobctl.__file__).parent / "__init__.pyi").read_text())
    typed = {node.names[0].asname for node in stub.body if isinstance(node, ast.ImportFrom)} | {"__version__"}
    assert typed == set(jobctl.__all__)
    assert all(getattr(jobctl, name) for name in jobctl.__all__)
