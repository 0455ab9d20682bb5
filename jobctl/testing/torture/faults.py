"""What is done to the processes: each returns whether it found a victim."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from jobctl.worker.processes import children


@dataclass
class Fleet:
    """Workers that are started again when they are gone, and what was stopped and is to go on."""

    environment: Mapping[str, str]
    home: Path
    size: int
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    frozen: list[int] = field(default_factory=list)

    def keep(self) -> None:
        """As many workers as there should be."""
        self.workers = [worker for worker in self.workers if worker.poll() is None]
        while len(self.workers) < self.size:
            self.workers.append(self._start())

    def freeze(self, pid: int, seconds: float) -> bool:
        """SIGSTOP, and CONT later by a thread of its own: whoever runs the show may wait for the one that is stopped."""
        self.frozen.append(pid)
        timer = threading.Timer(seconds, self._thaw, [pid])
        timer.daemon = True
        timer.start()
        return _signal(pid, signal.SIGSTOP)

    def _thaw(self, pid: int) -> None:
        _signal(pid, signal.SIGCONT)
        with suppress(ValueError):
            self.frozen.remove(pid)

    def _start(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "jobctl", "worker", "run", "-c", "2", "--poll", "0.2", "--grace", "5s"]
        with (self.home / "workers.log").open("ab") as log:
            return subprocess.Popen(
                words, env=dict(self.environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, cwd=self.home,
            )  # fmt: skip

    def children(self) -> list[int]:
        """Processes that run handlers: the children of the guardians that a worker starts."""
        return [child for worker in self.workers for guardian in children(worker.pid) for child in children(guardian)]

    def calm(self) -> None:
        """Everything that was stopped goes on."""
        for pid in [*self.frozen]:
            self._thaw(pid)

    def end(self) -> None:
        """All workers stop; what does not is killed."""
        self.calm()
        for worker in self.workers:
            _signal(worker.pid, signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()


@dataclass(frozen=True)
class Place:
    """Where the faults happen."""

    fleet: Fleet
    dice: random.Random
    url: str
    storage: Path
    lease: float
    postmaster: Callable[[], int | None]  # None: the server is somebody else's and is left alone
    paused: Callable[[], list[str]]  # checkpoints of paused jobs


def kill_worker(at: Place) -> bool:
    """SIGKILL of a supervisor; its children die with it."""
    return _one(at, [worker.pid for worker in at.fleet.workers], signal.SIGKILL)


def kill_child(at: Place) -> bool:
    """SIGKILL of a process that runs a handler."""
    return _one(at, at.fleet.children(), signal.SIGKILL)


def stop_worker(at: Place) -> bool:
    """SIGSTOP of a supervisor until its leases have run out, then CONT."""
    return _freeze(at, [worker.pid for worker in at.fleet.workers])


def stop_child(at: Place) -> bool:
    """SIGSTOP of a process that runs a handler; its supervisor goes on to beat."""
    return _freeze(at, at.fleet.children())


def deploy(at: Place) -> bool:
    """SIGTERM of a supervisor: its jobs are released, nothing is charged."""
    return _one(at, [worker.pid for worker in at.fleet.workers], signal.SIGTERM)


def cut_backend(at: Place) -> bool:
    """``pg_terminate_backend`` of a connection of a worker or a child."""
    with suppress(psycopg.Error), psycopg.connect(at.url, autocommit=True) as connection:
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'jobctl worker%' ORDER BY random() LIMIT 1"
        )
        return connection.execute(query).fetchone() is not None
    return False


def crash_server(at: Place) -> bool:
    """Immediate shutdown of the whole server: no checkpoint, no goodbye. The next command starts it again."""
    pid = at.postmaster()
    return pid is not None and _signal(pid, signal.SIGQUIT)


def flip_byte(at: Place) -> bool:
    """One bit of a paused job's newest checkpoint."""
    paths = at.paused()
    if not paths:
        return False
    file = at.storage / at.dice.choice(paths)
    with suppress(OSError):
        data = bytearray(file.read_bytes())
        data[at.dice.randrange(len(data))] ^= 1 << at.dice.randrange(8)
        file.write_bytes(bytes(data))
        return True
    return False


FAULTS: dict[str, tuple[Callable[[Place], bool], int]] = {
    "kill worker": (kill_worker, 3),
    "kill child": (kill_child, 5),
    "stop worker": (stop_worker, 7),
    "stop child": (stop_child, 2),
    "deploy": (deploy, 2),
    "cut backend": (cut_backend, 8),
    "crash server": (crash_server, 1),
    "flip byte": (flip_byte, 2),
}
"""Name → what it does, and how often next to the others."""


def _one(at: Place, pids: list[int], number: int) -> bool:
    return bool(pids) and _signal(at.dice.choice(pids), number)


def _freeze(at: Place, pids: list[int]) -> bool:
    still = [pid for pid in pids if pid not in at.fleet.frozen]
    if len(at.fleet.frozen) >= at.fleet.size - 1 or not still:  # somebody must be left to go on
        return False
    return at.fleet.freeze(at.dice.choice(still), at.lease * at.dice.uniform(1.2, 3.0))


def _signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True
