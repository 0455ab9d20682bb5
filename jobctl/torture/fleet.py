"""The worker processes of a run: started again when they are gone, frozen for a while, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from jobctl.worker.processes import children

STOP_TIMEOUT = 20.0
"""Seconds that a worker has to stop at the end of a run before it is killed."""


@dataclass
class Fleet:
    """``size`` workers of two slots each. ``frozen``: the pids that are stopped at the moment.

    ``differing``: what the environments of the first workers have besides ``environment``, one for each.
    """

    environment: Mapping[str, str]
    home: Path
    size: int
    differing: Sequence[Mapping[str, str]] = ()
    _places: dict[int, subprocess.Popen[bytes]] = field(default_factory=dict)
    frozen: list[int] = field(default_factory=list)
    _undo: list[Callable[[], None]] = field(default_factory=list)

    def ensure_running(self) -> None:
        """Starts workers until there are ``size`` of them."""
        for place in range(self.size):
            if place not in self._places or self._places[place].poll() is not None:
                own = self.differing[place] if place < len(self.differing) else {}
                self._places[place] = self._start({**self.environment, **own})

    @property
    def workers(self) -> list[subprocess.Popen[bytes]]:
        """The processes that were started, one for each place."""
        return list(self._places.values())

    def freeze(self, pid: int, seconds: float) -> bool:
        """SIGSTOP now and SIGCONT after ``seconds``; returns whether the process was there.

        A timer thread resumes it: the main thread may itself wait for a lock of the frozen process.
        """
        self.frozen.append(pid)
        self.later(seconds, lambda: self.resume(pid))
        return send_signal(pid, signal.SIGSTOP)

    def resume(self, pid: int) -> None:
        """SIGCONT for a frozen process."""
        send_signal(pid, signal.SIGCONT)
        with suppress(ValueError):
            self.frozen.remove(pid)

    def later(self, seconds: float, undo: Callable[[], None]) -> None:
        """Calls ``undo`` after ``seconds``, or when the faults end."""

        def run() -> None:
            with suppress(ValueError):  # the end of the faults came first
                self._undo.remove(undo)
                undo()

        self._undo.append(undo)
        timer = threading.Timer(seconds, run)
        timer.daemon = True
        timer.start()

    def end_faults(self) -> None:
        """Undoes everything that is still in force."""
        while self._undo:
            with suppress(IndexError):  # a timer was quicker
                self._undo.pop()()

    def children(self) -> list[int]:
        """The pids of the processes that run handlers: the children of the guardians that a worker starts."""
        return [child for worker in self.workers for guardian in children(worker.pid) for child in children(guardian)]

    def stop(self) -> None:
        """Ends all workers with SIGTERM, then with SIGKILL."""
        self.end_faults()
        for worker in self.workers:
            send_signal(worker.pid, signal.SIGTERM)
        for worker in self.workers:
            try:
                worker.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "jobctl", "worker", "run", "-c", "2", "--poll", "0.2", "--grace", "5s"]
        folder = (
            self.home / "workers"
        )  # of their own: a folder above the server's would be one that their children can use
        folder.mkdir(exist_ok=True)
        with (self.home / "workers.log").open("ab") as log:
            return subprocess.Popen(
                command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, cwd=folder,
            )  # fmt: skip


def send_signal(pid: int, number: int) -> bool:
    """Whether the process existed."""
    try:
        os.kill(pid, number)
    except OSError:
        return False
    return True
