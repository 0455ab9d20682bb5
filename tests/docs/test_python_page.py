"""docs/PYTHON.md: every recipe runs, with its framework where that is installed."""

import importlib.util
import json
import re
import threading
from pathlib import Path

import psycopg
import pytest

import jobctl
from jobctl import wiring
from jobctl.client import Options
from jobctl.core.job import PRIORITIES
from jobctl.postgres.connect import connect
from jobctl.postgres.outbox import Outbox
from tests import servers
from tests.conftest import PLUGIN

PAGE = (Path(jobctl.__file__).parents[1] / "docs" / "PYTHON.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]


def recipe(word: str) -> str:
    (text,) = [text for text in PYTHON if word in text]
    return text


@pytest.fixture
def database(conn, database_url, tmp_path, monkeypatch):
    """A table of orders, and a client that finds the database by the environment."""
    monkeypatch.setenv("JOBCTL_HOME", str(tmp_path))
    monkeypatch.setenv("JOBCTL_DATABASE_URL", database_url)
    monkeypatch.syspath_prepend(PLUGIN)
    conn.execute("DROP TABLE IF EXISTS public.orders; CREATE TABLE public.orders (id int, path text)")
    yield servers.direct(database_url)
    conn.execute("DROP TABLE IF EXISTS public.orders CASCADE; DROP FUNCTION IF EXISTS public.queue_order")


@pytest.fixture
def working(shell):
    """A worker runs."""
    shell.start("worker", "run", "--poll", "0.1")


def execute(text: str, **names: object) -> dict:
    space = dict(names)
    exec(compile(text, "docs/PYTHON.md", "exec"), space)
    return space


@pytest.mark.parametrize("text", PYTHON, ids=range(len(PYTHON)))
def test_every_recipe_is_python(text):
    compile(text, "docs/PYTHON.md", "exec")


def test_the_table_and_the_options_are_those_of_the_client():
    controls = ("pause", "resume", "retry", "restart", "cancel", "delete")
    for name in (*re.findall(r"`(\w+)\(", PAGE.split("## In your own")[0]), *controls):
        assert hasattr(jobctl.Client, name) or hasattr(jobctl, name), name
    listed = PAGE[PAGE.index("Options of `submit`") : PAGE.index("The input is checked")]
    assert set(re.findall(r"`(\w+)`", listed)) - {"submit"} == set(Options.__dataclass_fields__) - {"reserved"}
    assert ", ".join(PRIORITIES) in listed


def test_the_recipe_of_psycopg_commits_the_order_with_its_job(database, conn, working, capsys):
    space = execute(recipe("import psycopg"), DATABASE_URL=database)
    space["client"].close()
    assert conn.execute("SELECT count(*) FROM public.orders").fetchone() == (1,)
    assert capsys.readouterr().out.strip() == "{'count': 3, 'total': 5}"


def test_the_recipe_of_sqlalchemy_commits_the_order_with_its_job(database, conn):
    parts = psycopg.conninfo.conninfo_to_dict(database)
    query = "&".join(f"{name}={value}" for name, value in parts.items() if name != "dbname")
    space = execute(recipe("import create_engine"), SQLALCHEMY_URL=f"postgresql+psycopg:///{parts['dbname']}?{query}")
    space["client"].close()
    space["engine"].dispose()
    assert conn.execute("SELECT id, (SELECT idempotency_key FROM jobs) FROM public.orders").fetchall() == [
        (2, "order 2")
    ]


def test_the_recipe_of_watch_prints_what_happens(database, working, capsys):
    execute(recipe("client.watch"))["client"].close()
    lines = capsys.readouterr().out.splitlines()
    assert (lines[0], lines[-1].startswith("100.0") or lines[-1] == "now completed") == ("now pending", True)
    assert "now completed" in lines


def test_the_functions_of_sql_work_as_written(database, conn):
    queries, trigger = (text for language, text in BLOCKS if language == "sql")
    conn.execute("SET search_path = public")
    conn.execute(queries)
    conn.execute(trigger)
    conn.execute("INSERT INTO orders VALUES (7, NULL)")
    made = conn.execute("SELECT idempotency_key, status FROM jobctl.jobs ORDER BY id").fetchall()
    assert made == [(None, "cancelled"), ("three", "pending"), ("order 7", "pending")]


def test_the_body_of_a_notification_has_the_fields_of_the_page(database, conn):
    (example,) = (json.loads(text) for language, text in BLOCKS if language == "json")
    with jobctl.connect() as client:
        client.cancel([client.submit("steps", notify="https://example.com/hook").id])
    outbox = Outbox(lambda: connect(database), actor="sweep")
    (notification,) = outbox.claim([], 1)
    outbox.close()
    assert set(example) == set(notification.event) | {"id", "try"}
    assert set(example["job"]) == set(notification.event["job"])


def test_the_settings_of_the_page_exist():
    for name in ("notify_url", "notify_secret", "notify_private", "notify_command"):
        assert f"`{name}" in PAGE
        assert name in wiring.settings({}, {"HOME": "/nowhere"}).values


@pytest.mark.skipif(importlib.util.find_spec("fastapi") is None, reason="FastAPI is not installed")
@pytest.mark.filterwarnings("ignore")
def test_the_recipes_of_fastapi_answer(database):
    from fastapi.testclient import TestClient

    app = execute(recipe("def create("))
    with TestClient(app["app"]) as web:
        made = web.post("/orders/3")
        job = made.json()["job"]
        assert (made.status_code, web.get(f"/jobs/{job}").json()["status"]) == (202, "pending")
        assert web.get("/jobs/999").status_code == 404
        threads = [threading.Thread(target=web.get, args=[f"/jobs/{job}"]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    app["client"].close()
    hook = TestClient(execute(recipe("def hook("))["app"])
    from jobctl.core.notifications import signature

    body = b'{"v": 1}'
    header = {"X-Jobctl-Signature": signature(body, "the notify_secret of the workers")}
    assert hook.post("/hook", content=body, headers=header).status_code == 204
    assert hook.post("/hook", content=body).status_code == 403


@pytest.mark.skipif(importlib.util.find_spec("django") is None, reason="Django is not installed")
@pytest.mark.filterwarnings("ignore")
def test_the_recipe_of_django_commits_the_order_with_its_job(database, conn):
    from django.conf import settings
    from django.db import connection, transaction

    parts = psycopg.conninfo.conninfo_to_dict(database)
    settings.configure(DATABASES={"default": {
        "ENGINE": "django.db.backends.postgresql", "NAME": parts["dbname"], "USER": parts.get("user"),
        "HOST": parts.get("host"), "PORT": parts.get("port", ""), "PASSWORD": parts.get("password", ""),
    }})  # fmt: skip
    recipe_ = execute(recipe("django"))
    assert recipe_["place_order"](1) == 1

    def fail():
        with transaction.atomic():
            recipe_["place_order"](2)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    connection.close()
    recipe_["client"].close()
    assert conn.execute("SELECT (SELECT count(*) FROM public.orders), (SELECT count(*) FROM jobs)").fetchone() == (1, 1)
