"""The supervisor's child processes: started, assigned jobs, frozen, killed, replaced."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from jobctl.core.attempt import Claimed
from jobctl.core.retry import names_memory
from jobctl.system.cgroup import MemoryGroup
from jobctl.worker import guardian, kernel_kills
from jobctl.worker.channel import Channel, FromChild, Quit, Run, ToChild, supervisor_end
from jobctl.worker.processes import end_marked, signal_descendants
from jobctl.worker.sandbox import send_setup
from jobctl.worker.workspace import Workspaces, mark

STDERR_CAP = 4_096
"""Bytes of a child's stderr that are kept."""
ENDS_WITHIN = 15.0
"""Seconds that a guardian may take to end its child and everything below it."""
EXITS_WITHIN = 1.0
"""Seconds that a child may take from closing its channel to its end, before it is killed."""
START_ATTEMPTS = 6
"""Children in a row that may end before they are ready; then the worker itself is not able to work."""
START_DELAY = 0.05
"""Seconds before the second of them; doubled each time."""
START_DELAY_MOST = 30.0


@dataclass(frozen=True, slots=True)
class ChildExit:
    """How a child ended. ``reason`` continues "the process was"; ``stderr`` is the end of what it wrote there.

    ``code`` is its exit code, negative for a signal.
    """

    code: int
    reason: str
    stderr: str
    out_of_memory: bool


@dataclass
class ChildProcess:
    """One child process. ``jobs`` are those it was assigned and has not ended, in the order in which it runs them.

    ``process`` is its guardian: it ends when the child has ended, and in the same way.
    """

    process: subprocess.Popen[bytes]
    channel: Channel[FromChild, ToChild]
    workspace: Path
    jobs: dict[int, Claimed] = field(default_factory=dict)
    assigned: set[int] = field(default_factory=set)
    """Every job that it was ever sent: it may still report on one that was taken away meanwhile."""
    jobs_ended: int = 0
    job_since: float = 0.0
    """When the running job began, monotonic."""
    last_message_at: float = 0.0
    """Monotonic."""
    ready: bool = False
    """Its imports are done."""
    frozen: bool = False
    held: bool = False
    """It is frozen because that was requested of its job: only a request lets it go on."""
    retiring: bool = False
    returning_jobs: bool = False
    """It was asked to return the jobs that wait behind the running one."""
    kill_reason: str = ""
    _stderr: deque[bytes] = field(default_factory=lambda: deque(maxlen=64))

    @property
    def running(self) -> Claimed | None:
        """The job it works on: the first of its jobs."""
        return next(iter(self.jobs.values()), None)

    def assign(self, jobs: Sequence[Claimed]) -> None:
        """Sends jobs; they run in this order."""
        now = time.monotonic()
        if not self.jobs:
            self.job_since = self.last_message_at = now
        self.jobs |= {job.token.job_id: job for job in jobs}
        self.assigned.update(job.token.job_id for job in jobs)
        self.send(*map(Run, jobs))

    def send(self, *messages: ToChild) -> None:
        """Sends messages, what the child does not take now with the next call; that it is gone is seen by the end of its channel."""
        with suppress(OSError):
            self.channel.post(messages)

    def unsent(self) -> bool:
        """Tries again to send what the child did not take; returns whether there is still some of it."""
        with suppress(OSError):
            return not self.channel.post(())
        return False

    def freeze(self) -> None:
        """Stops the child and every program that its jobs have started. Its guardian continues: only it can end them."""
        if guardian.AVAILABLE:
            signal_descendants(self.process.pid, signal.SIGSTOP)
        else:
            self._signal_group(signal.SIGSTOP)
        self.frozen = True

    def thaw(self) -> None:
        """Lets them go on."""
        if guardian.AVAILABLE:
            signal_descendants(self.process.pid, signal.SIGCONT)
        else:
            self._signal_group(signal.SIGCONT)
        self.frozen = False

    def kill(self, reason: str = "") -> None:
        """Ends the child and everything below it. ``reason`` is reported instead of the signal."""
        self.kill_reason = self.kill_reason or reason
        if self.process.returncode is not None:
            return
        if guardian.AVAILABLE:
            with suppress(ProcessLookupError):
                self.process.send_signal(guardian.END)
                self.process.send_signal(signal.SIGCONT)
        else:
            self._signal_group(signal.SIGKILL)

    def read_stderr(self) -> bool:
        """Keeps what arrived on the child's stderr. Returns False at its end."""
        data = self.process.stderr.read(65_536) if self.process.stderr else b""
        if data:
            self._stderr.append(data)
        return data != b""

    def wait(self, *, exiting: bool) -> ChildExit:
        """Ends the child and everything below it, waits for that, and closes what belongs to it.

        ``exiting``: it has closed its channel, so it is about to end by itself, and how it does that is worth a moment.
        """
        if exiting:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(EXITS_WITHIN)
        self.kill()
        try:
            code = self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            signal_descendants(self.process.pid, signal.SIGKILL)
            self._signal_group(signal.SIGKILL)
            code = self.process.wait()
        if code == -signal.SIGKILL:  # perhaps the guardian itself was killed, and left what was below it
            end_marked(mark(self.workspace))
        self.channel.close()
        if self.process.stderr:
            with suppress(OSError, ValueError):
                self.read_stderr()
            self.process.stderr.close()
        stderr = b"".join(self._stderr)[-STDERR_CAP:].decode("utf-8", "replace").strip()
        out_of_memory = code != 0 and names_memory(stderr)
        return ChildExit(code, self.kill_reason or _ending(code, out_of_memory=out_of_memory), stderr, out_of_memory)

    def _signal_group(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class ChildPool:
    """Starts child processes and ends them; their temporary files go with them.

    ``command`` makes a child's command line from the numbers of two inherited descriptors: its end of the channel, and the
    file with its ``setup``. ``environment`` is all that it inherits, apart from TMPDIR. ``linger``: see ``close``.
    ``memory``: the control group of this worker.
    """

    def __init__(
        self,
        command: Callable[[int, int], Sequence[str]],
        *,
        setup: Callable[[Path], Mapping[str, object]],
        environment: Mapping[str, str],
        linger: float = 0.0,
        memory: MemoryGroup | None = None,
    ) -> None:
        self._command = command
        self._setup = setup
        self._environment = dict(environment)
        self._linger = linger
        self._kills = kernel_kills.KernelKills(memory or MemoryGroup())
        self._workspaces = Workspaces()
        self._failed_starts = 0
        self._next_start = float("-inf")
        self.children: list[ChildProcess] = []
        self.start_failure: ChildExit | None = None
        """How the last of too many children ended that were never ready: the worker had better end."""

    def spawn(self) -> ChildProcess:
        """Starts one more child, in a process group of its own."""
        own_end, child_end = socket.socketpair()
        workspace = self._workspaces.make()
        setup = send_setup(self._setup(workspace))
        try:
            process = subprocess.Popen(
                self._command(child_end.fileno(), setup),
                pass_fds=(child_end.fileno(), setup),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                process_group=0,
                env={**self._environment, "TMPDIR": str(workspace)},
            )
        finally:
            child_end.close()
            os.close(setup)
        child = ChildProcess(process, supervisor_end(own_end), workspace)
        if process.stderr:
            os.set_blocking(process.stderr.fileno(), False)
        self.children.append(child)
        return child

    def spawn_delay(self) -> float:
        """Seconds until the next child may be started: more after each one that was never ready."""
        return max(0.0, self._next_start - time.monotonic())

    def remove(self, child: ChildProcess, *, exiting: bool = False) -> ChildExit:
        """Ends a child with everything below it, and removes its files. Returns how it ended.

        ``exiting``: its channel has ended.
        """
        self.children.remove(child)
        child_exit = child.wait(exiting=exiting)
        if exiting and not child.kill_reason and self._kills.explains(child_exit.code):
            child_exit = replace(child_exit, reason=kernel_kills.REASON)
        self._workspaces.remove(child.workspace)
        self._count_start(child, child_exit)
        return child_exit

    def close(self) -> None:
        """Ends all children and removes all files. Those that are idle get ``linger`` seconds to end by themselves."""
        try:
            if self._linger:
                self._quit_idle()
        finally:
            self._end_all()

    def _quit_idle(self) -> None:
        until = time.monotonic() + self._linger
        idle = [child for child in self.children if child.ready and not child.jobs]
        for child in idle:
            child.send(Quit())
        for child in idle:
            with suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, until - time.monotonic()))

    def _end_all(self) -> None:
        for child in self.children:
            child.kill()
        for child in list(self.children):
            self.remove(child)
        self._workspaces.close()

    def child_of(self, job_id: int) -> ChildProcess | None:
        """The child that a job is assigned to."""
        return next((child for child in self.children if job_id in child.jobs), None)

    def flush(self) -> bool:
        """Sends what children did not take before; returns whether there is still some of it. Called at every turn."""
        self._kills.look(time.monotonic())
        return sum(child.unsent() for child in self.children) > 0

    def job_count(self) -> int:
        """Jobs that are assigned to children."""
        return sum(len(child.jobs) for child in self.children)

    def _count_start(self, child: ChildProcess, child_exit: ChildExit) -> None:
        if child.ready:
            self._failed_starts = 0
        elif not child.kill_reason:
            self._failed_starts += 1
            self._next_start = time.monotonic() + min(START_DELAY * 2 ** (self._failed_starts - 1), START_DELAY_MOST)
            killed = (
                child_exit.code == -signal.SIGKILL and not child_exit.out_of_memory
            )  # by an operator, not by the child itself
            if self._failed_starts >= START_ATTEMPTS and not killed:
                self.start_failure = child_exit


def _ending(code: int, *, out_of_memory: bool) -> str:
    if out_of_memory:
        return "ended: it needs more memory than it may use"
    if code < 0:
        name = signal.Signals(-code).name
        return f"killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"ended with code {code}"
