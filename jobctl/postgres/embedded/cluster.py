"""The cluster and everything else below ``<home>/pg``. All of it belongs to the server's account.

The functions here run *as* that account (see ``helper.py`` for root), and never follow a link in the last part of a path
that they write to.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from jobctl.core.errors import StoreUnavailable
from jobctl.postgres.embedded.folders import data_folder, is_own_folder, require_own_folder
from jobctl.postgres.embedded.process import is_postmaster, is_uninstalled, postmaster_pid, stop_orphans
from jobctl.system import clock
from jobctl.system.environment import variables

ROLE = DATABASE = "jobctl"
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
SOCKET_LIMIT = 103  # 104 bytes on macOS, 108 on Linux, with the final zero
STATUS_LINE = 7  # of postmaster.pid, from 0
START_TIMEOUT = 120
STOP_TIMEOUT = 60
LOG_LIMIT = 10 * 1024 * 1024
REPORT_AFTER = 2.0
"""Seconds after which a wait is reported with its reason."""
PASSED_ON = ("PATH", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Environment variables passed on to the server: it outlives the command, and must not keep keys and tokens readable."""
SETTINGS = """\
# Written by jobctl at each start. Durable, local only, small.
listen_addresses = ''
port = 5432
unix_socket_permissions = 0700
# a worker takes two connections, each of its children one, a command one or two: 200 are 60 workers of one job each
max_connections = 200
shared_buffers = 64MB
max_wal_size = 256MB
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
logging_collector = off
log_min_messages = warning
"""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One data folder of one major version. ``base`` is ``<home>/pg``, ``bindir`` has the server's programs.

    ``socket_dir`` is where the server listened the last time, if that is known.
    """

    base: Path
    major: int
    bindir: Path
    durable: bool
    socket_dir: Path | None = None

    @property
    def data(self) -> Path:
        """The data folder; the major version is in the path, because no version reads another's data."""
        return data_folder(self.base, self.major)

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.base / "postgres.log"

    def start(self, report: Report) -> Path:
        """A server that accepts connections: created, started, or found running. Returns the folder of its socket.

        Raises ``StoreUnavailable`` with the last line of the log, ``ConfigError``.
        """
        self.data.parent.mkdir(mode=0o700, exist_ok=True)
        stop_orphans(self.base, os.geteuid())
        self._remove_unfinished()
        if not (self.data / "PG_VERSION").exists():
            report("creating the database (once)")
            self._create()
        socket_dir = self._socket_folder()
        self._configure(socket_dir)
        if not self._is_running(socket_dir):
            self._remove_socket(socket_dir)
            with _reported(report, "starting the database"):
                self._launch(socket_dir)
        return socket_dir

    def stop(self) -> bool:
        """Ends the server, and any whose data folder was removed; returns whether one ran."""
        orphans = stop_orphans(self.base, os.geteuid())
        pid = postmaster_pid(self.data)
        if pid is None or not is_postmaster(pid, self.data):
            return orphans > 0
        self._end(pid)
        return True

    # -- creating ------------------------------------------------------------------------------------------------

    def _remove_unfinished(self) -> None:
        """Leftovers of an initdb that was killed: initdb runs only under the lock, which this process has."""
        for unfinished in self.data.parent.glob("cluster.init-*"):
            shutil.rmtree(unfinished, ignore_errors=True)

    def _create(self) -> None:
        """Runs initdb beside the final name, then one rename: a data folder is whole or absent."""
        unfinished = self.data.with_name(f"cluster.init-{os.getpid()}")
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self.major >= 17 else []
        command = [
            str(self.bindir / "initdb"), "-D", unfinished.name, "-U", ROLE, "-A", "trust", "-E", "UTF8", "--locale=C",
            *locale, "--data-checksums", *([] if self.durable else ["--no-sync"]),
        ]  # fmt: skip
        if self._run(command, cwd=self.data.parent) != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise StoreUnavailable(f"the database can't be created: {self._last_line()}", hint=f"See {self.log}")
        unfinished.rename(self.data)

    def _socket_folder(self) -> Path:
        """A folder for this cluster only: a later one at the same path has another, and so has a copy.

        A server whose data was removed unlinks its socket when it notices; that must not be its successor's.
        """
        data = self.data.stat()
        own = b"%s %d %d" % (self._system_identifier(), data.st_dev, data.st_ino)
        tag = hashlib.sha256(own).hexdigest()[:8]
        near = self.base / f"s-{tag}"
        fits = len(os.fsencode(near / SOCKET)) <= SOCKET_LIMIT
        if fits and "," not in str(near):  # libpq reads a comma as a list of hosts
            with suppress(FileExistsError):
                near.mkdir(mode=0o700)
            require_own_folder(near, os.geteuid())
            return near
        known = self.socket_dir
        if known is not None and known.name.startswith(f"jobctl-{tag}-") and is_own_folder(known):
            return known
        return Path(tempfile.mkdtemp(prefix=f"jobctl-{tag}-", dir="/tmp"))

    def _system_identifier(self) -> bytes:
        with _open(self.data / "global" / "pg_control", os.O_RDONLY) as source:
            return source.read(8)

    def _configure(self, socket_dir: Path) -> None:
        """The settings, in a separate file, so that no path passes through a shell; written again at each start."""
        listed = str(socket_dir).replace('"', '""').replace("'", "''")
        text = SETTINGS.format(durable="on" if self.durable else "off")
        text += f"unix_socket_directories = '\"{listed}\"'\n"
        fresh = self.data / f"jobctl.conf.new-{os.getpid()}"
        with _open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC) as sink:
            sink.write(text.encode())
        fresh.replace(self.data / "jobctl.conf")
        line = b"include 'jobctl.conf'"
        with _open(self.data / "postgresql.conf", os.O_RDWR | os.O_APPEND) as main:
            if line not in main.read():
                main.write(b"\n" + line + b"\n")

    # -- starting ------------------------------------------------------------------------------------------------

    def _is_running(self, socket_dir: Path) -> bool:
        """Waits for a server that is starting; ends one that is unreachable; clears the pid file of a dead one.

        A pid file counts only when its process is the server, not whenever the pid exists.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while (pid := postmaster_pid(self.data)) is not None and is_postmaster(pid, self.data):
            if self._status() == "ready":
                if _listens(socket_dir) and not is_uninstalled(pid):
                    return True
                self._end(
                    pid
                )  # its socket or its installation was removed, or an older jobctl put the socket elsewhere
            elif time.monotonic() > deadline:
                raise StoreUnavailable(f"the database has been starting for {START_TIMEOUT} s", hint=f"See {self.log}")
            clock.sleep(0.05)
        if pid is not None:
            self._disown_pid_file()
        return False

    def _status(self) -> str:
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")
        except OSError:
            return ""
        return lines[STATUS_LINE].strip() if len(lines) > STATUS_LINE else ""

    def _disown_pid_file(self) -> None:
        """Replaces only the pid: the shared-memory line of the file protects against orphaned backends.

        Our own pid is one that the server knows to be its grandparent's and takes for stale.
        """
        with suppress(FileNotFoundError), _open(self.data / "postmaster.pid", os.O_RDWR) as file:
            rest = file.read().split(b"\n")[1:]
            file.seek(0)
            file.write(b"\n".join([str(os.getpid()).encode(), *rest]))
            file.truncate()

    def _remove_socket(self, socket_dir: Path) -> None:
        for name in (SOCKET, f"{SOCKET}.lock"):
            (socket_dir / name).unlink(missing_ok=True)

    def _launch(self, socket_dir: Path) -> None:
        command = [str(self.bindir / "pg_ctl"), "-w", "-t", str(START_TIMEOUT), "-D", ".", "start"]
        for _ in range(3):
            if self._run(command, cwd=self.data) == 0 and _listens(socket_dir):
                return
            clock.sleep(0.2)
        raise StoreUnavailable(f"the database does not start: {self._last_line()}", hint=f"See {self.log}")

    def _end(self, pid: int) -> None:
        """A fast shutdown of a process that is certainly the server; it may already be ending."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        deadline = time.monotonic() + STOP_TIMEOUT
        while is_postmaster(pid, self.data):
            if time.monotonic() > deadline:
                raise StoreUnavailable("the database does not stop", hint=f"See {self.log}")
            clock.sleep(0.02)

    def _run(self, command: Sequence[str], *, cwd: Path) -> int:
        """Runs a program of the server, detached, its output added to the log; returns the exit code.

        A file, not a pipe: the postmaster keeps inherited descriptors open, and a pipe would never reach its end.
        """
        with suppress(FileNotFoundError):
            if self.log.lstat().st_size > LOG_LIMIT:
                self.log.replace(self.log.with_suffix(".log.old"))
        environment = {name: variables[name] for name in PASSED_ON if name in variables}
        with _open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as sink:
            done = subprocess.run(
                command, cwd=cwd, env={"PATH": "/usr/bin:/bin", **environment, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True, check=False,
            )  # fmt: skip
        return done.returncode

    def _last_line(self) -> str:
        try:
            with _open(self.log, os.O_RDONLY) as source:
                source.seek(max(0, self.log.lstat().st_size - 4096))
                lines = source.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return "no log"
        return lines[-1][:300] if lines else "no reason in the log"


def _listens(socket_dir: Path) -> bool:
    """Whether a process listens on the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(socket_dir / SOCKET))
        except (BlockingIOError, TimeoutError):  # it listens, and its backlog is full
            return True
        except OSError:
            return False
    return True


def _open(path: Path, flags: int) -> IO[bytes]:
    """A file that is opened only where it is none but itself: a link is refused with ``OSError``."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    mode = "rb" if flags & os.O_ACCMODE == os.O_RDONLY else "ab" if flags & os.O_ACCMODE == os.O_WRONLY else "r+b"
    return os.fdopen(descriptor, mode)


@contextmanager
def _reported(report: Report, line: str) -> Iterator[None]:
    """Reports an operation that takes long."""
    timer = threading.Timer(REPORT_AFTER, report, [line])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
