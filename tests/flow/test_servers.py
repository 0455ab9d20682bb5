"""The torture on other servers: Debian's Postgres 15, and PgBouncer in transaction mode. Skipped where not installed.

The suites of the queue run on them too, with ``make test-servers``.
"""

import json

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jobctl.core.job import NewJob
from jobctl.postgres.connect import allow_prepared, connect
from jobctl.postgres.queue import Queue
from tests import servers


def tortured(shell, url: str) -> dict:
    done = shell("torture", "--seconds", "15", "--rate", "4", "--json", "--db", url, wait=280)
    assert done.code == 0, done.out + done.err
    return json.loads(done.out)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_everything_holds_on_postgres_15(shell, reachable_tmp):
    with servers.fifteen(reachable_tmp / "fifteen") as url:
        assert tortured(shell, url)["jobs"]["completed"] > 10


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_everything_holds_behind_pgbouncer_in_transaction_mode(shell, reachable_tmp):
    with (
        servers.embedded(reachable_tmp / "behind") as behind,
        servers.bouncer(behind, reachable_tmp / "before") as url,
    ):
        assert tortured(shell, url)["jobs"]["completed"] > 10


def test_jobs_run_behind_pgbouncer_as_it_is_installed(shell, server_url, database_url, reachable_tmp):
    """Small enough for every day; PgBouncer refuses what jobctl sets at connect, and jobctl does without."""
    with servers.bouncer(server_url, reachable_tmp / "small") as url:
        shell.env["JOBCTL_DATABASE_URL"] = make_conninfo(url, dbname=conninfo_to_dict(database_url)["dbname"])
        jobs = shell("submit", "-f", "-", stdin='{"type":"steps"}\n{"type":"noop"}\n').out.split()
        assert shell("worker", "run", "--drain").code == 0
        assert shell("wait", *jobs).code == 0


def test_repeated_statements_are_not_prepared_behind_pgbouncer(server_url, database_url, reachable_tmp):
    """Two clients take turns in the sessions of the server: what one had prepared the other would meet."""
    with servers.bouncer(server_url, reachable_tmp / "pooled") as url:
        pooled = make_conninfo(url, dbname=conninfo_to_dict(database_url)["dbname"])
        queues = [Queue(lambda: connect(pooled)) for _ in range(3)]
        for _ in range(5):
            for queue in queues:
                queue.submit([NewJob("a", {}, key="one")])
        assert not allow_prepared(queues[0].connection)
        for queue in queues:
            queue.close()
