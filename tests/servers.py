"""The other servers that the suite can run on: Debian's Postgres 15, and PgBouncer in transaction mode before any server.

``JOBCTL_TEST_SERVER=15`` or ``pgbouncer`` (``make test-servers``) puts the whole session on one of them.
"""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from jobctl.postgres.connect import SETTINGS
from jobctl.postgres.embedded import Server

FIFTEEN = Path("/usr/lib/postgresql/15/bin")
POOLED = os.environ.get("JOBCTL_TEST_SERVER") == "pgbouncer"
BEHIND: list[str] = []
"""The server that the pooler of the session stands before."""
BOUNCER = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def embedded(folder: Path, *, bindir: Path | None = None) -> Iterator[str]:
    """A server of our own: the one that comes with jobctl, or that of a system. Gives the conninfo of its maintenance database."""
    environment = {**os.environ, **({"JOBCTL_PG_BINDIR": str(bindir)} if bindir else {})}
    server = Server(folder, report=lambda _: None, environment=environment, durable=False)
    server.ensure()
    try:
        yield server.conninfo("postgres")
    finally:
        server.stop(force=True)


@contextmanager
def fifteen(folder: Path) -> Iterator[str]:
    """Postgres 15, skipped where it is not installed."""
    if not (FIFTEEN / "postgres").exists():
        pytest.skip("Postgres 15 is not installed: apt install postgresql-15")
    with embedded(folder, bindir=FIFTEEN) as url:
        yield url


@contextmanager
def bouncer(server_url: str, folder: Path) -> Iterator[str]:
    """PgBouncer before a server, with its own defaults but for the mode; skipped where it is not installed.

    It takes no ``options`` of a connection: what jobctl sets there is set on the server, as docs/OPERATIONS.md says.
    """
    if BOUNCER is None:
        pytest.skip("PgBouncer is not installed: apt install pgbouncer")
    server = conninfo_to_dict(server_url)
    with psycopg.connect(server_url, autocommit=True) as admin:
        for name, value in SETTINGS.items():
            admin.execute(f"ALTER ROLE {server['user']} SET {name} = '{value}'")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder.mkdir(exist_ok=True)
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server['host']} port={server.get('port', 5432)} user={server['user']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"admin_users = {server['user']}\npool_mode = transaction\ndefault_pool_size = 30\nmax_client_conn = 200\n"
        f"logfile = {folder}/log\npidfile = {folder}/pid\n"
    )
    home = Path(server["host"]).stat()
    for path in (folder, folder / "pgbouncer.ini"):
        os.chown(path, home.st_uid, home.st_gid)
    account = {"user": home.st_uid, "group": home.st_gid} if os.geteuid() == 0 else {}
    process = subprocess.Popen([BOUNCER, "-q", str(folder / "pgbouncer.ini")], **account)
    try:
        yield _answering(
            make_conninfo("", host="127.0.0.1", port=port, user=server["user"], dbname="postgres"), process
        )
    finally:
        process.terminate()
        process.wait()


def _answering(url: str, process: subprocess.Popen) -> str:
    while process.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            continue
        return url
    raise RuntimeError("PgBouncer did not start")


def reconnect(url: str) -> None:
    """Through PgBouncer: the server's sessions end, and with them what one test has set in them and the next should not see."""
    console = make_conninfo(url, dbname="pgbouncer")
    with psycopg.connect(console, autocommit=True, prepare_threshold=None) as admin:
        psycopg.ClientCursor(admin).execute("RECONNECT")


@contextmanager
def chosen(folder: Path) -> Iterator[str]:
    """The server of the session: the embedded one, or what JOBCTL_TEST_SERVER says."""
    match os.environ.get("JOBCTL_TEST_SERVER", "embedded"):
        case "15":
            with fifteen(folder / "server") as url:
                yield url
        case "pgbouncer":
            with embedded(folder / "server") as behind, bouncer(behind, folder / "bouncer") as url:
                BEHIND.append(behind)
                yield url
        case _:
            with embedded(folder / "server") as url:
                yield url


def direct(url: str) -> str:
    """Past the pooler of the session, for what a test itself does: its sessions are its own."""
    return make_conninfo(BEHIND[0], dbname=conninfo_to_dict(url)["dbname"]) if BEHIND else url
