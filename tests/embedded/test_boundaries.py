"""What the server's account, or any other, can prepare: root follows no link and believes no stranger's server."""

import os
import pwd
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable
from jobctl.postgres.embedded import Server
from jobctl.postgres.embedded.account import Account
from jobctl.postgres.embedded.location import Location
from jobctl.postgres.embedded.process import postmaster_pid
from tests.embedded.processes import as_account, as_root, works

LONG = "x" * 100
"""A name that makes the path of a socket in the home too long."""


@pytest.fixture
def stopped(base, servers):
    """A server that ran once."""
    server = servers(base / "home")
    assert works(server)
    server.stop(force=True)
    return server


def facts(path: Path) -> tuple:
    if not path.exists():
        return ()
    status = path.stat()
    return (
        status.st_uid,
        status.st_gid,
        stat.S_IMODE(status.st_mode),
        path.read_bytes() if path.is_file() else sorted(path.iterdir()),
    )


# -- links -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shared(reachable_tmp):
    """One that is used for all links: to create a cluster takes longer than to refuse one."""
    folder = Path(tempfile.mkdtemp(dir=reachable_tmp))
    folder.chmod(0o755)
    server = Server(folder / "home", report=lambda _: None, environment=os.environ, durable=False)
    assert works(server)
    server.stop(force=True)
    yield server
    server.stop(force=True)


TOUCHED = [
    *("18", "18/cluster", "postgres.log", "socket", "18/cluster/jobctl.conf", "18/cluster/postgresql.conf"),
    *("18/cluster/postmaster.pid", "18/cluster/PG_VERSION", "18/cluster/global/pg_control"),
]
"""Every file and folder that a start or a stop looks at."""


@as_root
@pytest.mark.parametrize("target", ["file", "folder", "missing"])
@pytest.mark.parametrize("name", TOUCHED)
def test_root_follows_no_link_of_the_account(shared, name, target):
    """Each is replaced by a link to something of root's."""
    account = Account.choose(os.environ)
    secret = shared.home.parent / f"secret-{name.replace('/', '-')}-{target}"
    if target == "file":
        secret.write_text("99999\nroot's\n")
        secret.chmod(0o600)
    elif target == "folder":
        secret.mkdir(mode=0o700)
    before = facts(secret)
    link = shared.socket_dir if name == "socket" else shared.home / "pg" / name
    aside = link.with_name("aside")
    if link.exists():
        link.rename(aside)
    link.symlink_to(secret)
    os.chown(link, account.uid, account.gid, follow_symlinks=False)
    try:
        said = [outcome(use) for use in (shared.ensure, shared.status, shared.stop, shared.ensure)]
        shared.stop(force=True)
    finally:
        link.unlink(missing_ok=True)
        if aside.exists():
            aside.rename(link)
    assert facts(secret) == before
    assert "root's" not in "".join(said)


def outcome(use) -> str:
    try:
        return str(use())
    except JobctlError as error:
        return str(error)


@as_root
def test_without_the_links_it_works_again(shared):
    assert works(shared)
    shared.stop(force=True)


@as_root
def test_nothing_below_pg_belongs_to_root(stopped):
    assert works(stopped)
    account = Account.choose(os.environ)
    base = stopped.home / "pg"
    assert stat.S_IMODE(base.stat().st_mode) == 0o700
    others = [path for path in [base, *base.rglob("*")] if path.lstat().st_uid != account.uid]
    assert others == []
    assert stopped.home.stat().st_uid == 0
    assert stat.S_IMODE(stopped.home.stat().st_mode) & 0o022 == 0


@as_root
def test_the_folder_of_another_account_is_not_taken_over(base):
    home = base / "home"
    (home / "pg").mkdir(parents=True, mode=0o755)
    (home / "pg" / "something").write_text("x")
    for owner in (65534, 0):
        os.chown(home / "pg", owner, owner)
        with pytest.raises(ConfigError, match="belongs to"):
            Server(home, report=lambda _: None, environment=os.environ).ensure()
        assert (home / "pg").stat().st_uid == owner


@as_root
def test_a_link_in_the_place_of_the_folder_is_refused(base):
    home = base / "home"
    home.mkdir()
    (base / "other").mkdir(mode=0o700)
    (home / "pg").symlink_to(base / "other")
    with pytest.raises(ConfigError, match="is not a folder"):
        Server(home, report=lambda _: None, environment=os.environ).ensure()
    assert facts(base / "other")[:3] == (0, 0, 0o700)


def test_the_server_gets_no_keys_of_ours(base, servers, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("JOBCTL_DATABASE_URL", "postgresql://u:canary@h/d")
    server = servers(base / "home")
    assert works(server)
    assert b"canary" not in Path(f"/proc/{postmaster_pid(server.cluster)}/environ").read_bytes()


# -- accounts --------------------------------------------------------------------------------------------------------


@as_root
@pytest.mark.parametrize(
    ("name", "says"),
    [("nobody", "other daemons"), ("daemon", "other daemons"), ("root", "as root"), ("nowhere", "no such account")],
)
def test_an_account_that_is_shared_or_missing_is_refused(base, name, says):
    server = Server(base / "home", report=lambda _: None, environment={**os.environ, "JOBCTL_DB_OS_USER": name})
    with pytest.raises(ConfigError, match=says) as caught:
        server.ensure()
    assert "useradd" in caught.value.hint
    assert not (base / "home" / "pg").exists()


@as_root
def test_without_a_dedicated_account_root_is_told_to_make_one(monkeypatch):
    real = pwd.getpwnam

    def without(name):
        if name in ("jobctl", "postgres"):
            raise KeyError(name)
        return real(name)

    monkeypatch.setattr(pwd, "getpwnam", without)
    with pytest.raises(ConfigError, match="no account named jobctl or postgres") as caught:
        Account.choose({})
    assert "useradd" in caught.value.hint


@as_root
def test_another_account_can_be_named(base, servers):
    server = Server(base / "home", report=lambda _: None, environment={**os.environ, "JOBCTL_DB_OS_USER": "games"})
    try:
        assert works(server)
        assert Path(f"/proc/{postmaster_pid(server.cluster)}").stat().st_uid == pwd.getpwnam("games").pw_uid
    finally:
        server.stop(force=True)


# -- strangers' servers ----------------------------------------------------------------------------------------------


def test_the_socket_of_a_long_home_has_a_name_that_nobody_can_prepare(base, servers):
    first, second = (servers(base / f"{n}{LONG}") for n in (1, 2))
    assert works(first)
    assert works(second)
    for server in (first, second):
        assert server.socket_dir.parent == Path("/tmp")
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        server.stop(force=True)
        kept = server.socket_dir
        assert works(server)
        assert server.socket_dir == kept


@as_root
@pytest.mark.parametrize("how", ["owner", "mode", "link", "file"])
def test_a_socket_folder_of_a_stranger_is_not_used(base, servers, how):
    server = servers(base / LONG)
    assert works(server)
    folder = server.socket_dir
    aside = folder.with_name(f"{folder.name}-aside")
    if how == "owner":
        os.chown(folder, 65534, 65534)
    elif how == "mode":
        folder.chmod(0o755)
    else:
        folder.rename(aside)
        folder.symlink_to(aside) if how == "link" else folder.write_text("")
    with pytest.raises(ConfigError, match="can't be trusted"):
        server.ensure()
    if how in ("owner", "mode"):
        account = Account.choose(os.environ)
        os.chown(folder, account.uid, account.gid)
        folder.chmod(0o700)
    else:
        folder.unlink()
        aside.rename(folder)
    assert works(server)


FAKE = """
import os, socket, struct, sys
def message(kind, body): return kind + struct.pack("!i", len(body) + 4) + body
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
os.setgroups([]); os.setgid(int(sys.argv[2])); os.setuid(int(sys.argv[2]))
listener.listen()
print("up", flush=True)
while True:
    client, _ = listener.accept()
    client.recv(8192)
    facts = {"server_version": "18.6", "in_hot_standby": "off", "default_transaction_read_only": "off", "client_encoding": "UTF8"}
    said = b"".join(message(b"S", f"{k}\\0{v}\\0".encode()) for k, v in facts.items())
    client.sendall(message(b"R", struct.pack("!i", 0)) + said + message(b"Z", b"I"))
"""


@as_root
@pytest.mark.parametrize(
    ("account", "error", "says"),
    [("nobody", ConfigError, "runs as nobody"), ("postgres", StoreUnavailable, "is not that of")],
)
def test_a_server_of_a_stranger_is_noticed_before_anything_is_asked(stopped, account, error, says):
    """It lies in the right folder and speaks the protocol; the kernel knows who listens, and where that process works."""
    place = stopped.socket_dir / ".s.PGSQL.5432"
    place.unlink(missing_ok=True)
    uid = pwd.getpwnam(account).pw_uid
    fake = subprocess.Popen([sys.executable, "-c", FAKE, str(place), str(uid)], stdout=subprocess.PIPE)
    try:
        assert fake.stdout.readline() == b"up\n"
        with pytest.raises(error, match=says):
            stopped.connect()
    finally:
        fake.kill()
        fake.communicate()
    place.unlink()
    assert works(stopped)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"major": "x"}', '{"major": 18, "uid": 0}', "\xff", "{" * 9000])
def test_a_damaged_note_of_the_place_is_written_anew(shared, text):
    assert works(shared)
    (shared.home / "pg.server").write_text(text, encoding="latin-1")
    assert Location.read(shared.home) is None
    assert works(shared)
    assert Location.read(shared.home)


@as_root
def test_an_ordinary_account_has_a_server_of_its_own(base):
    """Also under a long path, with a space, without HOME."""
    code = """
import os, sys
from pathlib import Path
from jobctl.postgres.embedded import Server
from jobctl.postgres import migrate
server = Server(Path(sys.argv[1]), report=print, environment=os.environ, durable=False)
migrate.upgrade(server.ensure())
print(server.status().running, server.socket_dir.stat().st_uid, server.cluster.stat().st_uid)
server.stop(force=True)
"""
    uid = pwd.getpwnam("games").pw_uid
    for name in ("plain", f"with space {LONG}"):
        folder = base / name
        folder.mkdir()
        os.chown(folder, uid, uid)
        done = as_account("games", "-c", code, str(folder / "home"))
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == f"True {uid} {uid}"


@as_root
def test_an_ordinary_account_works_through_the_whole_command(base):
    uid = pwd.getpwnam("games").pw_uid
    folder = base / "of games"
    folder.mkdir()
    os.chown(folder, uid, uid)
    env = {"JOBCTL_HOME": str(folder / "a home"), "JOBCTL_TEST_FAST": "1"}
    try:
        done = as_account("games", "-m", "jobctl", "submit", "noop", "--run", env=env, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "completed" in as_account("games", "-m", "jobctl", "list", env=env, cwd=folder).stdout
        (folder / "a home").chmod(0o777)
        refused = as_account("games", "-m", "jobctl", "list", env=env, cwd=folder)
        assert refused.returncode == 5, refused.stderr
        (folder / "a home").chmod(0o700)
    finally:
        as_account("games", "-m", "jobctl", "db", "stop", "--force", env=env, cwd=folder)


@as_root
def test_an_interrupted_command_leaves_the_helper_to_its_work_and_to_the_lock(base, servers):
    """``--timeout``, Ctrl-C or a kill in the first command; the next one waits for what was begun."""
    home = base / "home"
    code = "import os, sys; from pathlib import Path; from jobctl.postgres.embedded import Server; "
    code += "Server(Path(sys.argv[1]), report=lambda line: os._exit(9), environment=os.environ, durable=False).ensure()"
    done = subprocess.run([sys.executable, "-c", code, str(home)], check=False)
    assert done.returncode == 9, "gone while the cluster is created"
    server = servers(home)
    assert works(server)
    assert list(server.cluster.parent.iterdir()) == [server.cluster]
