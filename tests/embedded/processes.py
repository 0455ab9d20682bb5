"""What the tests of the embedded server do to real processes, as root and as an ordinary account."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from jobctl.postgres.connect import connect
from jobctl.postgres.embedded.process import is_postmaster, postmaster_pid

ROOT = Path(__file__).parents[2]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def works(server) -> bool:
    with connect(server.ensure()) as connection:
        return connection.execute("SELECT current_database()").fetchone() == ("jobctl",)


def kill_everything(server) -> None:
    pid = postmaster_pid(server.cluster)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in [pid, *map(int, children)]:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    while is_postmaster(pid, server.cluster):
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except OSError:
        return False


def remove(folder: Path) -> None:
    """``rm -rf`` while a server still writes into it."""
    while folder.exists():
        shutil.rmtree(folder, ignore_errors=True)


def interpreter() -> str:
    """A Python of our version that any account can run: ours may lie in a home that is closed."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, system):
        real = Path(candidate).resolve()
        if real.exists() and all(folder.stat().st_mode & 0o005 == 0o005 for folder in [real, *real.parents]):
            return candidate
    pytest.skip("no interpreter that an ordinary account can run")


def environment_of_others() -> dict[str, str]:
    """What another account needs to import jobctl, and no HOME."""
    site = str(Path(psycopg.__file__).parents[1])
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/plugin"), site])}


def as_account(
    name: str, *words: str, env: dict[str, str] | None = None, **more: object
) -> subprocess.CompletedProcess:
    """Runs Python with the given words as another account."""
    entry = pwd.getpwnam(name)
    return subprocess.run(
        [interpreter(), *words], user=entry.pw_uid, group=entry.pw_gid, extra_groups=[], capture_output=True, text=True,
        env={**environment_of_others(), **(env or {})}, check=False, timeout=90, **{"cwd": "/", **more},
    )  # fmt: skip
