"""Servers, databases and roles that are set up otherwise: values come as they are read here, or are refused in a line."""

import json
import secrets
from contextlib import contextmanager

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jobctl.cli import exits
from jobctl.core.errors import ConfigError, DatabaseRefused
from jobctl.core.filters import Filters
from jobctl.core.job import NewJob
from jobctl.postgres import migrate
from jobctl.postgres.connect import REPORTED, _insist, connect
from jobctl.postgres.lease_rows import ClaimTarget, Request
from jobctl.postgres.leases import Leases
from jobctl.postgres.retry_until import retry_until_available
from tests import servers

SETTINGS = {
    "datestyle": "German", "intervalstyle": "sql_standard", "client_encoding": "LATIN1", "timezone": "Asia/Kathmandu",
    "standard_conforming_strings": "off", "extra_float_digits": "-15", "array_nulls": "off", "search_path": "nowhere",
    "bytea_output": "escape", "default_transaction_isolation": "serializable", "statement_timeout": "0", "jit": "on",
}  # fmt: skip


@contextmanager
def database(server_url: str, options: str = ""):
    name = f"jobctl_set_{secrets.token_hex(4)}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} {options}")
        try:
            yield admin, name, make_conninfo(server_url, dbname=name)
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def otherwise(server_url):
    """A database with every setting that changes how values look."""
    with database(server_url) as (admin, name, url):
        for setting, value in SETTINGS.items():
            admin.execute(f"ALTER DATABASE {name} SET {setting} = '{value}'")
        migrate.upgrade(url)
        yield url


@pytest.mark.skipif(servers.POOLED, reason="a pooler takes no options: what it keeps is tested below")
def test_the_queue_works_the_same_whatever_a_database_sets(otherwise, shell):
    queue = Leases(lambda: connect(otherwise), actor="test")
    try:
        worker = queue.register(name="w", host="h", pid=1, version="0", capacity=1, job_types=["a"], queues=[])
        text = {"path": r"C:\new\t", "name": "Źdźbło 短い", "none": None, "number": 0.1 + 0.2}
        queue.submit([NewJob("a", text, title="Źdźbło"), NewJob("a", {}, delay=90)])
        queue.beat(worker, {})
        (job,) = queue.claim(worker, [ClaimTarget("default", "a", 2)], 5)
        assert json.loads(job.input_data) == text
        assert queue.beat(worker, {1: (job.token, None)}).requests == {1: Request()}
        later, first = queue.find(Filters())
        assert first.title == "Źdźbło"
        assert 80 < (later.run_after - later.now).total_seconds() < 91
        assert later.run_after.utcoffset().total_seconds() == 0
        assert queue.connection.execute("SHOW transaction_isolation").fetchone() == ("read committed",)
    finally:
        queue.close()
    shell.env["JOBCTL_DATABASE_URL"] = otherwise
    assert shell("db", "check").code == 0
    ran = shell("submit", "noop", "--run")
    assert ran.code == 0, ran.err
    for words in (("list",), ("show", "1"), ("doctor",), ("worker", "list"), ("stats",)):
        done = shell(*words)
        assert done.code == 0, done.out + done.err
    searched = shell("search", "lighthouse", "--json")
    assert searched.code == 0, searched.err


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_is_refused_in_one_line_by_every_first_command(server_url, shell, encoding):
    with database(
        server_url, f"ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc TEMPLATE template0"
    ) as (_, name, url):
        with pytest.raises(ConfigError, match=f"encoding is {encoding}; jobctl needs UTF8"):
            connect(url)
        shell.env["JOBCTL_DATABASE_URL"] = url
        for words in (("db", "upgrade"), ("list",), ("submit", "noop"), ("doctor",), ("worker", "run", "--drain")):
            refused = shell(*words)
            assert refused.code == 5, words
            assert encoding in refused.out + refused.err
            assert "Traceback" not in refused.err
            assert len(refused.err.splitlines()) <= 2, "what, and what to do"
        with psycopg.connect(url) as look:
            assert look.execute("SELECT to_regnamespace('jobctl')").fetchone() == (None,)
        assert name


def test_what_a_pooler_keeps_is_set_when_it_took_no_options(database_url):
    """As through PgBouncer: a connection without our options, to a server whose settings are others."""
    others = "-c datestyle=SQL,DMY -c intervalstyle=iso_8601 -c timezone=Asia/Kathmandu -c client_encoding=LATIN1 -c standard_conforming_strings=off"
    with psycopg.connect(servers.direct(database_url), autocommit=True, options=others) as connection:
        assert not connection.info.parameter_status("DateStyle").startswith("ISO")
        _insist(connection)
        assert {name: (connection.info.parameter_status(name) or "").split(",")[0] for name in REPORTED} == REPORTED
        assert connection.info.encoding == "utf-8"


def test_a_connection_sends_nothing_but_its_options(database_url, monkeypatch):
    monkeypatch.setattr(psycopg.Connection, "execute", lambda *_: pytest.fail("a round trip"))
    connect(servers.direct(database_url)).close()


@pytest.mark.skipif(servers.POOLED, reason="the pooler lets everybody in")
@pytest.mark.parametrize("wrong", [{"dbname": "jobctl_nowhere"}, {"user": "jobctl_nobody"}])
def test_a_wrong_database_or_role_is_a_setting_and_not_an_outage(server_url, cli, wrong):
    url = make_conninfo(server_url, **wrong)
    tries = []
    with pytest.raises(DatabaseRefused) as refused:
        retry_until_available(lambda: (tries.append(1), connect(url)), seconds=20)
    assert len(tries) == 1, "no retry helps"
    assert exits.of_error(refused.value) == 5
    assert cli("list", "--db", url).code == 5
    assert cli("list", "--db", make_conninfo(server_url, port=1)).code == 6


@pytest.mark.parametrize("text", [
    'connection to server at "h" (10.0.0.1), port 5432 failed: FATAL:  password authentication failed for user "u"',
    "connection failed: fe_sendauth: no password supplied",
    'connection failed: FATAL:  no pg_hba.conf entry for host "h", user "u", database "d", no encryption',
    'connection failed: FATAL:  role "u" is not permitted to log in',
    'connection failed: FATAL:  permission denied for database "d"\nDETAIL:  User does not have CONNECT privilege.',
])  # fmt: skip
def test_a_server_that_does_not_let_us_in_is_told_from_one_that_is_away(monkeypatch, text):
    def refuse(*_, **__):
        raise psycopg.OperationalError(text)

    monkeypatch.setattr(psycopg, "connect", refuse)
    with pytest.raises(DatabaseRefused):
        connect("host=h")


def test_a_downgrade_is_refused_while_a_worker_is_alive(server_url, shell):
    with database(server_url) as (_, _name, url):
        shell.env["JOBCTL_DATABASE_URL"] = url
        assert shell("db", "upgrade").code == 0
        queue = Leases(lambda: connect(url))
        worker = queue.register(name="busy-7", host="h", pid=1, version="0", capacity=1, job_types=[], queues=[])
        refused = shell("db", "downgrade", "-y", "0002")
        assert refused.code == 4
        assert "busy-7" in refused.err
        head = json.loads(shell("db", "status", "--json").out)
        assert head["schema"] == head["head"]
        queue.unregister(worker)
        queue.close()
        assert shell("db", "downgrade", "-y", "0002").code == 0
        assert shell("db", "upgrade").code == 0
        queue = Leases(lambda: connect(url))
        queue.register(name="busy-8", host="h", pid=1, version="0", capacity=1, job_types=[], queues=[])
        queue.close()
        assert shell("db", "downgrade", "-y", "--force", "base").code == 0
        assert shell("db", "downgrade", "-y", "base").code == 0, "also where there is nothing"


def test_a_search_in_an_empty_library_without_pgvector_finds_nothing(server_url, shell):
    with database(server_url) as (_, _name, url):  # no extension is created in it
        shell.env["JOBCTL_DATABASE_URL"] = url
        assert shell("db", "upgrade").code == 0
        found = shell("search", "lighthouse", "--json")
        assert found.code == 0, found.err
        assert json.loads(found.out)["hits"] == []
        said = next(c for c in json.loads(shell("doctor", "--json").out)["checks"] if c["id"] == "search")
        assert (said["ok"], said["note"]) == (True, True)
        assert "compared exactly, in blocks: no pgvector" in said["detail"]
