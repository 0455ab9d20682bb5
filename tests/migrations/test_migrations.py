import re
import shutil
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from jobctl.core.errors import ConfigError, IllegalTransition
from jobctl.core.job import NewJob
from jobctl.core.lifecycle import Status
from jobctl.postgres import migrate, revision
from jobctl.postgres.connect import connect
from jobctl.postgres.leases import Leases
from jobctl.system import clock

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


@pytest.mark.filterwarnings("error")
def test_the_indexes_of_pgvector_are_no_difference(empty):
    with connect(empty) as connection:
        if not connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone():
            pytest.skip("this server has no pgvector")
        connection.execute("CREATE EXTENSION vector")
    migrate.upgrade(empty)
    with connect(empty) as connection:
        assert connection.execute("SELECT count(*) FROM pg_indexes WHERE indexname ~ '^chunks_nearest_'").fetchone()[0]
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
            connection.execute("UPDATE jobctl.compatibility SET serves = %s", [number])
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


# -- upgrades under way --------------------------------------------------------------------------------------------

MIGRATION = '''"""{title}

Revision ID: {revision}
Revises: {before}
"""
from alembic import op
revision, down_revision, branch_labels, depends_on = "{revision}", "{before}", None, None
{more}
def upgrade():
    op.execute("""{sql}""")
def downgrade():
    pass
'''


@pytest.fixture
def later(empty, tmp_path, monkeypatch):
    """Adds a migration after the newest: ``later(sql, serves=…)``; the schema is at the one before."""
    migrate.upgrade(empty)
    folder = tmp_path / "migrations"
    shutil.copytree(revision.scripts(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    newest = [revision.head()]

    def add(sql: str, **more: object) -> str:
        before, number = newest[-1], f"{int(newest[-1]) + 1:04d}"
        text = MIGRATION.format(
            title="Later.",
            revision=number,
            before=before,
            sql=sql,
            more="\n".join(f"{k} = {v!r}" for k, v in more.items()),
        )
        (folder / "versions" / f"{number}_later.py").write_text(text)
        newest.append(number)
        return number

    monkeypatch.setattr(migrate, "scripts", lambda: folder)
    return add


def register(url: str) -> Leases:
    queue = Leases(lambda: connect(url))
    queue.worker = queue.register(name="vm-1", host="h", pid=1, version="0", capacity=1, job_types=["a"], queues=[])
    return queue


def test_a_program_works_with_a_newer_schema_that_still_serves_it(empty, later):
    queue = register(empty)
    later("ALTER TABLE jobctl.jobs ADD COLUMN later text")
    migrate.upgrade(empty)
    with connect(empty) as connection:
        revision.require_compatible(connection)
    assert queue.submit([NewJob("a", {})])[0].id
    assert not queue.sweep_timers().outdated
    queue.close()


def test_an_upgrade_that_does_not_serve_running_workers_is_refused_unless_forced(empty, later):
    queue = register(empty)
    after = f"{int(revision.head()) + 1:04d}"
    number = later(f"UPDATE jobctl.compatibility SET serves = '{after}'", serves=after)
    with pytest.raises(IllegalTransition, match="vm-1") as refused:
        migrate.upgrade(empty)
    assert "--force" in refused.value.hint
    assert not queue.sweep_timers().outdated
    migrate.upgrade(empty, force=True)
    with connect(empty) as connection:
        assert revision.current(connection) == number
        with pytest.raises(ConfigError, match="newer than this jobctl"):
            revision.require_compatible(connection)
        revision.require_compatible(connection, newer=True)
    assert queue.sweep_timers().outdated
    queue.unregister(queue.worker)
    queue.close()


def test_each_migration_is_a_transaction_of_its_own(empty, later):
    good = later("ALTER TABLE jobctl.jobs ADD COLUMN one text")
    later("ALTER TABLE jobctl.jobs ADD COLUMN two text; SELECT 1 / 0")
    with pytest.raises(ConfigError, match="division by zero"):
        migrate.upgrade(empty)
    with connect(empty) as connection:
        assert revision.current(connection) == good


def test_a_migration_gives_up_a_lock_and_tries_again(empty, later, monkeypatch):
    number = later("ALTER TABLE jobctl.jobs ADD COLUMN one text")
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT", "50ms")
    with connect(empty) as other:
        other.autocommit = False
        other.execute("SELECT FROM jobctl.jobs")
        waits = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                other.rollback()

        monkeypatch.setattr(clock, "sleep", sleep)
        migrate.upgrade(empty)
        assert len(waits) == 3
        assert revision.current(other) == number


def test_a_migration_may_run_outside_of_a_transaction(empty, later):
    number = later("CREATE INDEX CONCURRENTLY later_idx ON jobctl.jobs (title)", concurrently=True)
    migrate.upgrade(empty)
    with connect(empty) as connection:
        assert revision.current(connection) == number
        assert connection.execute("SELECT to_regclass('jobctl.later_idx') IS NOT NULL").fetchone() == (True,)


def test_what_an_upgrade_would_lock_is_said_before(empty, later):
    one = later(
        "ALTER TABLE jobctl.jobs ADD COLUMN one text; CREATE TABLE jobctl.fresh (id int); ALTER TABLE jobctl.fresh ADD x int"
    )
    later("CREATE INDEX later_idx ON jobctl.events (at)", serves="0001")
    first, second = migrate.pending(empty)
    assert (first.revision, first.title, first.serves) == (one, "Later.", None)
    assert [(lock.table, lock.effect) for lock in first.locks] == [("jobs", "reads and writes wait, for a moment")]
    assert [(lock.table, lock.effect) for lock in second.locks] == [("events", "writes wait while it is read once")]
    assert second.serves == "0001"
    assert [step.revision for step in migrate.pending(empty, one)] == [one]


def test_every_migration_names_the_tables_that_it_locks(empty):
    steps = {step.revision: step for step in migrate.pending(empty)}
    assert list(steps) == [path.name[:4] for path in SCRIPTS]
    assert ("jobs", "writes wait while it is read once") in [(lock.table, lock.effect) for lock in steps["0003"].locks]
    assert ("jobs", "writes wait, for a moment") in [(lock.table, lock.effect) for lock in steps["0004"].locks]
