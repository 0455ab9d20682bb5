import re
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jobctl.core.errors import ConfigError
from jobctl.core.lifecycle import Status
from jobctl.postgres import migrate, revision
from jobctl.postgres.connect import connect

SCRIPTS = sorted((Path(__file__).parents[2] / "migrations" / "versions").glob("*.py"))


@pytest.fixture
def empty(server_url):
    """A database of its own, without a schema."""
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS jobctl_empty WITH (FORCE)")
        admin.execute("CREATE DATABASE jobctl_empty")
    yield make_conninfo(server_url, dbname="jobctl_empty")
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("DROP DATABASE jobctl_empty WITH (FORCE)")


def test_up_down_up_leaves_no_trace_and_no_drift(empty):
    migrate.upgrade(empty)
    assert migrate.check(empty) == []
    migrate.downgrade(empty, "base")
    with connect(empty) as connection:
        left = connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'jobctl'::regnamespace AND relname !~ '^alembic_version'"
        ).fetchall()
        functions = connection.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = 'jobctl'::regnamespace"
        ).fetchall()
    assert (left, functions) == ([], [])
    migrate.upgrade(empty)
    assert migrate.check(empty) == []


def test_a_drifted_database_is_noticed(empty):
    migrate.upgrade(empty)
    with connect(empty) as connection:
        connection.execute("ALTER TABLE jobctl.jobs ADD COLUMN extra text")
    assert any("extra" in line for line in migrate.check(empty))


def test_a_schema_that_is_missing_older_or_newer_is_said_with_the_way_out(empty):
    with connect(empty) as connection:
        with pytest.raises(ConfigError, match="no jobctl schema") as missing:
            revision.require_compatible(connection)
        assert missing.value.hint == "jobctl db upgrade"
        migrate.upgrade(empty)
        revision.require_compatible(connection)
        for number, words in (("0000", "needs"), ("9999", "newer than this jobctl")):
            connection.execute("UPDATE jobctl.alembic_version SET version_num = %s", [number])
            with pytest.raises(ConfigError, match=words):
                revision.require_compatible(connection)


def test_the_sql_of_an_upgrade_can_be_applied_by_hand(empty):
    with connect(empty) as connection:
        connection.execute(migrate.sql().replace("%%", "%"))
        assert revision.current(connection) == revision.head()
    assert migrate.check(empty) == []


def test_the_check_of_the_status_repeats_the_statuses():
    text = SCRIPTS[0].read_text()
    check = re.search(r"jobs_status_check CHECK \(status IN \(([^)]*)\)", text).group(1)
    assert re.findall(r"'(\w+)'", check) == list(Status)


def test_migrations_are_numbered_without_gaps_and_import_nothing_of_ours():
    assert [path.name[:4] for path in SCRIPTS] == [f"{n + 1:04d}" for n in range(len(SCRIPTS))]
    for path in SCRIPTS:
        assert not re.search(r"^(from|import) jobctl", path.read_text(), re.MULTILINE)
