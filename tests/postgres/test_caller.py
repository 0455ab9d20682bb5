"""Jobs that are created in the transaction of an application: committed with its rows, or not at all."""

from contextlib import contextmanager

import psycopg
import pydantic
import pytest
import sqlalchemy
from psycopg.rows import namedtuple_row
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import jobctl
from jobctl import errors
from jobctl.postgres.listener import Listener
from tests import servers
from tests.conftest import PLUGIN
from tests.postgres.role_logins import logins_of


@pytest.fixture
def client(conn, database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("JOBCTL_HOME", str(tmp_path))
    monkeypatch.setenv("JOBCTL_USER", "web")
    monkeypatch.syspath_prepend(PLUGIN)
    conn.execute("DROP TABLE IF EXISTS public.orders; CREATE TABLE public.orders (id int)")
    with jobctl.connect(database_url) as client:
        yield client
    conn.execute("DROP TABLE public.orders")


@contextmanager
def psycopg_connection(url):
    with psycopg.connect(url) as connection:
        yield connection, connection.execute, connection.commit, connection.rollback


@contextmanager
def sqlalchemy_connection(url):
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    with engine.connect() as connection:
        yield connection, connection.exec_driver_sql, connection.commit, connection.rollback
    engine.dispose()


@contextmanager
def sqlalchemy_session(url, kind=Session):
    engine = sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url))
    session = kind(engine)
    try:
        yield session, lambda text: session.execute(sqlalchemy.text(text)), session.commit, session.rollback
    finally:
        session.close()
        engine.dispose()


@contextmanager
def shared_session(url):
    with sqlalchemy_session(url, lambda engine: scoped_session(sessionmaker(engine))) as opened:
        yield opened


class Keyed(pydantic.BaseModel):
    key: str


KINDS = [psycopg_connection, sqlalchemy_connection, sqlalchemy_session, shared_session]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def rows(conn):
    return (
        conn.execute("SELECT count(*) FROM public.orders").fetchone()[0],
        conn.execute("SELECT count(*) FROM jobs").fetchone()[0],
    )


@every_kind
@pytest.mark.parametrize("first", ["the row", "the job"])
def test_a_job_is_committed_with_the_callers_rows_and_not_before(client, conn, database_url, kind, first):
    with kind(servers.direct(database_url)) as (connection, execute, commit, _):
        for what in (first, *({"the row", "the job"} - {first})):
            if what == "the row":
                execute("INSERT INTO public.orders VALUES (1)")
            else:
                submitted = client.submit("steps", {"items": 2}, connection=connection)
        assert rows(conn) == (0, 0)
        commit()
        assert rows(conn) == (1, 1)
        assert client.get(submitted.id).created_by == "web"


@every_kind
def test_a_job_is_rolled_back_with_the_callers_rows(client, conn, database_url, kind):
    with kind(servers.direct(database_url)) as (connection, execute, _, rollback):
        client.submit("steps", connection=connection)
        execute("INSERT INTO public.orders VALUES (1)")
        rollback()
        assert rows(conn) == (0, 0)


@every_kind
def test_a_refused_submit_leaves_the_callers_transaction_as_it_was(client, conn, database_url, kind):
    with kind(servers.direct(database_url)) as (connection, execute, commit, _):
        execute("INSERT INTO public.orders VALUES (1)")
        for options, error in (
            ({"labels": {"a": "\x00"}}, errors.UsageError),  # refused by the database
            ({"after": (99,)}, errors.JobNotFound),
        ):
            with pytest.raises(error):
                client.submit("steps", connection=connection, **options)
        client.submit("steps", key="k", connection=connection)
        with pytest.raises(errors.IllegalTransition):
            client.submit("steps", key="k", on_conflict="error", connection=connection)
        commit()
        assert rows(conn) == (1, 1)


@every_kind
def test_keys_and_dependencies_see_the_jobs_of_the_same_transaction(client, conn, database_url, kind):
    with kind(servers.direct(database_url)) as (connection, _, commit, _rollback):
        first = client.submit("steps", key="k", connection=connection)
        again = client.submit("steps", key="k", connection=connection)
        assert (again.id, again.created) == (first.id, False)
        after = client.submit("steps", after=(first.id,), connection=connection)
        commit()
        assert conn.execute("SELECT waiting_on FROM jobs WHERE id = %s", [after.id]).fetchone() == ("dependency",)


def test_the_wake_up_arrives_at_the_commit(client, database_url):
    listener = Listener(lambda: psycopg.connect(servers.direct(database_url), autocommit=True))
    try:
        with psycopg.connect(servers.direct(database_url)) as connection:
            client.submit("steps", connection=connection)
            assert listener.hints() == []
            connection.commit()
            found = []
            while not found:
                found = listener.hints()
            assert [channel for channel, _ in found] == ["jobctl_ready"]
    finally:
        listener.close()


SESSION = "SELECT name, setting FROM pg_settings WHERE name <> 'transaction_deferrable' AND name NOT LIKE 'plpgsql.%' ORDER BY name"


def test_nothing_of_the_callers_session_is_changed(client, database_url):
    with psycopg.connect(
        servers.direct(database_url), row_factory=namedtuple_row, cursor_factory=psycopg.RawCursor
    ) as connection:
        connection.execute("SET search_path = public; SET datestyle = 'SQL, DMY'; SET timezone = 'Asia/Kolkata'")
        connection.prepare_threshold = 1
        connection.commit()
        before = connection.execute(SESSION).fetchall()
        adapters = connection.adapters
        for _ in range(3):
            client.submit("steps", delay=5.0, labels={"a": "b"}, connection=connection)
        assert connection.execute(SESSION).fetchall() == before
        assert (
            connection.execute("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%jobctl%%'")
            .fetchone()
            .count
            == 0
        )
        assert (connection.row_factory, connection.cursor_factory) == (namedtuple_row, psycopg.RawCursor)
        assert (connection.adapters, connection.autocommit) == (adapters, False)


def test_a_connection_in_autocommit_commits_each_submit(client, conn, database_url):
    with psycopg.connect(servers.direct(database_url), autocommit=True) as connection:
        client.submit("steps", connection=connection)
        assert rows(conn) == (0, 1)
        with connection.transaction(force_rollback=True):
            client.submit("steps", connection=connection)
        assert rows(conn) == (0, 1)
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(servers.direct(database_url)),
        isolation_level="AUTOCOMMIT",
    )
    with engine.connect() as connection:
        client.submit("steps", connection=connection)
        assert rows(conn) == (0, 2)
    engine.dispose()


def test_many_jobs_are_created_in_the_callers_transaction(client, conn, database_url):
    with psycopg.connect(servers.direct(database_url)) as connection:
        requests = [("steps", {"items": n}, jobctl.Options()) for n in range(1500)]
        assert len(client.submit_all(requests, connection=connection)) == 1500
        assert rows(conn) == (0, 0)
        assert len(client.submit_all(requests[:2], dry_run=True, connection=connection)) == 2
        connection.commit()
        assert rows(conn) == (0, 1500)


def test_an_open_transaction_with_a_keyed_job_holds_up_no_other_job_of_the_key(
    client, database_url, queue, monkeypatch
):
    keyed = jobctl.Pipeline("keyed", args=Keyed, key=lambda args: args.key)
    monkeypatch.setattr(client, "_load", lambda _: keyed)
    with psycopg.connect(servers.direct(database_url)) as connection:
        mine = client.submit("keyed", {"key": "k"}, connection=connection)
        other = client.submit("keyed", {"key": "k"})
        waiting = queue.connection.execute("SELECT waiting_on FROM jobctl.jobs WHERE id = %s", [other.id]).fetchone()
        assert waiting == (None,)
        connection.commit()
    assert client.get(mine.id).waiting_on == "key"
    client.cancel([other.id])
    assert client.get(mine.id).waiting_on is None


def test_a_login_that_may_only_submit_does_so_in_its_own_transaction(client, conn, database_url):
    with logins_of(conn, database_url) as logins, psycopg.connect(logins.url("ann")) as connection:
        submitted = client.submit("steps", connection=connection)
        connection.commit()
        assert conn.execute("SELECT created_by FROM jobs WHERE id = %s", [submitted.id]).fetchone() == (
            logins.name("ann"),
        )


def test_a_database_without_the_schema_is_named_and_the_transaction_goes_on(client, server_url):
    with psycopg.connect(server_url) as connection:
        with pytest.raises(errors.ConfigError, match="no jobctl schema"):
            client.submit("steps", connection=connection)
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_an_error_of_the_callers_transaction_is_left_as_it_is(client, database_url):
    with psycopg.connect(servers.direct(database_url)) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable):
            connection.execute("SELECT * FROM nothing")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            client.submit("steps", connection=connection)


@pytest.mark.parametrize("connection", [object(), "postgresql://", 5])
def test_what_is_not_a_connection_is_refused_with_what_is(client, connection):
    with pytest.raises(errors.UsageError) as refused:
        client.submit("steps", connection=connection)
    assert "psycopg.Connection" in str(refused.value.hint)


def test_another_database_of_sqlalchemy_is_refused(client):
    with sqlalchemy.create_engine("sqlite://").connect() as connection, pytest.raises(errors.UsageError):
        client.submit("steps", connection=connection)
