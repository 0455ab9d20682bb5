"""A server that is reached by TCP: what a connection that was cut off leaves behind, and refusals of a login."""

import os
import secrets
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jobctl.postgres import migrate
from jobctl.postgres.connect import KEEPALIVES, connect
from jobctl.postgres.embedded import Server


@pytest.fixture(scope="module")
def url(reachable_tmp):
    """On an address of its own, so that servers of other test processes are not in the way."""
    held = Server(reachable_tmp / secrets.token_hex(3), report=lambda _: None, environment=os.environ, durable=False)
    local = held.ensure()
    migrate.upgrade(local)
    address = ".".join(["127", *(str(1 + secrets.randbelow(253)) for _ in range(3))])
    with connect(local) as admin:
        admin.execute(f"ALTER SYSTEM SET listen_addresses = '{address}'")
        admin.execute("CREATE ROLE ann LOGIN PASSWORD 'right'")
        rules = Path(admin.execute("SHOW hba_file").fetchone()[0])
    held.stop(force=True)
    rules.write_text(f"host all ann all scram-sha-256\nhost all all all trust\n{rules.read_text()}")
    own = conninfo_to_dict(held.ensure())
    yield make_conninfo("", host=address, port=5432, user=own["user"], dbname=own["dbname"])
    held.stop(force=True)


def test_the_server_looks_for_a_client_that_was_cut_off(url):
    with connect(url) as connection:
        shown = {name: connection.execute(f"SHOW {name}").fetchone()[0] for name in KEEPALIVES}
    assert shown == {
        "tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
        "tcp_user_timeout": "20000", "client_connection_check_interval": "5s",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"user": "ann", "password": "wrong"}, {"user": "ann", "password": "right", "dbname": "nowhere"}, {"dbname": "nowhere"}, {"user": "nobody_here"}],
    ids=["password", "database of a login with a password", "database", "role"],
)  # fmt: skip
def test_a_wrong_password_role_or_database_is_a_setting_that_is_wrong(url, cli, wrong):
    done = cli("list", "--db", make_conninfo(url, **wrong))
    assert done.code == 5, done.err
    assert "wrong" not in done.err
    assert len(done.err.splitlines()) <= 3
