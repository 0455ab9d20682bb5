"""The torture on other servers: Debian's Postgres 15, and PgBouncer in transaction mode. Skipped where not installed."""

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jobctl.postgres.embedded import Server

FIFTEEN = Path("/usr/lib/postgresql/15/bin")
BOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def tortured(shell, url: str, *words: str) -> dict:
    done = shell("torture", "--seconds", "15", "--rate", "4", "--json", "--db", url, *words, wait=280)
    assert done.code == 0, done.out + done.err
    return json.loads(done.out)


@pytest.mark.timeout(300)
@pytest.mark.skipif(
    not (FIFTEEN / "postgres").exists(), reason="Postgres 15 is not installed: apt install postgresql-15"
)
def test_everything_holds_on_postgres_15(shell, reachable_tmp):
    server = Server(
        reachable_tmp / "fifteen", say=lambda _: None, environment={**os.environ, "JOBCTL_PG_BINDIR": str(FIFTEEN)}
    )
    try:
        server.ensure()
        told = tortured(shell, server.conninfo())
        assert told["jobs"]["completed"] > 10
    finally:
        server.stop(force=True)


@pytest.fixture
def bouncer(server_url, reachable_tmp):
    """PgBouncer in transaction mode before the server of the session, as the server's own account."""
    if BOUNCER is None:
        pytest.skip("PgBouncer is not installed: apt install pgbouncer")
    server = conninfo_to_dict(server_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = reachable_tmp / "bouncer"
    folder.mkdir(exist_ok=True)
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server['host']} port={server.get('port', 5432)} user={server['user']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 10\nmax_client_conn = 200\n"
        f"ignore_startup_parameters = extra_float_digits,options\nlogfile = {folder}/log\npidfile = {folder}/pid\n"
    )
    home = Path(server["host"]).stat()
    for path in (folder, folder / "pgbouncer.ini"):
        os.chown(path, home.st_uid, home.st_gid)
    account = {"user": home.st_uid, "group": home.st_gid} if os.geteuid() == 0 else {}
    process = subprocess.Popen([BOUNCER, "-q", str(folder / "pgbouncer.ini")], **account)
    yield make_conninfo("", host="127.0.0.1", port=port, user=server["user"], dbname="postgres")
    process.terminate()
    process.wait()


@pytest.mark.timeout(300)
def test_everything_holds_behind_pgbouncer_in_transaction_mode(shell, bouncer):
    told = tortured(shell, bouncer)
    assert told["jobs"]["completed"] > 10
