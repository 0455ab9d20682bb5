"""How many workers the embedded server takes, and that an older cluster gets today's settings."""

from contextlib import ExitStack

import psycopg
import pytest

from jobctl.core.errors import StoreUnavailable
from jobctl.postgres.connect import connect
from tests.embedded.processes import works

WORKERS = 20
EACH = 3
"""Connections of a worker of one job: its own, the one that listens, its child's."""


def shown(server, name: str) -> str:
    with connect(server.ensure()) as connection:
        return connection.execute(f"SHOW {name}").fetchone()[0]


def test_twenty_workers_of_one_job_and_their_users_fit(base, servers):
    server = servers(base / "home")
    info = server.ensure()
    with ExitStack() as stack:
        for _ in range(2 * WORKERS * EACH):  # as many again for commands
            stack.enter_context(psycopg.connect(info))
        assert works(server)


def test_a_cluster_of_before_gets_the_settings_of_today_when_it_starts_next(base, servers):
    server = servers(base / "home")
    assert works(server)
    server.stop(force=True)
    conf = server.cluster / "jobctl.conf"
    conf.write_text(conf.read_text().replace("max_connections = 200", "max_connections = 50"))
    assert works(server)
    assert shown(server, "max_connections") == "200"
    assert conf.stat().st_uid == server.cluster.stat().st_uid


def fill(stack: ExitStack, info: str) -> None:
    while True:
        try:
            stack.enter_context(psycopg.connect(info))
        except psycopg.OperationalError:
            return


def test_a_server_that_is_full_is_not_taken_for_a_dead_one(base, servers):
    """It says so, and is neither waited for nor restarted."""
    server = servers(base / "home")
    info = server.ensure()
    pid = server.status().pid
    with ExitStack() as stack:
        fill(stack, info)
        with pytest.raises(StoreUnavailable, match="too many clients"):
            server.ensure()
    assert works(server)
    assert server.status().pid == pid
