"""A worker that is up, and what it and Postgres use: CPU seconds and memory, by process."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

PLUGIN = Path(__file__).parents[1] / "plugin"
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
DEADLINE = 120.0


@dataclass(frozen=True)
class Used:
    """CPU seconds so far."""

    supervisor: float
    children: float
    postgres: float

    def since(self, before: "Used", jobs: int) -> dict[str, float]:
        """Microseconds a job."""
        return {name: (getattr(self, name) - getattr(before, name)) / jobs * 1e6 for name in self.__dataclass_fields__}


def _fields(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _parents() -> dict[int, int]:
    found = {int(name): _fields(int(name)) for name in os.listdir("/proc") if name.isdecimal()}  # noqa: PTH208
    return {pid: int(fields[1]) for pid, fields in found.items() if fields}


def descendants(pid: int) -> list[int]:
    """Every process below one."""
    parents = _parents()
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def cpu(pid: int, *, ended: bool = False) -> float:
    """CPU seconds of a process; ``ended``: with those of its children that have ended."""
    fields = _fields(pid)
    return sum(map(int, fields[11 : 15 if ended else 13])) / TICK if fields else 0.0


def rss(pid: int) -> float:
    """MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 1e6


def until(condition: Callable[[], bool], what: str) -> None:
    """Waits."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.02)


def postmaster(connection: psycopg.Connection) -> int:
    """The process that started the server's others."""
    text = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()[0]
    return int(text.splitlines()[0])


class Worker:
    """A supervisor and its children."""

    def __init__(self, pid: int, server: int) -> None:
        self.pid = pid
        self._server = server

    def used(self) -> Used:
        """CPU seconds now."""
        return Used(
            cpu(self.pid),
            sum(map(cpu, descendants(self.pid))),
            cpu(self._server, ended=True) + sum(map(cpu, descendants(self._server))),
        )

    def memory(self) -> tuple[float, float]:
        """MB of the supervisor and of its largest child."""
        return rss(self.pid), max(map(rss, descendants(self.pid)), default=0.0)


PROFILED = """
import cProfile, sys
from jobctl.worker.supervisor import Supervisor
profile, run = cProfile.Profile(), Supervisor.run
def profiled(supervisor):
    profile.enable()
    try:
        return run(supervisor)
    finally:
        profile.disable()
        profile.dump_stats({path!r})
Supervisor.run = profiled
from jobctl.cli import entry
sys.exit(entry.main())
"""


@contextmanager
def worker(
    url: str, home: str, connection: psycopg.Connection, *, concurrency: int, profile: str = ""
) -> Iterator[Worker]:
    """A worker that has registered; ends it. ``profile``: a file for cProfile's figures of the supervisor."""
    env = {**os.environ, "JOBCTL_DATABASE_URL": url, "JOBCTL_HOME": home, "PYTHONPATH": str(PLUGIN)}
    run = ["-c", PROFILED.format(path=profile)] if profile else ["-m", "jobctl"]
    before = connection.execute("SELECT coalesce(max(id), 0) FROM jobctl.workers").fetchone()[0]
    process = subprocess.Popen([sys.executable, *run, "worker", "run", "-q", "-c", str(concurrency)], env=env)
    try:
        newer = "SELECT count(*) = 1 FROM jobctl.workers WHERE id > %s"
        until(lambda: connection.execute(newer, [before]).fetchone()[0], "the worker did not start")
        yield Worker(process.pid, postmaster(connection))
    finally:
        process.terminate()
        process.wait()
